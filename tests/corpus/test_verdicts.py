"""What the metrics of manifests that nobody here wrote decide in each world, held against a reviewed list.

The corpora and tutorials stand beside the checkout and are never copied into it; without them the test is skipped.
`verdicts.txt` has a line for each metric: where it stands, its place and name, the facts about its query (or its
provider), and the phases of a measurement in each world. Metrics that decide the same as one above in the same
collection are not repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutlint.controllers.measurement import Judgement, measure
from rolloutlint.settings import Targets
from tests.seeds.extract import LostIndentationError, extract

SHARED = Path(__file__).parents[3] / "shared"
COLLECTIONS = ("corpus", "seeds")
REVIEWED = Path(__file__).with_name("verdicts.txt")

WORLDS = (
    "normal", "healthy", "healthy-no-failures", "failing", "failing-no-successes", "started", "absent", "idle",
)  # fmt: skip
HEAD = """\
# Each line: file, metrics[index] and name, what the query can give, and the phases of one measurement in the worlds
# normal healthy healthy-no-failures failing failing-no-successes started absent idle
# S Successful, F Failed, E Error, I Inconclusive, ? unknown, - no such world. `pytest tests/corpus --renew` writes it.
"""


def manifests() -> Iterator[tuple[str, str]]:
    """(name, YAML) of every file of the collections, with the manifests of a tutorial each by its own name."""
    for collection in COLLECTIONS:
        for path in sorted((SHARED / collection).rglob("*")):
            name = path.relative_to(SHARED).as_posix()
            if path.suffix in (".yaml", ".yml") and path.is_file():
                yield name, path.read_text(errors="replace")
            elif collection == "seeds" and path.suffix == ".txt":
                try:
                    yield from ((f"{name}/{inner}", text) for inner, text in extract(path.read_text()).items())
                except LostIndentationError:
                    continue


def templates(text: str) -> Iterator[Any]:
    """The AnalysisTemplates of a text that is YAML; other texts have none."""
    if "AnalysisTemplate" not in text:
        return
    try:
        documents = list(yaml.load_all(text, yaml.CSafeLoader))
    except (yaml.YAMLError, ValueError):
        return
    for document in documents:
        if isinstance(document, dict):
            items = document.get("items") if document.get("kind") == "List" else [document]
            yield from (
                i for i in items or () if isinstance(i, dict) and str(i.get("kind")).endswith("AnalysisTemplate")
            )


def described(judgement: Judgement) -> str:
    query = judgement.query
    if query is None:
        return judgement.provider
    if query.value is None:
        return "unparsable"
    value = query.value
    facts = ["always empty" if value.always_empty else "may be empty" if value.empty else "never empty"]
    if any(reason.code not in ("raw-sample", "malformed-buckets") for reason in value.nan):
        facts.append("NaN")
    facts.append("one" if value.cardinality <= 1 else "many")
    return ", ".join(facts)


def letters(judgement: Judgement) -> str:
    shown = []
    for world in WORLDS:
        verdict = judgement.verdict(world)  # type: ignore[arg-type]
        phases = sorted(str(phase or "?")[0] for phase in verdict.phases) if verdict is not None else ["-"]
        shown.append("/".join(phases))
    return " ".join(shown)


def verdicts() -> Iterator[str]:
    seen = set()
    for name, text in manifests():
        for template in templates(text):
            spec = template.get("spec")
            metrics = spec.get("metrics") if isinstance(spec, dict) else None
            for index, metric in enumerate(metrics or ()):
                found = measure(metric, {}, Targets()) if isinstance(metric, dict) else None
                if found is None:
                    continue
                key = (name.split("/")[:2], str(metric.get("name")), id(found.judgement))
                if str(key) in seen:
                    continue
                seen.add(str(key))
                label = re.sub(r"\s+", "_", str(metric.get("name")))
                judgement = found.judgement
                yield f"{name} metrics[{index}] {label} | {described(judgement)} | {letters(judgement)}"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the corpora are not at {SHARED}")
@pytest.mark.slow
def test_the_verdicts_on_the_metrics_of_the_field_are_the_reviewed_ones(request: pytest.FixtureRequest) -> None:
    lines = list(verdicts())
    assert len(lines) > 20
    if request.config.getoption("--renew"):
        REVIEWED.write_text(HEAD + "\n".join(lines) + "\n")
    expected = [line for line in REVIEWED.read_text().splitlines() if not line.startswith("#")]
    assert lines == expected
