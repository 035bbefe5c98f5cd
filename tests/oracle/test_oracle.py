"""Argo Rollouts' own validation and our rules give the same verdicts, both ways, on manifests and on mutations of them.

Each Rollout is linted alone. Upstream's answers are told apart by their words (`WORDS`), our findings by the checks
that their rule `mirrors`; only the validations of a spec (V) are compared, since the program is given no other object.
`SAID_BY_SCHEMA`, `FOLLOWS` and `UNSAID` list what may differ, with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from rolloutlint.lang.names import is_dns1123_subdomain
from rolloutlint.settings import Settings, Targets, Version
from tests.harness import CATALOGUE, lint
from tests.oracle.mutations import bases, mutations
from tests.oracle.program import ROOT, Answer, Fault, NoOracleError, ask

CORPUS = ROOT.parent / "shared" / "corpus"
FIXTURES = ROOT / "fixtures"
SEEDS = ("a", "b", "c", "d")
COUNT = 300
SETTINGS = Settings(today="2026-11-21", targets=Targets(rollouts=Version(1, 9)))

WORDS: tuple[tuple[str, str, str], ...] = (
    (r"spec\.replicas", "", "V01"),
    (r"spec\.minReadySeconds", "", "V08"),
    (r"spec\.revisionHistoryLimit", "", "V09"),
    (r"spec\.progressDeadlineSeconds", "greater than or equal", "V10"),
    (r"spec\.progressDeadlineSeconds", "greater than minReadySeconds", "V11"),
    (r"spec\.template", "must be empty for workload reference", "V05"),
    (r"spec\.template", "", "V07"),
    (r"spec\.selector", "Rollout has missing field", "V02"),
    (r"spec\.selector", "empty selector", "V04"),
    (r"spec\.selector", "", "V03"),
    ("", r"missing field '\.spec\.strategy\.canary or", "V12"),
    ("", "Multiple Strategies", "V13"),
    ("", "same service for the active and preview", "V14"),
    ("", "revision history limit can not be smaller", "V15"),
    ("", "AntiAffinity must have exactly one", "V16"),
    ("", "AntiAffinity weight", "V17"),
    ("", "MaxSurge and MaxUnavailable", "V18"),
    ("", "same service for the stable and canary", "V19"),
    ("", "Ping-pong feature works with", "V20"),
    ("", "Ping service and Pong service", "V21"),
    ("", "same service for the ping and pong", "V22"),
    ("", "Root service field", "V23"),
    ("", "Canary service and Stable service", "V24"),
    ("", "scaleDownDelaySeconds can only", "V25"),
    ("", "dynamicStableScale can only", "V26"),
    ("", "dynamicStableScale cannot be used with", "V27"),
    ("", "maxTrafficWeight in traffic routing only", "V28"),
    ("", "Step must have one of", "V29 V30"),
    ("", "SetWeight needs", "V31"),
    ("", "Duration needs", "V32"),
    ("", "SetCanaryScale requires", "V33"),
    ("", "SetHeaderRoute requires", "V34"),
    (r"setHeaderRoute", "StringMatch value missed", "V35 V37"),
    ("", "SetHeaderRoute match value invalid", "V36"),
    (r"setHeaderRoute", "StringMatch", "V37"),
    ("", "SetMirrorRoute requires", "V38"),
    (r"setMirrorRoute", "StringMatch", "V39"),
    ("", "missing field 'spec.strategy.canary.trafficRouting.managedRoutes", "V40"),
    ("", "Steps define a route that does not exist", "V41"),
    ("", "weight cannot be set unless TrafficRouting", "V42"),
    ("", "weight is only available for TrafficRouting", "V43"),
    ("", "Analyses arguments must refer to valid object metadata", "V44"),
)
"""What the field and the text of an answer hold -> the checks it can come from; the first line that fits counts."""

MISSING = "RL005"
"""Says what the API server requires, so it has no counterpart where the validation does not look at the field."""

SAID_BY_SCHEMA = (
    "Required value",
    "StringMatch value missed",
    "must to be set",
    "invalid label selector",
    'Invalid value: ""',
    'Not found: ""',
    "Invalid value: 0: AntiAffinity weight",
    "Invalid value: 0: must be between 1 and 65535",
)
"""Said of a field that is required and absent: the API server refuses the object before the controller sees it."""

FOLLOWS = (
    ("`selector` does not match template `labels`", "RL112", "no selector, or none that can be read, matches nothing"),
    ("must be greater than minReadySeconds", "RL110", "a number below 0 is too small as well"),
)
"""Words that upstream says a second time of a cause that another rule of ours names, that rule, and why."""

UNSAID = (("spec.template", "valueFrom.fieldRef.fieldPath", "which fields a pod may read of itself is not judged"),)
"""What the field of an answer begins and ends with that no rule says anything of, and why."""

MIRRORS: dict[str, frozenset[str]] = {
    rule.id: frozenset(check for check in rule.mirrors if check.startswith("V")) for rule in CATALOGUE.rules.values()
}


class Case(NamedTuple):
    """A Rollout, what upstream answers, and which of our rules report something of it: id -> paths of errors."""

    name: str
    manifest: dict[str, Any]
    answer: Answer
    errors: dict[str, list[str]]


@pytest.fixture(autouse=True, scope="session")
def _oracle() -> None:
    try:
        ask([])
    except NoOracleError as reason:
        pytest.skip(f"Argo Rollouts' own validation cannot be had: {reason}")


def judged(named: list[tuple[str, dict[str, Any]]]) -> list[Case]:
    answers = ask(manifest for _, manifest in named)
    assert len(answers) == len(named)
    cases = []
    for (name, manifest), answer in zip(named, answers, strict=True):
        errors: dict[str, list[str]] = {}
        for finding in lint(json.dumps(manifest), SETTINGS).active:
            if finding.severity == "error":
                errors.setdefault(finding.finding.rule, []).append(finding.path)
        cases.append(Case(name, manifest, answer, errors))
    return cases


def checks(fault: Fault) -> frozenset[str]:
    for field, words, found in WORDS:
        if re.search(field, fault.field) and re.search(words, fault.text):
            return frozenset(found.split())
    return frozenset()


def missed(case: Case) -> Iterator[str]:
    """What upstream says and we do not."""
    for fault in case.answer.faults:
        wanted = checks(fault)
        said = any(MIRRORS[rule] & wanted for rule in case.errors)
        by_schema = MISSING in case.errors and any(words in fault.text for words in SAID_BY_SCHEMA)
        follows = any(words in fault.text and rule in case.errors for words, rule, _ in FOLLOWS)
        unsaid = any(fault.field.startswith(start) and fault.field.endswith(end) for start, end, _ in UNSAID)
        if not (said or by_schema or follows or unsaid):
            yield f"{case.name}: only upstream, {sorted(wanted)}: {fault.field}: {fault.text}"


def invented(case: Case) -> Iterator[str]:
    """What we say and upstream does not."""
    real = frozenset().union(*map(checks, case.answer.faults))
    if any("invalid label selector" in fault.text for fault in case.answer.faults):
        real |= {"V07"}  # upstream then leaves the pod template alone until the selector is mended
    for rule, paths in case.errors.items():
        if MIRRORS[rule] and rule != MISSING and not MIRRORS[rule] & real:
            yield f"{case.name}: only {rule}: {paths}"


def differences(cases: list[Case]) -> list[str]:
    return [
        f"{difference}\n    {json.dumps(case.manifest['spec'])}"
        for case in cases
        if not case.answer.malformed
        for difference in (*missed(case), *invented(case))
    ]


def rollouts(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Every Rollout in the files of a folder that a YAML parser can read, and JSON can hold."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".yaml", ".yml", ".json") or "hostile" in path.parts:
            continue
        try:
            documents = list(yaml.load_all(path.read_text(encoding="utf-8", errors="replace"), yaml.CSafeLoader))
        except (yaml.YAMLError, ValueError):
            continue
        for document in documents:
            if not isinstance(document, dict) or document.get("kind") != "Rollout" or "spec" not in document:
                continue
            name = str((document.get("metadata") or {}).get("name"))
            # Neither is judged: what no API server takes, as templates that a script fills in, and what a test expects.
            if is_dns1123_subdomain(name) and "status" not in document:
                found.append((path.relative_to(folder).as_posix(), document))
    return found


def test_the_manifests_that_are_mutated_are_valid_for_both() -> None:
    cases = judged([(manifest["metadata"]["name"], manifest) for manifest in bases()])
    assert [case.answer.faults for case in cases] == [()] * len(cases)
    assert differences(cases) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_mutations_are_refused_for_the_reasons_that_the_controller_gives(seed: str) -> None:
    cases = judged([(f"{seed}/{number}", mutant) for number, mutant in enumerate(mutations(seed, COUNT))])
    wrong = differences(cases)
    assert not wrong, "\n".join(wrong[:10])
    assert sum(bool(case.answer.malformed) for case in cases) < COUNT / 20
    assert COUNT / 5 < sum(not case.answer.faults for case in cases) < COUNT / 2


@pytest.mark.slow
def test_the_mutations_meet_nearly_every_check() -> None:
    mutants = [mutant for seed in SEEDS for mutant in mutations(seed, COUNT)]
    met = frozenset().union(*(checks(fault) for answer in ask(mutants) for fault in answer.faults))
    assert frozenset(" ".join(found for _, _, found in WORDS).split()) - met == set()


def test_every_word_that_the_validation_says_is_known() -> None:
    answers = ask(mutant for seed in SEEDS for mutant in mutations(seed, COUNT))
    assert [fault for answer in answers for fault in answer.faults if not checks(fault)] == []


@pytest.mark.parametrize("folder", [FIXTURES, CORPUS], ids=["fixtures", "corpora"])
def test_rollouts_of_the_field_are_judged_alike(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"there are no manifests at {folder}")
    cases = judged(rollouts(folder))
    assert len(cases) > 5
    wrong = differences(cases)
    assert not wrong, "\n".join(wrong)
