"""From symbolic edits to characters: what to put where so that YAML stays YAML and nothing else moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rolloutlint.finding import DocumentId, Edit, Fix, Path, TextEdit
from rolloutlint.source import GO_YAML_V2, Node, Source, locate, node_at, offset_of, resolve

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ @+=-]*\Z")
_INDENT = 2


def text_edits(
    fix: Fix, source_of: Callable[[str], Source | None], node_of: Callable[[DocumentId], Node | None]
) -> tuple[TextEdit, ...]:
    """The edits of `fix` as characters of their sources; `()` where one of them cannot be made safely."""
    made: list[TextEdit] = []
    for edit in fix.edits:
        source = source_of(edit.at.document.source)
        if source is None:
            return ()
        if edit.op == "text":
            result = _text(source, edit)
        else:
            node = node_of(edit.at.document)
            result = _make(source, node, edit) if node is not None else None
        if result is None:
            return ()
        made.append(result)
    return tuple(made)


def _text(source: Source, edit: Edit) -> TextEdit | None:
    """Replace a concrete span; when it goes, so does the white space it leaves at a line's end, or its whole line."""
    span = edit.at.span
    if span is None:
        return None
    start, end = offset_of(source, span.line, span.column), offset_of(source, span.end_line, span.end_column)
    if edit.value:
        return TextEdit(source.name, start, end, str(edit.value))
    text = source.text
    line_start = text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*(?:\r\n|\n|\r|\Z)").match(text, end)
    if rest is None:
        return TextEdit(source.name, start, end, "")
    if not text[line_start:start].strip():
        return TextEdit(source.name, line_start, rest.end(), "")
    return TextEdit(source.name, line_start + len(text[line_start:start].rstrip()), end, "")


def _make(source: Source, root: Node, edit: Edit) -> TextEdit | None:
    path = edit.at.path
    if edit.op == "insert":
        return _insert(source, root, path, edit.value)
    node = node_at(root, path)
    if node is None:
        return None
    if edit.op == "remove":
        return _remove(source, root, path)
    if edit.op == "rename":
        located = locate(source, root, path, "key")
        return (
            TextEdit(source.name, located.start, located.end, _scalar(str(edit.value), None)) if located.exact else None
        )
    located = locate(source, root, path, "value", edit.at.piece)
    if not located.exact or located.via is not None or node.kind == "alias":
        return None
    if edit.op == "quote":
        quoted = _quoted(node.value) if node.kind == "scalar" and not node.style else None
        return TextEdit(source.name, node.start, node.end, quoted) if quoted else None
    if edit.at.piece is not None:
        return TextEdit(source.name, located.start, located.end, str(edit.value))
    if node.kind == "scalar" and node.start == node.end:  # an empty value: `key:`
        return TextEdit(source.name, node.start, node.end, " " + _flow(edit.value))
    if isinstance(edit.value, str) and node.kind == "scalar":
        return TextEdit(source.name, node.start, node.end, _scalar(edit.value, node))
    return TextEdit(source.name, node.start, node.end, _flow(edit.value))


# ---- removing ----------------------------------------------------------------------------------------------


def _remove(source: Source, root: Node, path: Path) -> TextEdit | None:
    parent = node_at(root, path[:-1])
    if parent is None:
        return None
    if parent.kind == "mapping":
        index = next((i for i, (k, _) in enumerate(parent.entries) if k.key == path[-1]), None)
        spans = [(k.start, max(v.end, k.end)) for k, v in parent.entries]
    else:
        index = path[-1] if isinstance(path[-1], int) else None
        spans = [(_item_start(source.text, parent, n), n.end) for n in parent.items]
    if index is None:
        return None
    if len(spans) == 1:
        empty = "{}" if parent.kind == "mapping" else "[]"
        lead = "" if parent.style == "flow" or _same_line(source.text, parent.start) else " "
        return TextEdit(source.name, parent.start, parent.end, lead + empty)
    start, end = spans[index]
    if parent.style == "flow":
        if index + 1 < len(spans):
            return TextEdit(source.name, start, spans[index + 1][0], "")
        return TextEdit(source.name, spans[index - 1][1], end, "")
    return _remove_lines(source, start, end, spans[index + 1][0] if index + 1 < len(spans) else None)


