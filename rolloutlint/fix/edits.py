"""From symbolic edits to characters: what to put where so that YAML stays YAML and nothing else moves.

Every result is proved before it is offered: the edited document is read again and must hold what the symbolic
edits say and nothing else. What cannot be proved (anchors with other users, odd layouts) is not offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from rolloutlint.finding import DocumentId, Edit, Fix, Path, TextEdit
from rolloutlint.fix.apply import apply_edits
from rolloutlint.source import (
    GO_YAML_V2,
    KUSTOMIZE,
    Document,
    Node,
    Source,
    load,
    node_at,
    offset_of,
    resolve,
    value_ranges,
)

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ @+=-]*\Z")
_ODD_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_SPACE_OR_COMMENT = re.compile(r"(?:\s+|#[^\n]*)*")
_NULLS = ("", "~", "null", "Null", "NULL")
_INDENT = 2


def text_edits(
    fix: Fix,
    source_of: Callable[[str], Source | None],
    node_of: Callable[[DocumentId], Node | None],
    slice_of: Callable[[DocumentId], tuple[int, int] | None],
) -> tuple[TextEdit, ...]:
    """The edits of `fix` as characters of their sources; `()` where one of them cannot be made safely."""
    wanted: list[Edit] = []
    for edit in fix.edits:
        if source_of(edit.at.document.source) is None:
            return ()
        written = _quoted(edit, node_of(edit.at.document)) if edit.op == "quote" else edit
        if written is None:
            return ()
        wanted.append(written)
    made: list[TextEdit] = []
    for document in dict.fromkeys(edit.at.document for edit in wanted):
        source, root, part = source_of(document.source), node_of(document), slice_of(document)
        edits = [edit for edit in wanted if edit.at.document == document]
        found = _of_document(source, root, part, edits) if source is not None else None
        if found is None:
            return ()
        made += found
    ordered = sorted(made, key=lambda e: (e.source, e.start, e.end))
    if any(a.source == b.source and b.start < a.end for a, b in pairwise(ordered)):
        return ()
    return tuple(made)


def _of_document(
    source: Source, root: Node | None, part: tuple[int, int] | None, edits: Sequence[Edit]
) -> list[TextEdit] | None:
    """The edits of one document, proved; a plain scalar that its new pieces would break gets quotes."""
    pieces: dict[Path, list[Edit]] = {}
    made: list[TextEdit] = []
    for edit in edits:
        if edit.op == "replace" and edit.at.piece is not None:
            pieces.setdefault(edit.at.path, []).append(edit)
            continue
        result = _text(source, edit) if edit.op == "text" else _make(source, root, edit) if root else None
        if result is None:
            return None
        made.append(result)
    symbolic = [edit for edit in edits if edit.op != "text"]
    if not symbolic:
        return made
    if root is None or part is None:
        return None
    for requote in (False, True) if pieces else (False,):
        found = [_pieces(source, root, path, several, requote) for path, several in pieces.items()]
        every = made + [edit for one in found for edit in one or ()]
        ordered = sorted(every, key=lambda e: (e.start, e.end))
        apart = all(b.start >= a.end for a, b in pairwise(ordered))
        if None not in found and apart and _proved(source, part, symbolic, every):
            return every
    return None


def _quoted(edit: Edit, root: Node | None) -> Edit | None:
    """A `quote` as the replacement by what stands there, which only the text tells; `None` if it is no plain scalar."""
    node = node_at(root, edit.at.path) if root is not None else None
    return (
        Edit("replace", edit.at, node.value) if node is not None and node.kind == "scalar" and not node.style else None
    )


# ---- proof -------------------------------------------------------------------------------------------------


def _proved(source: Source, part: tuple[int, int], edits: Sequence[Edit], made: Sequence[TextEdit]) -> bool:
    """True where the edited document, read again, holds exactly what the symbolic edits mean."""
    start, end = part
    if _ODD_BREAK.search(source.text, start, end):
        return False
    before = _values(source, source.text[start:end])
    moved = [TextEdit(e.source, e.start - start, e.end - start, e.text) for e in made]
    if any(e.start < 0 or e.end > end - start for e in moved):
        return False
    after = _values(source, apply_edits(source.text[start:end], moved))
    if before is None or after is None or len(before) != 1 or len(after) != 1:
        return False
    try:
        meant = _meant(before[0], edits)
    except (LookupError, TypeError, AttributeError):
        return False
    return _canonical(meant) == _canonical(after[0])


def _values(source: Source, text: str) -> list[Any] | None:
    """The documents of `text` without shared parts (aliases written out); `None` if anything is wrong with it."""
    values = []
    for item in load(Source(source.name, text, typing=source.typing)):
        if not isinstance(item, Document):
            return None
        values.append(json.loads(json.dumps(item.value)))
    return values


_IN_TURN = ("replace", "insert", "rename", "remove")


def _meant(value: Any, edits: Sequence[Edit]) -> Any:
    """The plain value with the edits made; removals last and from the end, since they move what follows."""
    holder = {"root": value}
    for op in _IN_TURN:
        chosen = [e for e in edits if e.op == op]
        for edit in _from_the_end(chosen):
            parent: Any = holder
            for item in ("root", *edit.at.path)[:-1]:
                parent = parent[item]
            last = edit.at.path[-1] if edit.at.path else "root"
            if op == "remove":
                del parent[last]
            elif op == "rename":
                if edit.value in parent:
                    raise LookupError(edit.value)
                parent[edit.value] = parent.pop(last)
            elif op == "insert":
                parent[last] = _with(parent[last], edit.value)
            elif edit.at.piece is not None:
                start, end = edit.at.piece
                parent[last] = parent[last][:start] + edit.value + parent[last][end:]
            else:
                parent[last] = edit.value
    return holder["root"]


def _with(old: Any, new: Any) -> Any:
    if old is None:
        return new
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if set(old).intersection(new):
        raise LookupError("a key to insert is there already")
    return {**old, **new}


def _from_the_end(edits: Sequence[Edit]) -> list[Edit]:
    """Edits in an order in which none moves what a later one is about; of insertions at one point the last first."""
    numbered = [
        (_sortable(edit.at.path), edit.at.piece or (), index if edit.at.piece else -index)
        for index, edit in enumerate(edits)
    ]
    return [edits[abs(index)] for _, _, index in sorted(numbered, reverse=True)]


def _sortable(path: Path) -> tuple[tuple[int, str], ...]:
    return tuple((item, "") if isinstance(item, int) else (-1, item) for item in path)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


# ---- comments ----------------------------------------------------------------------------------------------


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


# ---- values ------------------------------------------------------------------------------------------------


def _make(source: Source, root: Node, edit: Edit) -> TextEdit | None:
    path = edit.at.path
    spell = _Spelling(json=_is_json(root))
    if edit.op == "insert":
        return _insert(source, root, path, edit.value, spell)
    node = node_at(root, path)
    if node is None:
        return None
    if edit.op == "remove":
        return _remove(source, root, path)
    if edit.op == "rename":
        parent = node_at(root, path[:-1])
        key = next((k for k, _ in parent.entries if k.key == path[-1]), None) if parent else None
        return TextEdit(source.name, key.start, key.end, spell.scalar(str(edit.value), key)) if key else None
    if node.kind == "alias":
        return None
    if node.kind == "scalar" and node.start == node.end:  # an empty value: `key:`
        return TextEdit(source.name, node.start, node.end, " " + spell.flow(edit.value))
    if isinstance(edit.value, str):
        return _whole(source, node, spell.scalar(edit.value, node if node.kind == "scalar" else None))
    return _whole(source, node, spell.flow(edit.value))


def _pieces(source: Source, root: Node, path: Path, edits: Sequence[Edit], requote: bool) -> list[TextEdit] | None:
    """Pieces of one scalar, each where its characters stand and spelt as the quotes around it need it.

    `requote`: a plain scalar on one line gets quotes.
    """
    node = node_at(root, path)
    ranges = value_ranges(source.text, node) if node is not None and node.kind == "scalar" else None
    if node is None or not ranges:
        return None
    ordered = _from_the_end(edits)
    spans = [edit.at.piece or (0, 0) for edit in reversed(ordered)]
    if any(b[0] < a[1] for a, b in pairwise(spans)) or not 0 <= spans[0][0] <= spans[-1][1] <= len(ranges):
        return None
    if requote and not node.style and source.text[node.start : node.end] == node.value:
        value = node.value
        for edit, (start, end) in zip(ordered, reversed(spans), strict=True):
            value = value[:start] + str(edit.value) + value[end:]
        return [TextEdit(source.name, node.start, node.end, _in_quotes(value))]
    made: list[TextEdit] = []
    for edit, (start, end) in zip(reversed(ordered), spans, strict=True):
        new = str(edit.value)
        if node.style == "'":
            new = new.replace("'", "''")
        elif node.style == '"':
            new = json.dumps(new, ensure_ascii=False)[1:-1]
        # What is inserted before white space stays on the line before it, all else on the line of what follows.
        follows = start == len(ranges) or (start == end and start > 0 and node.value[start].isspace())
        first = ranges[start - 1][1] if follows else ranges[start][0]
        last = ranges[end - 1][1] if end > start else first
        before = made[-1] if made else None
        if before is not None and before.start == before.end == first == last:
            made[-1] = before._replace(text=before.text + new)
        else:
            made.append(TextEdit(source.name, first, last, new))
    return made


def _whole(source: Source, node: Node, new: str) -> TextEdit:
    """`new` in place of a value; where a block collection began below its key, on the line of the key."""
    above = source.text[: node.start].rstrip()
    if node.style == "block" and above.endswith(":") and "\n" in source.text[len(above) : node.start]:
        return TextEdit(source.name, len(above), node.end, " " + new)
    return TextEdit(source.name, node.start, node.end, new)


def _is_json(root: Node) -> bool:
    """True where the document is written as JSON, which it then has to stay for readers that want JSON."""
    return root.style == "flow" and all(key.style == '"' for key, _ in root.entries) and bool(root.entries)


# ---- removing ----------------------------------------------------------------------------------------------


def _remove(source: Source, root: Node, path: Path) -> TextEdit | None:
    parent = node_at(root, path[:-1])
    if parent is None or not path:
        return None
    text = source.text
    if parent.kind == "mapping":
        index = next((i for i, (k, _) in enumerate(parent.entries) if k.key == path[-1]), None)
        spans = [(k.start, max(v.end, k.end)) for k, v in parent.entries]
    else:
        index = path[-1] if isinstance(path[-1], int) else None
        spans = [(_item_start(text, parent, i), n.end) for i, n in enumerate(parent.items)]
    if index is None:
        return None
    if len(spans) == 1:
        return _whole(source, parent, "{}" if parent.kind == "mapping" else "[]")
    start, end = spans[index]
    if parent.style == "flow":
        if index + 1 < len(spans):
            return TextEdit(source.name, start, spans[index + 1][0], "")
        return TextEdit(source.name, spans[index - 1][1], end, "")
    return _remove_lines(source, start, end, spans[index + 1][0] if index + 1 < len(spans) else None)


def _item_start(text: str, parent: Node, index: int) -> int:
    """Where a list item starts: at its dash, in a flow list at its value."""
    if parent.style == "flow":
        return parent.items[index].start
    after = parent.items[index - 1].end if index else parent.start
    gap = _SPACE_OR_COMMENT.match(text, after)
    dash = gap.end() if gap else after
    return dash if text.startswith("-", dash) else parent.items[index].start


def _remove_lines(source: Source, start: int, end: int, following: int | None) -> TextEdit | None:
    text = source.text
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end + 1
    if not text[line_start:start].strip():
        return TextEdit(source.name, line_start, line_end, "")
    # First key of a list item (`- key: value`): the next one moves up to the dash, unless a comment stands between.
    if following is None or text[line_end:following].strip():
        return None
    return TextEdit(source.name, start, following, "")


# ---- inserting ---------------------------------------------------------------------------------------------


def _insert(source: Source, root: Node, path: Path, value: Any, spell: _Spelling) -> TextEdit | None:
    node = node_at(root, path)
    if node is None or node.kind == "alias":
        return None
    name, text = source.name, source.text
    if node.kind == "scalar":
        if node.style or node.value not in _NULLS:
            return None
        lead = " " if node.start == node.end else ""
        return TextEdit(name, node.start, node.end, lead + spell.flow(value))
    children = [v for _, v in node.entries] or node.items
    if node.style == "flow":
        if not children:
            return TextEdit(name, node.start, node.end, spell.flow(value))
        last = max(child.end for child in children)
        return TextEdit(name, last, last, ", " + spell.flow(value)[1:-1])
    first = node.entries[0][0].start if node.entries else _item_start(text, node, 0)
    indent = first - (text.rfind("\n", 0, first) + 1)
    end = text.find("\n", node.end)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = _block(value, indent, spell)
    if end < 0:
        return TextEdit(name, len(text), len(text), newline + newline.join(lines))
    return TextEdit(name, end + 1, end + 1, newline.join(lines) + newline)


def _block(value: Any, indent: int, spell: _Spelling) -> list[str]:
    """`value` as lines of block style, every line indented by at least `indent` spaces."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict) and item:
                lines += [f"{pad}{spell.scalar(str(key))}:", *_block(item, indent + _INDENT, spell)]
            elif isinstance(item, list) and item:
                lines += [f"{pad}{spell.scalar(str(key))}:", *_block(item, indent, spell)]
            else:
                lines.append(f"{pad}{spell.scalar(str(key))}: {spell.flow(item)}")
        return lines
    for item in value:
        if isinstance(item, dict) and item:
            inner = _block(item, indent + _INDENT, spell)
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines.append(f"{pad}- {spell.flow(item)}")
    return lines


