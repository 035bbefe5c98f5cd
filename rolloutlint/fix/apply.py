"""Which edits are made together, and the text they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rolloutlint.finding import SettledFinding, TextEdit
from rolloutlint.source import Problem, Source, load


def chosen_edits(findings: Iterable[SettledFinding], *, unsafe: bool) -> Mapping[str, tuple[TextEdit, ...]]:
    """The edits to make, by source: of fixes that overlap the first in report order wins, whole or not at all."""
    chosen: dict[str, list[TextEdit]] = {}
    for finding in findings:
        fix = finding.finding.fix
        if fix is None or not finding.edits or (fix.safety == "unsafe" and not unsafe):
            continue
        if all(not _overlaps(e, chosen.get(e.source, ())) for e in finding.edits):
            for edit in finding.edits:
                chosen.setdefault(edit.source, []).append(edit)
    return {source: tuple(sorted(edits, key=lambda e: (e.start, e.end))) for source, edits in chosen.items()}


def _overlaps(edit: TextEdit, others: Iterable[TextEdit]) -> bool:
    return any(edit != other and _meet(*sorted((edit, other), key=lambda e: (e.start, e.end))) for other in others)


def _meet(first: TextEdit, second: TextEdit) -> bool:
    """True where two edits share characters, or one takes away or adds lines right where the other begins.

    Each edit was proved alone: two removals that touch may together empty a collection, and a line to insert after
    may be gone. The later one is made in the next round.
    """
    lines = not first.text or not second.text or first.start == first.end or second.start == second.end
    return second.start < first.end or second.start == first.start or (lines and second.start <= first.end)


def still_readable(before: str, after: str) -> bool:
    """True where no more is wrong with the YAML of `after` than with that of `before`."""
    wrong = [sum(isinstance(item, Problem) for item in load(Source("", text))) for text in (before, after)]
    return wrong[1] <= wrong[0]


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """`text` with the edits made; they must not overlap (`chosen_edits` sees to that). Doubles count once.

    Of insertions at one point, which only one fix can make, the first in order also comes first in the text.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda e: (e.start, e.end)):
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))
