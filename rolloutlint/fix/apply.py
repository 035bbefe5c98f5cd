"""Which edits are made together, and the text they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rolloutlint.finding import SettledFinding, TextEdit


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
    # Two insertions at one point depend on their order, so they count as overlapping, too.
    return any(
        (edit.start < other.end and other.start < edit.end) or (edit.start == other.start and edit != other)
        for other in others
    )


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """`text` with the edits made; they must not overlap (`chosen_edits` sees to that). Doubles count once."""
    for edit in sorted(set(edits), key=lambda e: (e.start, e.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text
