"""The fast reader reads what the authority reads or leaves it; the authority reads what a third way does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.source import (
    GO_YAML_V2,
    KUSTOMIZE,
    Document,
    Problem,
    ScalarTable,
    Source,
    decode,
    load,
    resolve,
    slices,
)
from rolloutlint.source.documents import DEFAULT
from rolloutlint.source.fastread import NotPlainError
from rolloutlint.source.scalars import key_name

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"


def authority(text: str, table: ScalarTable = GO_YAML_V2) -> tuple[list[Any], list[Problem]]:
    items = list(load(Source("a.yaml", text, typing=table), reader=None))
    return [i.value for i in items if isinstance(i, Document)], [i for i in items if isinstance(i, Problem)]


def is_plain(text: str) -> bool:
    try:
        DEFAULT(text, GO_YAML_V2)
    except NotPlainError:
        return False
    return True


def disagreement(text: str, table: ScalarTable = GO_YAML_V2) -> tuple[str, Any, Any] | None:
    """The first slice that the fast reader reads otherwise than the authority (1, 1.0 and true differ)."""
    for start, end in slices(text):
        part = text[start:end]
        try:
            fast = DEFAULT(part, table)
        except NotPlainError:
            continue
        values, problems = authority(part, table)
        if problems or repr([] if fast is None else [fast]) != repr(values):
            return part, fast, problems or values
    return None


def independent(text: str) -> list[Any]:
    """The documents of a benign text by PyYAML's own composer with its resolver off, typed by our table."""

    class Unresolved(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
            return None

        def descend_resolver(self, current_node: Any, current_index: Any) -> None: ...

        def ascend_resolver(self) -> None: ...

    def plain(node: Any) -> Any:
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else resolve(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [plain(n) for n in node.value]
        return {key_name(k.value, None, not k.style, GO_YAML_V2): plain(v) for k, v in node.value}

    return [v for v in (plain(n) for n in yaml.compose_all(text, Loader=Unresolved)) if v is not None]


# fmt: off
# ---- generated YAML --------------------------------------------------------------------------------------------

KEYS = [
    "a", "b", "spec", "name", "x-y", "app.io/name", "'q'", '"d q"', "yes", "1", "<<", "'<<'", "y", "_z", "a b",
    '"\\n"', "~",
]
SCALARS = [
    "", "a", "1", "1.0", "1e3", "yes", "null", "~", "a b", "a: b", "a:b", "a#b", "a #b", "- a", "-a", "-1",
    "--", "?x", "? x", ":x", "'it''s'", "'a", '"a"', '"a\\tb"', "'a' b", '"a": b', "{}", "[]",
    "{a: 1, b: [x, 'y']}", "[a] # d", "[a", "{a: 1}: b", "{a: 1, a: 2}", "*x", "&x a", "!t a", "!!str 1", "|",
    ">", "|-", ">-", "|+", "|2", "> # c", "|#c", "0777", "1_000", "2001-01-01", ".inf", "=", "%a", "@a", "`a`",
    "a\tb", "é\U0001f600", "a\u00a0b", "\ufeffb", "a\u2028b", "a\u0085b", "a\u0007b", "a  ", "a # c",
    "# c", "'a' # c", "'a'# c", '"a"  ', "a:", "a: ", "...", "---", "{a", "}", ",", "a, b", "{<<: {a: 1}}",
    '[a, 1, "b, c"]', "[ a ,b.c/d ]", "{a: yes, b: 'x: y'}  # d", "{yes: 1}", "{~: a}", "{a:1}",
    '["a" "b"]', "[a b]",
    "[.inf, 0777]", '{a: "b: c", d: e}', '{a: b"}', "['it''s']", "[a]b",
    '"a \\"b\\" \\\\ c"', '"a \\" # b', '"a\\\\" # b',
    "{a: *x}", "[1, 2,]", "[? a]", "{? a : b}", "{a, b: }", "[a]: b", '"\\ud800"', "'many", '"many',
]
LINES = [
    "# c", "  # c", "", "   ", "\t", " x", "text", "    deep", "- a", "- - a", "-", "---", "--- # c", "--- a",
    "...", "%YAML 1.1", "'", '"', "? a", ": b", "a\r", "}", "\t# c", "#\tc",
]
BLOCK_LINES = [
    "", "", "text", "two words", "# no", " more", "- x", "a: b", "  x  ", "\ttab", "  ", "\u00e9",
]
# fmt: on
SOUP = [*KEYS, *SCALARS, *LINES, ": ", "- ", "\n", "\n  ", "\n", " "]


def block_yaml(seed: int) -> str:
    """Block-style YAML, mostly well formed, with odd spacings, comments, blank lines and now and then a fault."""
    rng = random.Random(seed)
    out: list[str] = []

    def value(indent: int, head: str, depth: int) -> None:
        roll = rng.random()
        pad = " " * rng.choice([1, 1, 1, 2])
        if roll < 0.25 and depth < 5:
            out.append(head + rng.choice(["", "", " ", " # c", "  #c"]))
            block(indent + rng.choice([2, 2, 2, 1, 4, 0]), depth + 1)
        elif roll < 0.38:
            out.append(head + pad + rng.choice(["|", ">", "|-", ">-", "| # c", ">+", "|+", ">1", "| "]))
            inner = indent + rng.choice([1, 2, 2, 4])
            for _ in range(rng.randrange(6)):
                line = rng.choice(BLOCK_LINES)
                spaces = " " * (inner + rng.choice([0, 0, 0, 0, 0, 1, -1]))
                out.append(spaces + line if line or rng.random() < 0.4 else "")
        else:
            out.append(head + pad + rng.choice(SCALARS if rng.random() < 0.3 else SCALARS[:20]))
        if rng.random() < 0.12:
            out.append(rng.choice(LINES if rng.random() < 0.25 else LINES[:4]))

    def block(indent: int, depth: int) -> None:
        items = rng.random() < 0.4
        names = rng.sample(KEYS[:8], 4) if rng.random() < 0.8 else [rng.choice(KEYS) for _ in range(4)]
        for name in names[: rng.randrange(1, 4)]:
            at = " " * (indent + (rng.choice([-1, 1, 2]) if rng.random() < 0.02 else 0))
            dash = at + "-" + " " * rng.choice([1, 1, 1, 1, 3])
            if not items:
                value(len(at), f"{at}{name}{rng.choice(['', '', '', ' '])}:", depth)
            elif rng.random() < 0.5:
                value(len(dash), f"{dash}{name}:", depth)
                if rng.random() < 0.6:
                    value(len(dash), f"{' ' * len(dash)}{rng.choice(KEYS[:6])}x:", depth)
            else:
                value(len(at), at + "-", depth)

    for number in range(rng.choice([1, 1, 1, 2])):
        if number or rng.random() < 0.3:
            out.append("---")
        block(0, 0)
    text = rng.choice(["\n", "\n", "\n", "\n", "\r\n"]).join(out)
    return text + rng.choice(["\n", "\n", "", "\n\n", "  \n"])


GENERATED = st.integers(0, 2**32).map(block_yaml)


@settings(max_examples=600, deadline=None)
@given(GENERATED)
def test_the_fast_reader_agrees_with_the_authority_or_declines(text: str) -> None:
    assert disagreement(text) is None


@settings(max_examples=150, deadline=None)
@given(GENERATED)
def test_the_fast_reader_agrees_for_kustomize_too(text: str) -> None:
    assert disagreement(text, KUSTOMIZE) is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SOUP), max_size=30).map("".join))
