"""What the controller refuses: against verdicts of the real validation, and at the edges that vectors do not reach.

`tests/data/validation/verdicts.jsonl.gz` holds specs of ours, valid ones with one to four changes each, and what
`ValidateRollout` of Argo Rollouts 1.7.2, 1.9.2 and 1.10.1 answered to them as [field, text] (1.7 and 1.10 only where
they differ from 1.9).
"""

from __future__ import annotations

import copy
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.controllers.pod_template import template_faults
from rolloutlint.controllers.validation import extractable, mismatch, refusals, selector_faults
from rolloutlint.finding import show_path
from rolloutlint.schema import too_new
from rolloutlint.settings import Targets, Version

VERDICTS = Path(__file__).parents[1] / "data" / "validation" / "verdicts.jsonl.gz"
RELEASES = {"1.7": Version(1, 7), "1.9": Version(1, 9), "1.10": Version(1, 10)}
NOT_CONVERTIBLE = "invalid label selector"
NOT_MATCHED = "`selector` does not match template `labels`"
FOLLOWING = (
    'Not found: "data"',  # of a volume that is refused itself
    "must be between 1 and 2147483647",  # of an activeDeadlineSeconds that a ReplicaSet cannot have at all
    "must be a standard resource",  # said twice, in two ways
    "must contain at least one letter",  # of a port name in upper case
    "must not be set for readinessProbes",  # of a period that is not positive
    'Unsupported value: "Sometimes": supported values: "Always"',  # said twice
)
"""What Kubernetes says a second time of one cause."""
REQUIRED_BY_SCHEMA = (".name", ".containerPort", ".containers", ".mountPath")


