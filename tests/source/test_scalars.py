"""Scalars are typed as a real kubectl types them; the answers are recorded in `tests/data/kubectl-scalars.json`."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from typing import Any

import pytest

from rolloutlint.source import GO_YAML_V2, KUSTOMIZE, Document, Problem, ScalarTable, Source, load, resolve
from rolloutlint.source.scalars import key_text
from tests.source.kubectl_vectors import RECORD, REFUSED, ask_kubectl, ask_values

VECTORS: dict[str, Any] = json.loads(RECORD.read_text())
REFUSED_KEY = "refused"


def spec(text: str, table: ScalarTable) -> Any:
    """What the reader makes of `text` as a value, in the form of the recorded answers."""
    items = list(load(Source("probe.yaml", f"spec:\n  k: {text}\n", typing=table)))
    documents = [i for i in items if isinstance(i, Document)]
    refused = any(isinstance(i, Problem) and i.kind != "duplicate-key" for i in items)
    return documents[0].value["spec"]["k"] if documents and not refused else REFUSED


def same(mine: Any, theirs: Any) -> bool:
    """Equal in type and value; the record's numbers beyond 64 bits are floats that JSON prints without a point."""
    if mine.__class__ is float and theirs.__class__ is int and abs(theirs) >= 1 << 63:
        theirs = float(theirs)
    return bool(mine.__class__ is theirs.__class__ and mine == theirs)


def wrong(texts: dict[str, Any], table: ScalarTable) -> dict[str, tuple[Any, Any]]:
    return {t: (mine, v) for t, v in texts.items() if not same(mine := spec(t, table), v)}


def test_plain_and_quoted_values_are_what_kubectl_reads() -> None:
    assert wrong(VECTORS["values"], GO_YAML_V2) == {}


def test_tagged_values_are_what_kubectl_reads() -> None:
    assert wrong(VECTORS["tagged"], GO_YAML_V2) == {}


def test_mappings_with_merges_and_aliases_are_what_kubectl_reads() -> None:
    assert wrong(VECTORS["mappings"], GO_YAML_V2) == {}


def keys(table: ScalarTable, texts: Sequence[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        value = spec(f"{{{text}: x}}", table)
        found[text] = REFUSED_KEY if value == REFUSED else next(iter(value))
    return found


def test_keys_are_spelled_as_kubectl_spells_them() -> None:
    assert keys(GO_YAML_V2, list(VECTORS["keys"])) == VECTORS["keys"]


def test_kustomize_values_are_what_kustomize_writes() -> None:
    assert wrong(VECTORS["kustomize values"], KUSTOMIZE) == {}


def test_kustomize_refuses_the_keys_that_are_no_strings() -> None:
    recorded = {t: k for t, k in VECTORS["kustomize keys"].items() if k is not None}
    assert keys(KUSTOMIZE, list(recorded)) == recorded


def test_in_kustomize_an_explicit_key_beats_a_merge_written_after_it() -> None:
    recorded = {t: v for t, v in VECTORS["kustomize mappings"].items() if t.startswith(("{a: 2, <<", "{b: {c"))}
    assert len(recorded) == 2
    assert wrong(recorded, KUSTOMIZE) == {}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
def test_the_kubectl_on_this_machine_still_answers_as_recorded() -> None:
    texts = [t for t, v in VECTORS["values"].items() if v != REFUSED]
    if ask_kubectl("apiVersion: v1\nkind: Probe\nmetadata: {name: a}\nspec: {a: 1}\n") is None:
        pytest.skip("this kubectl cannot annotate --local")
    assert dict(zip(texts, ask_values(ask_kubectl, texts), strict=True)) == {t: VECTORS["values"][t] for t in texts}


@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "7" * 5000, "0x" + "f" * 5000, "0o" + "7" * 5000, "1e99999"])
def test_a_number_of_any_length_is_typed_without_an_error(digits: str) -> None:
    assert resolve(digits) == digits


def test_infinities_are_floats_to_whoever_asks_for_one_scalar() -> None:
    assert resolve("-.INF") == -math.inf


@pytest.mark.parametrize(
    ("value", "text"), [(1e300, ".inf"), (-1e300, "-.inf"), (1e6, "1e+06"), (100000.5, "100000.5"), (1e-5, "1e-05")]
)
def test_float_keys_are_written_as_go_writes_32_bit_floats(value: float, text: str) -> None:
    assert key_text(value) == text