def test_the_fast_reader_agrees_on_token_soup(text: str) -> None:
    assert disagreement(text) is None


def test_the_generator_gives_documents_that_the_fast_reader_takes() -> None:
    taken = sum(is_plain(part) for seed in range(300) for part in parts(block_yaml(seed)))
    assert taken > 50


def parts(text: str) -> Iterator[str]:
    return (text[start:end] for start, end in slices(text))


@settings(max_examples=300, deadline=None)
@given(GENERATED)
def test_the_authority_agrees_with_an_independent_composition(text: str) -> None:
    values, problems = authority(text)
    if problems or any(c in text for c in ("<<", "!", "&", "*", "\n...")):
        return  # merges, tags, aliases: the recorded kubectl decides; after `...` YAML 1.2 needs no `---`, PyYAML does
    assert repr(values) == repr(independent(text))


# ---- real texts ------------------------------------------------------------------------------------------------


def texts(root: Path) -> Iterator[tuple[Path, Source]]:
    for path in sorted(p for p in root.rglob("*.y*ml") if p.suffix in (".yaml", ".yml") and p.is_file()):
        source = decode(path.read_bytes(), path.name)
        if isinstance(source, Source):
            yield path, source


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["corpus", "crds"])
def test_the_fast_reader_agrees_on_public_manifests(folder: str) -> None:
    if not (SHARED / folder).is_dir():
        pytest.skip(f"no {folder}/ of public manifests beside this repository")
    assert [p for p, s in texts(SHARED / folder) if disagreement(s.text) is not None] == []