def rows() -> Iterator[dict[str, Any]]:
    with gzip.open(VERDICTS, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


ROWS = list(rows())


def kept(spec: dict[str, Any], release: str) -> dict[str, Any]:
    """The spec without the fields that the API server of a release does not know."""
    spec = copy.deepcopy(spec)
    for path, _ in too_new("argoproj.io", "Rollout", {"spec": spec}, RELEASES[release]):
        parent: Any = {"spec": spec}
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
    return spec


def answers(row: dict[str, Any], release: str) -> list[tuple[str, str]]:
    return [(field, text) for field, text in row.get(release, row["1.9"])]


def of_template(field: str, text: str) -> bool:
    return field.startswith("spec.template") and "must be empty for" not in text


def without_each(texts: list[str], ours: list[str]) -> tuple[list[str], list[str]]:
    """What is left of the real answers once each of ours has taken one that holds it, and ours that found none."""
    left, alone = list(texts), []
    for answer in sorted(ours, key=len, reverse=True):
        taken = next((text for text in left if answer in text), None)
        if taken is None:
            alone.append(answer)
        else:
            left.remove(taken)
    return left, alone


def test_the_fields_that_are_changed_are_many() -> None:
    assert len(PLACES) > 100


def test_the_verdicts_are_many_and_most_are_refusals() -> None:
    assert len(ROWS) > 2000
    assert sum(not row["1.9"] for row in ROWS) > 100
    assert sum("1.10" in row for row in ROWS) > 20
    assert sum("1.7" in row for row in ROWS) > 20


@pytest.mark.parametrize("release", RELEASES)
def test_a_spec_is_refused_for_exactly_the_reasons_that_the_controller_gives(release: str) -> None:
    wrong: Counter[str] = Counter()
    for row in ROWS:
        real = [
            text
            for field, text in answers(row, release)
            if not of_template(field, text) and NOT_CONVERTIBLE not in text
        ]
        if release == "1.7" and any("plugin" in step for step in steps(row["spec"])):
            continue  # the program that answered knows no plugin steps, and took them for empty ones
        ours = [r.answer for r in refusals(kept(row["spec"], release), Targets(rollouts=RELEASES[release]))]
        left, alone = without_each(real, [answer for answer in ours if answer != NOT_CONVERTIBLE])
        wrong.update(f"only upstream: {text}" for text in left if not twice(text, ours))
        wrong.update(f"only ours: {answer}" for answer in alone)
    assert wrong == {}


def steps(spec: dict[str, Any]) -> list[Any]:
    canary = (spec.get("strategy") or {}).get("canary") or {}
    return [step for step in canary.get("steps") or () if isinstance(step, dict)]


def twice(text: str, ours: list[str]) -> bool:
    """Upstream looks at the method of a mirror match twice."""
    return "StringMatch" in text and any(answer in text for answer in ours)


@pytest.mark.parametrize("release", RELEASES)
def test_every_fault_of_a_pod_template_is_one_that_kubernetes_names_too(release: str) -> None:
    wrong: Counter[str] = Counter()
    for row in ROWS:
        real = [text for field, text in answers(row, release) if of_template(field, text)]
        if row["spec"].get("workloadRef") or any(NOT_CONVERTIBLE in text for _, text in answers(row, release)):
            continue
        ours = [fault.answer for fault in template_faults(row["spec"].get("template") or {})]
        wrong.update(without_each(real, ours)[1])
    assert wrong == {}


def test_no_fault_of_the_kinds_that_are_known_is_missed_in_a_pod_template() -> None:
    missed: Counter[tuple[str, str]] = Counter()
    for row in ROWS:
        if row["spec"].get("workloadRef"):
            continue
        faults = template_faults(row["spec"].get("template") or {})
        for field, text in row["1.9"]:
            follows = NOT_MATCHED in text or any(words in text for words in FOLLOWING)
            required = "Required value" in text and field.endswith(REQUIRED_BY_SCHEMA)
            if of_template(field, text) and not follows and not required:
                missed.update([(field, text)] if not any(fault.answer in text for fault in faults) else [])
    assert missed == {}


def test_faults_of_a_pod_template_stand_where_kubernetes_says() -> None:
    for row in ROWS:
        fields = [field for field, text in row["1.9"] if of_template(field, text)]
        for fault in template_faults(row["spec"].get("template") or {}):
            if fields and fault.path[:2] == ("spec", "containers") and len(fault.path) > 3:
                place = "spec.template." + show_path(fault.path[:4])
                assert any(field.startswith(place) for field in fields), (place, fields)


@pytest.mark.parametrize("release", RELEASES)
def test_a_selector_fails_to_match_exactly_where_the_controller_says_so(release: str) -> None:
    for row in ROWS:
        spec = row["spec"]
        texts = [text for _, text in answers(row, release)]
        judged = spec.get("selector") and "workloadRef" not in spec and not any(NOT_CONVERTIBLE in t for t in texts)
        template = spec.get("template") or {}
        if judged and spec["selector"] != {"matchLabels": {}}:
            found = mismatch(spec["selector"], (template.get("metadata") or {}).get("labels"))
            assert (found is not None) == any(NOT_MATCHED in text for text in texts), spec


VALID = [row["spec"] for row in ROWS if not row["1.9"]]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        if isinstance(below, (dict, list)) and below:
            yield from leaves(below, (*path, key))
        else:
            yield (*path, key)


def places() -> Iterator[tuple[dict[str, Any], tuple[Any, ...]]]:
    """Every kind of field once: a valid spec that has it, and the path there."""
    seen = set()
    for spec in VALID:
        for path in leaves(spec):
            names = tuple(key for key in path if isinstance(key, str))
            if names not in seen:
                seen.add(names)
                yield spec, path


PLACES = list(places())


def replaced(spec: dict[str, Any], path: tuple[Any, ...], new: object) -> dict[str, Any]:
    out = copy.deepcopy(spec)
    parent: Any = out
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = new
    return out


@pytest.mark.parametrize("mark", ["{{ .Values.x }}", "${X}", "$(X)"])
def test_a_value_that_is_filled_in_later_is_never_blamed(mark: str) -> None:
    for spec, path in PLACES:
        changed = replaced(spec, path, mark)
        assert refusals(changed, Targets()) == (), path
        assert template_faults(changed.get("template") or {}) == (), path
        labels = ((changed.get("template") or {}).get("metadata") or {}).get("labels")
        assert mismatch(changed.get("selector"), labels) is None, path


@pytest.mark.parametrize("wrong", [7, -1, 1.5, True, "text", [], ["x"], {}, {"x": 1}, None])
def test_no_value_of_a_wrong_type_anywhere_raises(wrong: object) -> None:
    for spec, path in PLACES:
        for end in range(1, len(path) + 1):
            changed = replaced(spec, path[:end], wrong)
            refusals(changed, Targets())
            template = changed.get("template")
            if isinstance(template, dict):
                template_faults(template)
                metadata = template.get("metadata")
                mismatch(changed.get("selector"), metadata.get("labels") if isinstance(metadata, dict) else None)


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("metadata.name", True),
        ("metadata.labels", True),
        ("metadata.labels['team']", True),
        ("metadata.labels['example.com/team']", True),
        ("metadata.annotations['Example.com/Team']", True),
        ("metadata.labels['Example.com/team']", False),
        ("metadata.labels.team", False),
        ("metadata.labels[team]", False),
        ("metadata.labels['']", False),
        ("metadata.name['x']", False),
        ("metadata.generateName", False),
        ("metadata", False),
    ],
)
def test_only_paths_of_the_downward_api_can_be_read(path: str, known: bool) -> None:
    assert extractable(path) is known


