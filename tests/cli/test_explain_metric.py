"""`rolloutlint explain-metric` as a command: what it takes, what it shows, and what it says if it cannot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rolloutlint.cli.metric import explain_metric
from rolloutlint.errors import UsageError

TEMPLATE = """\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: rate, namespace: shop}
spec:
  args: [{name: least}]
  metrics:
    - name: success-rate
      interval: 1m
      count: 5
      failureLimit: 1
      successCondition: result[0] >= {{args.least}}
      provider:
        prometheus:
          address: http://prometheus:9090
          query: sum(rate(x_total{code!~"5.."}[5m])) / sum(rate(x_total[5m]))
    - name: "errors: all"
      interval: 1m
      consecutiveSuccessLimit: 2
      successCondition: result < 1
      provider: {datadog: {query: x}}
"""
CLUSTER = """\
apiVersion: argoproj.io/v1alpha1
kind: ClusterAnalysisTemplate
metadata: {name: latency}
spec:
  metrics: [{name: p95, successCondition: "result[0] < 1", provider: {prometheus: {query: up}}}]
"""
LIST = """\
apiVersion: v1
kind: List
items:
  - apiVersion: argoproj.io/v1alpha1
    kind: AnalysisTemplate
    metadata: {name: listed}
    spec: {metrics: [{name: smoke, provider: {job: {spec: {template: {}}}}}]}
"""
ROLLOUT = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: cart, namespace: shop}
spec:
  strategy:
    canary:
      steps:
        - analysis:
            templates: [{templateName: rate}]
            args: [{name: least, value: "0.9"}]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "a/rate.yaml": TEMPLATE,
        "b/cart.yaml": ROLLOUT,
        "all.yaml": f"{TEMPLATE}---\n{CLUSTER}---\n{LIST}",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(explain_metric, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def metrics(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shown(*arguments, "-f", "json"))["metrics"]
    return found


def test_all_metrics_of_a_file_are_shown_in_its_order() -> None:
    names = [(metric["template"]["name"], metric["name"]) for metric in metrics("all.yaml")]
    assert names == [("rate", "success-rate"), ("rate", "errors: all"), ("latency", "p95"), ("listed", "smoke")]


@pytest.mark.parametrize("name", ["success-rate", "errors: all", "p95", "smoke"])
def test_one_metric_is_shown_by_its_name(name: str) -> None:
    assert [metric["name"] for metric in metrics(f"all.yaml:{name}")] == [name]


def test_the_name_of_a_file_may_hold_colons() -> None:
    Path("a:b.yaml").write_text(CLUSTER)
    Path("a").rename("c")
    assert [metric["name"] for metric in metrics("a:b.yaml")] == ["p95"]
    assert [metric["name"] for metric in metrics("a:b.yaml:p95")] == ["p95"]


def test_with_the_rollouts_their_arguments_are_known() -> None:
    (alone,) = metrics("a/rate.yaml:success-rate")
    assert alone["used_by"] == []
    assert {p for row in alone["worlds"] if row["world"] == "normal" for p in row["phases"]} == {"unknown"}
    (known,) = metrics("a/rate.yaml:success-rate", "--with", "b")
    assert [user.partition(",")[0] for user in known["used_by"]] == ["Rollout shop/cart"]
    gives = [(row["gives"], row["phases"]) for row in known["worlds"] if row["world"] == "normal"]
    assert gives == [("0 to below 0.9", ["Failed"]), ("0.9 to 1", ["Successful"])]


def test_the_release_decides_which_limits_there_are() -> None:
    def data(*flags: str) -> list[str]:
        (metric,) = metrics("a/rate.yaml:errors: all", *flags)
        return [o["kind"] for row in metric["worlds"] if row["gives"] == "below 1" for o in row["outcomes"]]

    assert data() == ["succeeds"]
    assert data("--target", "rollouts=1.4") == ["goes-on"]


def test_the_text_names_the_metric_the_condition_and_the_worlds() -> None:
    lines = shown("a/rate.yaml:success-rate", "--with", "b").splitlines()
    assert lines[0].split() == ["success-rate", "prometheus", "AnalysisTemplate", "shop/rate", "a/rate.yaml"]
    assert "success: result[0] >= {{args.least}}" in lines[1]
    assert any(line.startswith("no series at all") and line.endswith("aborts the rollout after 40s") for line in lines)


def test_a_metric_that_the_controller_refuses_is_never_measured() -> None:
    Path("refused.yaml").write_text(CLUSTER.replace("name: p95,", "name: p95, count: 3,"))
    (metric,) = metrics("refused.yaml")
    assert metric["faults"] == ["interval must be specified when count > 1"]
    outcomes = [outcome for row in metric["worlds"] for outcome in row["outcomes"]]
    assert {(o["kind"], o["measurements"]) for o in outcomes} == {("aborts", 0)}


@pytest.mark.parametrize("metric, message", [
    ("-", "no standard input"),
    ("absent.yaml", "no such file: absent.yaml"),
    ("absent.yaml:p95", "no such file: absent.yaml"),
    ("a", "a is a directory"),
    ("b/cart.yaml", "no AnalysisTemplate or ClusterAnalysisTemplate"),
    ("all.yaml:latency", "no metric `latency` in it; there are: `success-rate`, `errors: all`, `p95`, `smoke`"),
    ("binary.yaml", "cannot read binary.yaml"),
])  # fmt: skip
def test_what_cannot_be_shown_is_said(metric: str, message: str) -> None:
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00\x00\x01")
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        shown(metric)