@pytest.mark.slow
def test_the_fast_reader_takes_most_public_manifests() -> None:
    if not (SHARED / "corpus").is_dir():
        pytest.skip("no corpus/ of public manifests beside this repository")
    taken = [is_plain(part) for _, source in texts(SHARED / "corpus") for part in parts(source.text)]
    assert sum(taken) > 0.8 * len(taken)


@pytest.mark.slow
def test_the_authority_agrees_with_an_independent_composition_of_public_manifests() -> None:
    if not (SHARED / "corpus").is_dir():
        pytest.skip("no corpus/ of public manifests beside this repository")
    compared = 0
    for path, source in texts(SHARED / "corpus"):
        values, problems = authority(source.text)
        if problems or "<<:" in source.text:
            continue
        compared += 1
        assert repr(values) == repr(independent(source.text)), path
    assert compared > 300


def test_the_fast_reader_agrees_on_our_fixtures() -> None:
    assert [p for p, s in texts(ROOT / "fixtures") if disagreement(s.text) is not None] == []


# ---- what it must take, and what it must leave -----------------------------------------------------------------

MANIFEST = """\
---
# a comment
kind: Rollout   # and another
metadata:
  name: "shop"
  labels: {app: shop, "tier": 'web'}
spec:
  replicas: 3
  empty:
  steps:
  - setWeight: 20
  - pause: {}
  -   pause:
        duration: 10m
  args:
    - one
    - 'it''s'
  script: |-
    if true

      indented
  folded: >
    one
    two

    three
"""


def test_an_ordinary_manifest_is_read_fast_and_right() -> None:
    assert DEFAULT(MANIFEST, GO_YAML_V2) == {
        "kind": "Rollout",
        "metadata": {"name": "shop", "labels": {"app": "shop", "tier": "web"}},
        "spec": {
            "replicas": 3,
            "empty": None,
            "steps": [{"setWeight": 20}, {"pause": {}}, {"pause": {"duration": "10m"}}],
            "args": ["one", "it's"],
            "script": "if true\n\n  indented",
            "folded": "one two\nthree\n",
        },
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1", "a: *x", "a: !t 1", "a: |+\n  x\n", "a: |2\n   x\n", "a: b\n  c\n", "a: 'b\n  c'\n",
        "a: 1\na: 2\n", "1: a", "yes: a", "~: a", "<<: {a: 1}", "? a\n", "- - a\n", "a:\n\tb: 1\n", "a: 1\r\n",
        "a: .inf\n", "a: b: c\n", "a: [1,\n  2]\n", "%YAML 1.1\n---\na: 1\n", "a\n", "'a'\n", " a: 1\n",
        "--- a\n", 'a: "\\n"\n', "a: x\u0007\n", "a: \u0085b\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_authority(text: str) -> None:
    assert not is_plain(text)


def test_a_flow_collection_that_stands_twice_is_two_values() -> None:
    value = DEFAULT("a:\n  p: {x: [1]}\nb:\n  p: {x: [1]}\n", GO_YAML_V2)
    assert value["a"]["p"]["x"] is not value["b"]["p"]["x"]


def test_nesting_deeper_than_the_reader_promises_is_left_to_the_authority() -> None:
    assert not is_plain("".join(f"{' ' * n}a:\n" for n in range(200)))