def test_the_order_of_refusals_is_that_of_the_controller() -> None:
    spec = {
        "replicas": -1,
        "selector": {"matchLabels": {"a b": "c"}},
        "minReadySeconds": -1,
        "revisionHistoryLimit": -1,
        "progressDeadlineSeconds": -1,
        "strategy": {"canary": {"maxSurge": 0, "maxUnavailable": 0, "steps": [{}, {"setWeight": 200}]}},
    }
    found = [refusal.check for refusal in refusals(spec, Targets())]
    assert found == ["V01", "V03", "V08", "V09", "V10", "V11", "V18", "V30", "V31"]


@pytest.mark.parametrize(
    ("selector", "paths"),
    [
        ({"matchLabels": {"app": "cart"}}, []),
        ({"matchLabels": {"app": "cart", "-x": "y"}}, [("matchLabels", "-x")]),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": []}]}, [("matchExpressions", 0, "values")]),
        ({"matchExpressions": [{"key": "app", "operator": "In"}]}, [("matchExpressions", 0)]),
        ({"matchExpressions": [{"key": "app", "operator": "exists"}]}, [("matchExpressions", 0, "operator")]),
        ({"matchExpressions": [{"key": "app", "operator": "${OPERATOR}"}, None, "x"]}, []),
    ],
)
def test_faults_of_a_selector_stand_at_the_part_at_fault(selector: dict[str, Any], paths: list[Any]) -> None:
    assert [path for path, _, _ in selector_faults(selector)] == paths


@pytest.mark.parametrize(
    ("selector", "labels", "key"),
    [
        ({"matchLabels": {"app": "cart"}}, {"app": "cart", "tier": "web"}, None),
        ({"matchLabels": {"app": "cart"}}, {"app": "basket"}, "app"),
        ({"matchLabels": {"app": "cart"}}, None, "app"),
        ({"matchLabels": {"app": "cart"}}, {"app": "${APP}"}, None),
        ({"matchLabels": {"app": "cart"}}, {"app": 7}, None),
        ({"matchLabels": {"app": "cart"}}, {"${KEY}": "cart"}, None),
        ({"matchLabels": {"app": "cart", "x": "${X}"}}, {"app": "cart"}, None),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["cart"]}]}, {}, None),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["cart"]}]}, {"app": "cart"}, "app"),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, {"app": "cart"}, "app"),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["${A}"]}]}, {"app": "cart"}, None),
        ({"matchLabels": {"a b": "c"}}, {}, None),
        (None, {}, None),
    ],
)
def test_a_mismatch_is_certain_or_not_claimed(selector: Any, labels: Any, key: str | None) -> None:
    found = mismatch(selector, labels)
    assert (found.key if found else None) == key


@pytest.mark.parametrize(("length", "refused"), [((256 << 10) - 1, False), (256 << 10, True)])
def test_annotations_of_pods_have_room_for_256_kibibytes(length: int, refused: bool) -> None:
    template = {"metadata": {"annotations": {"a": "x" * length}}, "spec": {}}
    assert [fault.path for fault in template_faults(template)] == [("metadata", "annotations")] * refused


@pytest.mark.parametrize(
    ("surge", "refused"),
    [(0, True), ("0%", True), ("abc", True), ("12.5%", True), ("0", True), ("25", False), (None, False), (1, False)],
)
def test_surge_is_read_as_the_validation_reads_it(surge: object, refused: bool) -> None:
    canary = {"maxSurge": surge, "maxUnavailable": 0}
    spec = {"selector": {"matchLabels": {"app": "cart"}}, "strategy": {"canary": canary}}
    assert [r.check for r in refusals(spec, Targets())] == (["V18"] if refused else [])
