"""From what checks said to what reports show: places become lines and columns, findings get their identity.

Only documents that have findings are composed with marks, one at a time, so clean documents cost nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rolloutlint.catalogue import Catalogue
from rolloutlint.finding import (
    DocumentId,
    Finding,
    Path,
    Place,
    Related,
    ResourceId,
    SettledFinding,
    SettledRelated,
    Severity,
    Span,
    TextEdit,
    show_path,
)
from rolloutlint.model.values import dig
from rolloutlint.source import Located, Node, Source, line_text, locate, mark, node_at, to_span

LINES_SHOWN = 3
"""Source lines kept of a region for the text report; a longer one is cut after its first lines."""

_SECRET = re.compile(r"""\bkind["']?[ \t]*:[ \t]*["']?Secret\b""").search

NOWHERE = Span(1, 1, 1, 1)


class Texts:
    """The texts that findings speak about, fetched again when needed, each marked document made once.

    `fetch` gives a source by name; `None` when it is gone or has changed since it was read (and reports that).
    """

    __slots__ = ("_nodes", "_sources", "fetch", "slices")

    def __init__(self, fetch: Callable[[str], Source | None], slices: Mapping[str, Sequence[tuple[int, int]]]) -> None:
        self.fetch = fetch
        self.slices = slices
        self._sources: dict[str, Source | None] = {}
        self._nodes: dict[DocumentId, Node | None] = {}

    def source(self, name: str) -> Source | None:
        """The source called `name`, if it is still what was read."""
        if name not in self._sources:
            self._sources[name] = self.fetch(name)
        return self._sources[name]

    def node(self, document: DocumentId) -> Node | None:
        """The marked tree of a document."""
        if document not in self._nodes:
            source, part = self.source(document.source), self.part(document)
            self._nodes[document] = mark(source, *part) if source is not None and part is not None else None
        return self._nodes[document]

    def part(self, document: DocumentId) -> tuple[int, int] | None:
        """Where a document starts and ends in the text of its source."""
        slices = self.slices.get(document.source, ())
        return slices[document.number] if document.number < len(slices) else None

    def locate(self, place: Place) -> Located | None:
        """Where a symbolic place stands; `None` if its text is gone."""
        node = self.node(place.document)
        source = self.source(place.document.source)
        if node is None or source is None:
            return None
        return locate(source, node, place.path, place.part, place.piece)

    def span(self, place: Place) -> tuple[Span, Span | None]:
        """The region of a place, and the other place that an alias or merge key leads to."""
        if place.span is not None:
            return place.span, None
        located = self.locate(place)
        return (located.span, located.via) if located else (NOWHERE, None)

    def lines_of_scalar(self, place: Place) -> tuple[int, int] | None:
        """First line (with the key) and last line of the scalar at a place, if it takes several lines."""
        root, source = self.node(place.document), self.source(place.document.source)
        node = node_at(root, place.path) if root is not None and place.span is None else None
        if source is None or root is None or node is None or node.kind != "scalar":
            return None
        start = locate(source, root, place.path, "item").start
        span = to_span(source, start, node.end)
        return (span.line, span.end_line) if span.end_line > span.line else None

    def forget(self) -> None:
        """Drop the marked trees (before the documents of another file)."""
        self._nodes.clear()


def stable_path(value: Any, path: Path) -> str:
    """`path` with list items called by their name or content, so that reordering does not change it."""
    out: list[str] = []
    for depth, item in enumerate(path):
        if isinstance(item, str):
            out.append(item)
            continue
        entry = dig(value, *path[: depth + 1])
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            text = json.dumps(entry, sort_keys=True, default=str, separators=(",", ":"))
            name = "#" + hashlib.sha256(text.encode()).hexdigest()[:12]
        out.append(f"[{name}]")
    return "/".join(out)


def fingerprint(finding: Finding, value: Any) -> str:
    """Identity of a finding: rule, resource, path by names, discriminator; never file, line, index or message.

    `value` is the resource's plain value. Findings about no resource (a broken
    file) are known by their file, path and discriminator.
    """
    if finding.resource is not None:
        resource = finding.resource
        parts = [resource.group, resource.kind, resource.namespace, resource.name, stable_path(value, finding.at.path)]
    else:
        parts = [finding.at.document.source, show_path(finding.at.path)]
    text = "\0".join([finding.rule, *parts, finding.at.part, finding.discriminator])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def settle(
    findings: Iterable[tuple[Finding, str]],
    severity: Callable[[str], Mapping[str, Severity]],
    catalogue: Catalogue,
    texts: Texts,
) -> list[SettledFinding]:
    """Place, weigh and name findings given with their fingerprints. `severity(file)` maps rule -> severity there.

    Findings of rules that are off in their file are left out. The order is that of the places.
    """
    by_file: dict[str, list[tuple[Finding, str]]] = {}
    for finding, identity in findings:
        by_file.setdefault(finding.at.document.source, []).append((finding, identity))
    settled: list[SettledFinding] = []
    for file in sorted(by_file):
        levels = severity(file)
        for finding, identity in by_file[file]:
            level = levels.get(finding.rule)
            if level is not None:
                settled.append(_settle_one(finding, identity, level, catalogue, texts))
        texts.forget()
    return settled


def _settle_one(finding: Finding, identity: str, level: Severity, catalogue: Catalogue, texts: Texts) -> SettledFinding:
    span, via = texts.span(finding.at)
    secret = _is_secret(finding.resource) if finding.resource else _may_hold_secret(finding.at.document, texts)
    related = [_settle_related(r, texts) for r in finding.related]
    if via is not None:
        related.append(SettledRelated(finding.at.document.source, via, "reached through this alias or anchor"))
    edits: tuple[TextEdit, ...] = ()
    if finding.fix is not None:
        from rolloutlint.fix import text_edits

        edits = text_edits(finding.fix, texts.source, texts.node, texts.part)
    return SettledFinding(
        finding=finding,
        name=catalogue.rules[finding.rule].name,
        severity=level,
        file=finding.at.document.source,
        span=span,
        path=show_path(finding.at.path),
        fingerprint=identity,
        related=tuple(related),
        trail=tuple(_settle_related(r, texts) for r in finding.trail),
        edits=edits,
        lines={} if secret else _lines(finding.at.document.source, span, texts),
        related_lines=tuple({} if secret or _is_secret(r.resource) else _lines(r.file, r.span, texts) for r in related),
    )


def _is_secret(resource: ResourceId | None) -> bool:
    """Whether the lines of this object may hold what nobody but the cluster should read."""
    return resource is not None and resource.kind == "Secret" and not resource.group


def _may_hold_secret(document: DocumentId, texts: Texts) -> bool:
    """The same for a text that could not be read as objects."""
    source, part = texts.source(document.source), texts.part(document)
    if source is None:
        return False
    start, end = part or (0, len(source.text))
    return _SECRET(source.text, start, end) is not None


def _settle_related(related: Related, texts: Texts) -> SettledRelated:
    span, _ = texts.span(related.at)
    return SettledRelated(related.at.document.source, span, related.message, related.resource)


def _lines(file: str, span: Span, texts: Texts) -> Mapping[int, str]:
    source = texts.source(file)
    if source is None:
        return {}
    last = min(span.end_line, span.line + LINES_SHOWN - 1)
    return {number: line_text(source, number) for number in range(span.line, last + 1)}


def _order(finding: SettledFinding) -> tuple[str, Span, str, str, str, str, tuple[object, ...]]:
    """Total, so that of findings that say the same at one place the same one is kept, whatever came first."""
    others = tuple((r.file, r.span, r.message) for r in (*finding.related, *finding.trail))
    said = finding.finding
    return finding.file, finding.span, said.rule, said.message, finding.path, finding.fingerprint, others


def in_order(findings: Iterable[SettledFinding]) -> tuple[SettledFinding, ...]:
    """Sorted by place, rule and message, without doubles, repeated fingerprints numbered `:2`, `:3` ..."""
    seen: Counter[str] = Counter()
    numbered: list[SettledFinding] = []
    last: tuple[object, ...] = ()
    for finding in sorted(findings, key=_order):
        place = _order(finding)[:5]
        if place == last:
            continue
        last = place
        seen[finding.fingerprint] += 1
        count = seen[finding.fingerprint]
        numbered.append(finding if count == 1 else finding._replace(fingerprint=f"{finding.fingerprint}:{count}"))
    return tuple(numbered)