# ---- spelling ----------------------------------------------------------------------------------------------


class _Spelling(NamedTuple):
    """How values are written into a document: as YAML, or as JSON where the document is JSON."""

    json: bool

    def flow(self, value: Any) -> str:
        """`value` on one line, as a flow collection or scalar."""
        if self.json:
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, str):
            return self.scalar(value)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.scalar(str(k))}: {self.flow(v)}" for k, v in value.items()) + "}"
        if isinstance(value, Sequence):
            return "[" + ", ".join(self.flow(v) for v in value) + "]"
        return json.dumps(value)

    def scalar(self, text: str, old: Node | None = None) -> str:
        """A string in the quotes of the scalar it replaces, or plain where every reader takes it for that string."""
        style = '"' if self.json else old.style if old is not None else ""
        printable = text.isprintable()
        if style == "'" and printable:
            return "'" + text.replace("'", "''") + "'"
        plain = _PLAIN.match(text) and not text.endswith(" ") and resolve(text, KUSTOMIZE) == text
        if style != '"' and plain and resolve(text, GO_YAML_V2) == text:
            return text
        return json.dumps(text, ensure_ascii=False) if style == '"' else _in_quotes(text)


def _in_quotes(text: str) -> str:
    """A string in single quotes where that needs no escapes, else in double quotes."""
    return f"'{text}'" if text.isprintable() and "'" not in text else json.dumps(text, ensure_ascii=False)
