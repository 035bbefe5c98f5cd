"""What a rule says and where: plain frozen data, shared by every layer.

A check speaks of *symbolic* places (a document, a path in it, the key or the value there, a piece of a
scalar). Only `settle` turns them into lines and columns, so no rule ever computes a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

Path: TypeAlias = "tuple[str | int, ...]"
"""Keys and list indices from the root of a document, e.g. `("spec", "strategy", "canary", "steps", 2)`."""

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Most severe first."""

Part = Literal["key", "value", "item"]
"""Which part of the node at a path: its key in the mapping, its value, or key and value together."""

Safety = Literal["safe", "unsafe"]
Disposition = Literal["active", "suppressed", "waived"]


class ResourceId(NamedTuple):
    """Identity of a Kubernetes object. `namespace` is `""` where none is written (or the kind has none)."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class DocumentId(NamedTuple):
    """One document of one source: the source's name as shown to the user, and its number from 0."""

    source: str
    number: int


class Span(NamedTuple):
    """A region of a text. Lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(NamedTuple):
    """A symbolic place. With `span` it is already concrete (syntax errors, comments, other file formats)."""

    document: DocumentId
    path: Path = ()
    part: Part = "value"
    piece: tuple[int, int] | None = None
    """Half-open character offsets into the *value* of the scalar at `path`."""
    span: Span | None = None


class Related(NamedTuple):
    """Another place that explains a finding, or a step of its trail."""

    at: Place
    message: str
    resource: ResourceId | None = None


class Edit(NamedTuple):
    """One change to a document, said symbolically; `rolloutlint.fix` turns it into bytes.

    * `replace`: the value at `at.path` becomes `value` (a `piece` replaces only that piece of a scalar);
    * `quote`: the plain scalar at `at.path` becomes a string that is spelt the same;
    * `rename`: the key at `at.path` becomes `value`;
    * `remove`: the entry (key and value, or list item) at `at.path` goes;
    * `insert`: under the mapping at `at.path`, the new keys of the mapping `value`; under the list there,
      the items of the list `value`, appended;
    * `text`: the characters of the concrete `at.span` become the string `value`, for comments, which have no
      path. White space that this leaves at the end of a line goes too.
    """

    op: Literal["replace", "quote", "rename", "remove", "insert", "text"]
    at: Place
    value: Any = None


class Fix(NamedTuple):
    """Edits that remove the fault. `safe` ones never change what a correct reader would have meant."""

    title: str
    safety: Safety
    edits: tuple[Edit, ...]


class Finding(NamedTuple):
    """A claim about what a real controller does, made by one rule about one place."""

    rule: str
    at: Place
    message: str
    """The fact: one line, names in backticks, under 120 characters, no full stop."""
    consequence: str = ""
    """What will happen because of it. One sentence."""
    remedy: str = ""
    """What to do. One sentence."""
    resource: ResourceId | None = None
    related: tuple[Related, ...] = ()
    trail: tuple[Related, ...] = ()
    fix: Fix | None = None
    discriminator: str = ""
    """Tells apart findings of one rule at one path; part of the fingerprint, so never a line or an index."""
    rendered: Place | None = None
    """Where it stands in rendered text, if `at` was traced back from there to the file that a person edits."""


class TextEdit(NamedTuple):
    """A byte-exact edit: the characters `start:end` of the source's text become `text`."""

    source: str
    start: int
    end: int
    text: str


class SettledRelated(NamedTuple):
    """A related place with its lines and columns."""

    file: str
    span: Span
    message: str
    resource: ResourceId | None = None


class SettledFinding(NamedTuple):
    """A finding as every report shows it: placed, weighed, named and judged once, before any rendering."""

    finding: Finding
    name: str
    severity: Severity
    file: str
    span: Span
    path: str
    """The path as text: `spec.strategy.canary.steps[2].pause`."""
    fingerprint: str
    disposition: Disposition = "active"
    reason: str = ""
    """Why it is suppressed or waived, in the words of whoever did it."""
    related: tuple[SettledRelated, ...] = ()
    trail: tuple[SettledRelated, ...] = ()
    edits: tuple[TextEdit, ...] = ()
    """The fix as byte edits; empty where there is none or it cannot be applied to this text."""
    lines: Mapping[int, str] = MappingProxyType({})
    """The source lines the text report shows, by number (the finding's own; related ones carry theirs)."""
    related_lines: tuple[Mapping[int, str], ...] = ()


class Incomplete(NamedTuple):
    """Something that was not looked at, and why. Never silence: it is in every report."""

    source: str
    """The file, directory or Application concerned."""
    reason: Literal[
        "templated",
        "chart",
        "kustomize",
        "patch",
        "component",
        "generator-input",
        "unrendered",
        "not-kubernetes",
        "unreadable",
        "binary",
        "too-large",
        "changed",
        "rule-crashed",
        "unsupported",
        "symlink",
        "unresolved",
    ]
    message: str
    lost: bool = False
    """True where an input that was asked for is lost: the result is incomplete and the exit code is 4."""


class Counts(NamedTuple):
    """What the summary counts."""

    files: int = 0
    documents: int = 0
    resources: int = 0
    unknown_references: int = 0
    changed: int | None = None
    """With `--changed-since`: the resources that changed, or refer to one that did."""
    left_out: int = 0
    """Findings about the others."""


def show_path(path: Path) -> str:
    """`("spec", "steps", 2, "a.b/c")` -> `spec.steps[2]["a.b/c"]`, as JSON output and messages spell it."""
    out: list[str] = []
    for item in path:
        if isinstance(item, int):
            out.append(f"[{item}]")
        elif item and all(c.isalnum() or c in "-_" for c in item):
            out.append(f".{item}" if out else item)
        else:
            quoted = item.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'["{quoted}"]')
    return "".join(out)