def _same_line(text: str, start: int) -> bool:
    return bool(text[text.rfind("\n", 0, start) + 1 : start].strip())


def _item_start(text: str, parent: Node, item: Node) -> int:
    if parent.style == "flow":
        return item.start
    dash = text.rfind("-", parent.start, item.start)
    while dash > parent.start and text[dash + 1 : item.start].strip():
        dash = text.rfind("-", parent.start, dash)
    return dash if dash >= parent.start else item.start


def _remove_lines(source: Source, start: int, end: int, following: int | None) -> TextEdit:
    text = source.text
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end + 1
    if not text[line_start:start].strip():
        return TextEdit(source.name, line_start, line_end, "")
    # First key of a list item (`- key: value`): the next one moves up to the dash.
    return TextEdit(source.name, start, following if following is not None else end, "")


# ---- inserting ---------------------------------------------------------------------------------------------


def _insert(source: Source, root: Node, path: Path, value: Any) -> TextEdit | None:
    node = node_at(root, path)
    if node is None or node.kind == "alias":
        return None
    name, text = source.name, source.text
    if node.kind == "scalar":
        if node.value not in ("", "~", "null"):
            return None
        return TextEdit(name, node.start, node.end, " " + _flow(value) if node.start == node.end else _flow(value))
    empty = not node.entries and not node.items
    if node.style == "flow":
        inner = _flow(value)[1:-1]
        if empty:
            return TextEdit(name, node.start, node.end, _flow(value))
        last = max(n.end for n in (*(v for _, v in node.entries), *node.items))
        return TextEdit(name, last, last, ", " + inner)
    first = node.entries[0][0].start if node.entries else _item_start(text, node, node.items[0])
    indent = first - (text.rfind("\n", 0, first) + 1)
    end = text.find("\n", node.end)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _block(value, indent)
    if end < 0:
        return TextEdit(name, len(text), len(text), newline + newline.join(lines))
    return TextEdit(name, end + 1, end + 1, newline.join(lines) + newline)


def _block(value: Any, indent: int) -> list[str]:
    """`value` as lines of block style, every line indented by at least `indent` spaces."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(item, Mapping) and item:
                lines += [f"{pad}{_scalar(str(key), None)}:", *_block(item, indent + _INDENT)]
            elif isinstance(item, list) and item:
                lines += [f"{pad}{_scalar(str(key), None)}:", *_block(item, indent)]
            else:
                lines.append(f"{pad}{_scalar(str(key), None)}: {_flow(item)}")
        return lines
    for item in value:
        if isinstance(item, Mapping) and item:
            inner = _block(item, indent + _INDENT)
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines.append(f"{pad}- {_flow(item)}")
    return lines


# ---- spelling ----------------------------------------------------------------------------------------------


def _flow(value: Any) -> str:
    """`value` on one line, as a flow collection or scalar."""
    if isinstance(value, str):
        return _scalar(value, None, flow=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(k), None, flow=True)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return json.dumps(value)


def _scalar(text: str, old: Node | None, *, flow: bool = False) -> str:
    """A string in the quotes of the scalar it replaces, or plain where every reader takes it for that string."""
    style = old.style if old is not None else ""
    printable = text.isprintable()
    if style == "'" and printable:
        return "'" + text.replace("'", "''") + "'"
    if style != '"' and _PLAIN.match(text) and not text.endswith(" ") and resolve(text, GO_YAML_V2) == text:
        return text
    if style != '"' and printable and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def _quoted(text: str) -> str:
    """A plain scalar's text between quotes, in the double ones that most manifests use."""
    return json.dumps(text, ensure_ascii=False)
