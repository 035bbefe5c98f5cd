"""Every candidate of the research has one decision, and every rule of the catalogue has an origin.

The page is compared with the research notes themselves only where they lie beside the checkout.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from rolloutlint.resources import data_dir

HERE = os.path.dirname(__file__)
NOTES_DIR = os.path.join(HERE, "..", "..", "..", "shared", "facts")
OWN = "Rules without a candidate"

Candidate = tuple[str, str]
"""The note and the id in it: both `rollout` and `companions` have an X10."""


def sections() -> dict[str, list[list[str]]]:
    """The table rows of the page below each of its `##` headings, as cells, without the header row."""
    with open(os.path.join(data_dir("rules"), "candidates.md"), encoding="utf-8") as handle:
        _, *parts = re.split(r"^## ", handle.read(), flags=re.MULTILINE)
    found = {}
    for part in parts:
        title, _, body = part.partition("\n")
        lines = [line for line in body.splitlines() if line.startswith("|")]
        found[title] = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return found


def topics() -> set[str]:
    with open(os.path.join(data_dir("rules"), "candidates.md"), encoding="utf-8") as handle:
        table = handle.read().partition("| topic |")[2].partition("\n\n")[0]
    return set(re.findall(r"^\| ([A-Za-z -]+?) \|", table, re.MULTILINE))


def ids_ever() -> set[str]:
    with open(os.path.join(HERE, "ids.txt"), encoding="utf-8") as handle:
        return {line.split()[0] for line in handle if line.strip()}


SECTIONS = sections()
NOTES = [title for title in SECTIONS if title != OWN]
ROWS = [((note, row[0].split()[0]), row[1]) for note in NOTES for row in SECTIONS[note]]
DECISIONS: dict[Candidate, str] = dict(ROWS)


def parts(decision: str) -> list[str]:
    return [decision] if decision.startswith("not built") else decision.split("; ")


def rules_of(decision: str) -> set[str]:
    return {rule for part in parts(decision) if part.startswith("RL") for rule in part.split(", ")}


def same_as(candidate: Candidate) -> Iterator[Candidate]:
    """The candidates that the decision says are the same fault; `X05–X11` stands for the seven."""
    for part in parts(DECISIONS[candidate]):
        note = candidate[0]
        for reference in part[2:].split(", ") if part.startswith("= ") else ():
            *named, last = reference.split()
            note = named[0] if named else note
            first, _, end = last.partition("–")
            if end:
                yield from ((note, f"{first[0]}{n:02}") for n in range(int(first[1:]), int(end[1:]) + 1))
            else:
                yield note, first


def test_every_candidate_is_listed_once() -> None:
    assert {c: n for c, n in Counter(candidate for candidate, _ in ROWS).items() if n > 1} == {}


def test_every_row_has_three_cells() -> None:
    assert [row for note in NOTES for row in SECTIONS[note] if len(row) != 3] == []


def test_every_decision_has_one_of_the_four_forms() -> None:
    form = re.compile(r"RL\d{3}(, RL\d{3})*|= \S.*|later: (.+)|not built, because \S.*")
    matches = [(c, part, form.fullmatch(part)) for c, decision in ROWS for part in parts(decision)]
    assert [(c, part) for c, part, match in matches if not match or (match[2] and match[2] not in topics())] == []


def test_every_topic_has_a_candidate() -> None:
    assert topics() == {part[len("later: ") :] for _, d in ROWS for part in parts(d) if part.startswith("later: ")}


def test_a_double_names_listed_candidates_and_ends_at_a_decision() -> None:
    def ends(candidate: Candidate, seen: tuple[Candidate, ...] = ()) -> bool:
        others = list(same_as(candidate)) if candidate in DECISIONS and candidate not in seen else None
        return others is not None and all(ends(other, (*seen, candidate)) for other in others)

    assert [candidate for candidate in DECISIONS if not ends(candidate)] == []


def test_every_rule_named_is_in_the_catalogue() -> None:
    assert {rule for _, decision in ROWS for rule in rules_of(decision)} - ids_ever() == set()


def test_every_rule_has_a_candidate_or_says_where_it_comes_from() -> None:
    named = {rule for _, decision in ROWS for rule in rules_of(decision)}
    own = [row[0] for row in SECTIONS[OWN]]
    assert named | set(own) == ids_ever()
    assert named & set(own) == set()
    assert len(own) == len(set(own))


def section(text: str, number: int) -> str:
    """The part of a note below its heading of that number, up to the next heading of the same level."""
    return re.split(rf"^(?=#+ {number + 1}\. )", re.split(rf"^#+ {number}\. ", text, flags=re.M)[1], flags=re.M)[0]


def of_promql(text: str) -> list[str]:
    cells = re.findall(r"^\| ([^|]+) \|", section(text, 8), re.MULTILINE)
    return [name for cell in cells if cell != "rule" for name in re.split(r" / |, ", cell)]


def of_companions(text: str) -> list[str]:
    return re.findall(r"^\| ([FGHMNS]\d+) \|", text, re.MULTILINE) + re.findall(
        r"\b(X\d+) (?!as\b)[a-z]+-", section(text, 7)
    )


IN_NOTE: dict[str, Callable[[str], list[str]]] = {
    "rollout": lambda text: re.findall(r"^\| ([VXR]\d\d) ", text, re.MULTILINE),
    "analysis": lambda text: re.findall(r"^(\d+)\. `", section(text, 7), re.MULTILINE),
    "promql": of_promql,
    "istio-argocd": lambda text: re.findall(
        r"^\|(?: [ABC] \|)? ((?:ISTIO|XIST|ARGO|PLAN)\d{3}) ", section(text, 7), re.MULTILINE
    ),
    "companions": of_companions,
}


def test_the_page_has_a_table_for_every_note() -> None:
    assert set(IN_NOTE) == set(NOTES)


@pytest.mark.parametrize("note", IN_NOTE)
def test_the_page_lists_exactly_the_candidates_of_the_note(note: str) -> None:
    path = os.path.join(NOTES_DIR, f"{note}.md")
    if not os.path.exists(path):
        pytest.skip(f"the research note {note} is not beside this checkout (../shared/facts)")
    with open(path, encoding="utf-8") as handle:
        in_note = IN_NOTE[note](handle.read())
    assert {candidate for n, candidate in DECISIONS if n == note} == set(in_note)
