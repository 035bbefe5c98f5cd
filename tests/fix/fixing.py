"""Applies symbolic edits to a text, the way settle and the command line do."""

from __future__ import annotations

from typing import Any

from rolloutlint.finding import DocumentId, Edit, Fix, Path, Place, Span
from rolloutlint.fix import apply_edits, text_edits
from rolloutlint.source import Document, Node, Source, load, mark


def place(*path: str | int, number: int = 0, piece: tuple[int, int] | None = None) -> Place:
    return Place(DocumentId("a.yaml", number), path, piece=piece)


def edit(op: Any, path: Path, value: Any = None, number: int = 0) -> Edit:
    return Edit(op, place(*path, number=number), value)


def fixed(text: str, *edits: Edit) -> str | None:
    """The text after the edits, `None` where they are refused."""
    source = Source("a.yaml", text)
    parts = [(d.start, d.end) for d in load(source) if isinstance(d, Document)]

    def part(document: DocumentId) -> tuple[int, int] | None:
        return parts[document.number] if document.number < len(parts) else None

    def node(document: DocumentId) -> Node | None:
        found = part(document)
        return mark(source, *found) if found else None

    made = text_edits(Fix("test", "safe", edits), lambda _: source, node, part)
    return apply_edits(text, made) if made else None


def replaced(text: str, path: Path, value: Any) -> str | None:
    return fixed(text, edit("replace", path, value))


def removed(text: str, *path: str | int) -> str | None:
    return fixed(text, edit("remove", path))


def inserted(text: str, path: Path, value: Any) -> str | None:
    return fixed(text, edit("insert", path, value))


def renamed(text: str, path: Path, value: str) -> str | None:
    return fixed(text, edit("rename", path, value))


def text_edit(text: str, span: Span, value: str) -> str | None:
    return fixed(text, Edit("text", Place(DocumentId("a.yaml", 0), span=span), value))


def values(text: str) -> list[Any]:
    return [d.value for d in load(Source("a.yaml", text)) if isinstance(d, Document)]
