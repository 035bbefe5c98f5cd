"""From rendered text back to the file that a person edits: the base, the patch, the template, the value.

Kustomize says which file each object comes from and which kustomizations changed it, helm which template printed it.
The place inside is found by comparing values: what stands in the file must be what was rendered, else the place is the
nearest that certainly belongs to the object, and no fix is offered there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rolloutlint.finding import DocumentId, Edit, Finding, Fix, Path, Place, Related, ResourceId, Span
from rolloutlint.lang.gotext import Template, lines_of
from rolloutlint.model.resource import identify, objects
from rolloutlint.model.values import dig, has, mapping, sequence, text
from rolloutlint.settle import Texts
from rolloutlint.source import KUSTOMIZE, Document, Source, line_text, load, locate, mark, slices

_NAMED_BY = ("name", "key", "mountPath", "containerPort", "port", "host", "ip")
"""What items of a list are known by."""


class DocumentOrigin(NamedTuple):
    """Where a rendered document comes from; files are display paths."""

    file: str = ""
    generated: bool = False
    """True where the kustomization in `file` generated it."""
    changed_by: tuple[str, ...] = ()
    """The kustomizations that changed it, the last one last."""


class Rendering(NamedTuple):
    """A rendered text as the report speaks of it; files are display paths."""

    name: str
    by: str
    """`kustomize` or `helm`."""
    directory: str
    main: str
    """Its kustomization or Chart.yaml: where what has no better place is shown."""
    source: Source
    documents: tuple[DocumentOrigin, ...]
    values: tuple[str, ...] = ()
    """Values files of a chart, the strongest last."""
    inputs: frozenset[str] = frozenset()
    overrides: Mapping[str, Any] = {}
    """Values that the Application itself gives."""
    inline: Place | None = None
    """Where `overrides` stand, as far as they are one mapping in the Application's file."""


class Traced(NamedTuple):
    """A place in a file that a person edits."""

    place: Place
    same: bool = False
    """True where the same value stands there, so that a change of it is a change of what is rendered."""


class _Object(NamedTuple):
    """An object or patch as written in a file."""

    document: DocumentId
    prefix: Path
    value: Any


class Origins:
    """Everything that was rendered in a run. `fetch` gives the files it was made of, by name."""

    def __init__(self, renderings: Sequence[Rendering], fetch: Callable[[str], Source | None]) -> None:
        self.renderings = {rendering.name: rendering for rendering in renderings}
        self.inputs = frozenset().union(*(r.inputs for r in renderings)) if renderings else frozenset()
        self._fetch = fetch
        self._sources: dict[str, Source | None] = {}
        self._objects: dict[str, Sequence[_Object]] = {}
        self._values: dict[DocumentId, Any] = {}
        self._templates: dict[str, Template | None] = {}

    def source(self, name: str) -> Source | None:
        """A rendered text, or a file that one was made of."""
        rendering = self.renderings.get(name)
        if rendering is not None:
            return rendering.source
        if name not in self._sources:
            self._sources[name] = self._fetch(name) if name in self.inputs else None
        return self._sources[name]

    def parts(self, loaded: Mapping[str, Sequence[tuple[int, int]]]) -> Parts:
        """Where documents stand in the texts that were `loaded`, and in the files behind rendered ones."""
        return Parts(loaded, self)

    def traced(self, finding: Finding, texts: Texts) -> Finding:
        """The finding with every place in the file that a person edits, and the rendered line beside it."""
        related = tuple(self._related(r, texts) for r in finding.related)
        trail = tuple(self._related(r, texts) for r in finding.trail)
        finding = finding._replace(related=related, trail=trail, fix=self._fix(finding.fix, texts))
        rendering = self.renderings.get(finding.at.document.source)
        if rendering is None:
            return finding
        found, *others = self.places(finding.at, texts)
        line = "" if _is_secret(finding.resource) else self._line(finding.at, texts)
        said = f"rendered by {rendering.by} from {rendering.directory}" + (f": `{line}`" if line else "")
        more = [Related(other.place, "filled in here", finding.resource) for other in others]
        more.append(Related(finding.at, said, finding.resource))
        return finding._replace(at=found.place, related=tuple(dict.fromkeys((*related, *more))), rendered=finding.at)

    def _related(self, related: Related, texts: Texts) -> Related:
        if related.at.document.source not in self.renderings:
            return related
        return related._replace(at=self.places(related.at, texts)[0].place)

    def _fix(self, fix: Fix | None, texts: Texts) -> Fix | None:
        """The fix on the files themselves; none where one of its places is not exactly what is rendered."""
        if fix is None or all(edit.at.document.source not in self.renderings for edit in fix.edits):
            return fix
        edits: list[Edit] = []
        for edit in fix.edits:
            if edit.at.document.source in self.renderings:
                found = self.places(edit.at, texts)
                if len(found) > 1 or not found[0].same or edit.at.span is not None:
                    return None
                edit = edit._replace(at=found[0].place)
            edits.append(edit)
        return fix._replace(edits=tuple(edits))

    def places(self, place: Place, texts: Texts) -> Sequence[Traced]:
        """The place to show first, and others that tell how it is made."""
        rendering = self.renderings[place.document.source]
        number = place.document.number
        origin = rendering.documents[number] if number < len(rendering.documents) else DocumentOrigin()
        if rendering.by == "kustomize":
            return (self._built(rendering, origin, place),)
        return self._templated(rendering, origin, place, texts)

    def _line(self, place: Place, texts: Texts) -> str:
        source = self.source(place.document.source)
        span, _ = texts.span(place)
        line = line_text(source, span.line).strip() if source is not None else ""
        return line if len(line) <= 80 else f"{line[:79]}…"

    def _rendered_value(self, document: DocumentId) -> Any:
        if document not in self._values:
            if len(self._values) > 64:
                self._values.clear()
            source = self.renderings[document.source].source
            part = list(slices(source.text))[document.number]
            items = load(source._replace(text=source.text[part[0] : part[1]]))
            self._values[document] = next((i.value for i in items if isinstance(i, Document)), None)
        return self._values[document]

    def _written(self, file: str) -> Sequence[_Object]:
        """The documents of a file that kustomize reads: objects, also those in lists, and whatever else there is."""
        if file not in self._objects:
            found: list[_Object] = []
            source = self.source(file)
            for item in load(source._replace(typing=KUSTOMIZE)) if source is not None else ():
                if isinstance(item, Document):
                    inner = [_Object(item.id, prefix, value) for prefix, value in objects(item.value)]
                    found += inner or [_Object(item.id, (), item.value)]
            self._objects[file] = found
        return self._objects[file]

    # ---- kustomize -----------------------------------------------------------------------------------------

    def _built(self, rendering: Rendering, origin: DocumentOrigin, place: Place) -> Traced:
        value = self._rendered_value(place.document)
        path = _existing(value, place.path)
        exact = path == place.path and place.span is None
        best: Traced | None = None
        deepest = 0
        for written in (*self._patches(origin, value), *self._bases(origin, value)):
            found = _find(written, value, path)
            if found is None:
                continue
            traced = Traced(Place(written.document, (*written.prefix, *found.path), place.part), found.same and exact)
            if found.same and exact and place.part != "key":
                piece = _same_piece(dig(value, *path), dig(written.value, *found.path), place.piece)
                return Traced(traced.place._replace(piece=piece), True)
            if best is None or found.depth > deepest or (found.depth == deepest and found.same and not best.same):
                best, deepest = traced, found.depth
        inline = self._inline(origin, value, path) if exact else None
        if inline is not None and not (best is not None and best.same):
            return inline
        transformed = self._transformer(origin, path, dig(value, *path)) if exact else None
        if transformed is not None:
            return transformed
        if best is not None:
            return best
        file = origin.file or rendering.main
        return Traced(Place(DocumentId(file, 0), _generator(self._written(file), value) if origin.generated else ()))

    def _bases(self, origin: DocumentOrigin, value: Any) -> Iterator[_Object]:
        """The object in its own file: of its kind, and of the name that prefixes and suffixes were put around."""
        if origin.generated or not origin.file:
            return
        wanted = identify(mapping(value))
        same = [o for o in self._written(origin.file) if _alike(identify(mapping(o.value)), wanted)]
        exact = [o for o in same if identify(o.value).name == wanted.name]
        inside = [o for o in same if identify(o.value).name and identify(o.value).name in wanted.name]
        longest = max((len(identify(o.value).name) for o in inside), default=0)
        near = [o for o in inside if len(identify(o.value).name) == longest]
        for found in (exact, near, same):
            if len(found) == 1:
                yield found[0]
                return

    def _patches(self, origin: DocumentOrigin, value: Any) -> Iterator[_Object]:
        """The patch files that may have changed the object, the last one first."""
        wanted = identify(mapping(value))
        for file in reversed(origin.changed_by):
            for _, entry, target in reversed(list(_patch_entries(self._kustomization(file)))):
                if "\n" in entry or not _may_mean(target, wanted):
                    continue
                for written in reversed(self._written(_beside(file, entry))):
                    own = identify(mapping(written.value))
                    meant = target or {"kind": own.kind, "name": own.name}
                    if isinstance(written.value, list) or _may_mean(meant, wanted):
                        yield written

    def _inline(self, origin: DocumentOrigin, value: Any, path: Path) -> Traced | None:
        """The line of a patch that is written into a kustomization."""
        wanted = identify(mapping(value))
        for file in reversed(origin.changed_by):
            for at, entry, target in reversed(list(_patch_entries(self._kustomization(file)))):
                if "\n" not in entry and ":" not in entry:
                    continue
                patch = Source("", entry, typing=KUSTOMIZE)
                for item in load(patch):
                    if not isinstance(item, Document):
                        continue
                    own = identify(mapping(item.value))
                    meant = target or {"kind": own.kind, "name": own.name}
                    found = _find(_Object(item.id, (), item.value), value, path) if _may_mean(meant, wanted) else None
                    if found is None or not found.same:
                        continue
                    node = mark(patch, item.start, item.end)
                    if node is not None:
                        located = locate(patch, node, found.path)
                        return Traced(Place(DocumentId(file, 0), at, piece=(located.start, located.end)))
        return None

    def _transformer(self, origin: DocumentOrigin, path: Path, value: Any) -> Traced | None:
        """What the fields `namespace`, `images` and `replicas` of a kustomization set."""
        for file in reversed(origin.changed_by):
            kustomization = self._kustomization(file)
            where: Path | None = None
            if path == ("metadata", "namespace") and kustomization.get("namespace") == value:
                where = ("namespace",)
            elif path == ("spec", "replicas"):
                entries = enumerate(sequence(kustomization.get("replicas")))
                where = next((("replicas", i, "count") for i, e in entries if mapping(e).get("count") == value), None)
            elif path and path[-1] == "image" and isinstance(value, str):
                where = _image_entry(kustomization, value)
            if where is not None:
                return Traced(Place(DocumentId(file, 0), where))
        return None

    def _kustomization(self, file: str) -> Mapping[str, Any]:
        written = self._written(file)
        return mapping(written[0].value) if written else {}

    # ---- helm ----------------------------------------------------------------------------------------------

    def _templated(self, rendering: Rendering, origin: DocumentOrigin, place: Place, texts: Texts) -> Sequence[Traced]:
        """The value, else the line of the template, else the template."""
        file = origin.file or rendering.main
        source = self.source(file)
        template = self._template(file) if origin.file else None
        if source is None or template is None:
            return (Traced(Place(DocumentId(file, 0), place.path, span=Span(1, 1, 1, 1))),)
        if template.plain:
            return (self._built(rendering, origin, place),)
        document = DocumentId(file, 0)
        span, _ = texts.span(place)
        lines = lines_of(rendering.source.text)
        found = template.find(lines, span.line - 1, _document_start(lines, span.line - 1))
        at: Place | None = None
        if found is not None:
            line = line_text(source, found + 1)
            at = Place(document, place.path, place.part, span=_shifted(line, lines[span.line - 1], span, found + 1))
        filled = self._value(rendering, template, found, place)
        if filled is not None:
            return (filled, Traced(at)) if at is not None else (filled,)
        if at is None:
            kind = text(mapping(self._rendered_value(place.document)).get("kind"))
            number = template.line_of(kind)
            width = len(line_text(source, number + 1))
            at = Place(document, place.path, span=Span(number + 1, 1, number + 1, width + 1))
        return (Traced(at),)

    def _template(self, file: str) -> Template | None:
        if file not in self._templates:
            source = self.source(file)
            self._templates[file] = Template(source.text) if source is not None else None
        return self._templates[file]

    def _value(self, rendering: Rendering, template: Template, line: int | None, place: Place) -> Traced | None:
        """The scalar or tree in a values file that is certainly the one that was printed."""
        rendered = self._rendered_value(place.document)
        if place.span is not None or not place.path or not has(rendered, *place.path):
            return None
        found: dict[Place, None] = {}
        if line is not None:
            names = template.values_in(line)
            if len(names) == 1 and place.part != "key":
                given = self._given(rendering, names[0])
                if given is not None and _spelled(given[1]) == _spelled(dig(rendered, *place.path)):
                    return Traced(given[0])
            return None
        for name in template.values:
            given = self._given(rendering, name)
            if given is None or not isinstance(given[1], (dict, list)) or not given[1]:
                continue
            for depth in range(1, len(place.path) + 1):
                if dig(rendered, *place.path[:depth]) == given[1]:
                    inner = (*given[0].path, *place.path[depth:])
                    found[given[0]._replace(path=inner, part=place.part)] = None
        return Traced(next(iter(found))) if len(found) == 1 else None

    def _given(self, rendering: Rendering, name: Path) -> tuple[Place, Any] | None:
        """Where a value is written and what it is: in the strongest file; none where the Application gives it."""
        if _overridden(rendering.overrides, name):
            if rendering.inline is None or not has(rendering.overrides, *name):
                return None
            return rendering.inline._replace(path=(*rendering.inline.path, *name)), dig(rendering.overrides, *name)
        holders = [
            (Place(written.document, name), dig(written.value, *name))
            for file in rendering.values
            for written in self._written(file)[:1]
            if has(written.value, *name)
        ]
        if not holders or (len(holders) > 1 and isinstance(holders[-1][1], dict)):
            return None  # mappings of several files are merged
        return holders[-1]


class Parts(Mapping[str, Sequence[tuple[int, int]]]):
    """Where the documents of every text stand: of those that were loaded, and of files behind rendered ones."""

    def __init__(self, loaded: Mapping[str, Sequence[tuple[int, int]]], origins: Origins) -> None:
        self._loaded = loaded
        self._origins = origins
        self._found: dict[str, Sequence[tuple[int, int]]] = {}

    def __getitem__(self, name: str) -> Sequence[tuple[int, int]]:
        known = self._loaded.get(name) or self._found.get(name)
        if known is None:
            source = self._origins.source(name)
            if source is None:
                raise KeyError(name)
            known = self._found[name] = list(slices(source.text))
        return known

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)


class _Found(NamedTuple):
    path: Path
    depth: int
    """How much of the rendered path it is."""
    same: bool


def _find(written: _Object, rendered: Any, path: Path) -> _Found | None:
    """Where the value at `path` of a rendered object stands in an object or patch."""
    if isinstance(written.value, list):
        return _in_json_patch(written.value, rendered, path)
    return _aligned(written.value, rendered, path)


def _aligned(ours: Any, theirs: Any, path: Path) -> _Found | None:
    """The path of our counterpart, as deep as there is one; items of lists are paired by content and name."""
    here: list[str | int] = []
    for item in path:
        if isinstance(item, str):
            if not isinstance(ours, dict) or item not in ours:
                break
            theirs, ours = mapping(theirs).get(item), ours[item]
            here.append(item)
        else:
            index = _counterpart(sequence(ours), sequence(theirs), item)
            if index is None:
                break
            theirs, ours = theirs[item], ours[index]
            here.append(index)
    if not here and path:
        return None
    return _Found(tuple(here), len(here), len(here) == len(path) and _equal(ours, theirs))


def _equal(ours: Any, theirs: Any) -> bool:
    """Whether both are the same but for white space: kustomize adds line breaks to folded scalars."""
    if isinstance(ours, str) and isinstance(theirs, str):
        return ours == theirs or ours.split() == theirs.split()
    return bool(ours == theirs) and isinstance(ours, bool) == isinstance(theirs, bool)


def _same_piece(theirs: Any, ours: Any, piece: tuple[int, int] | None) -> tuple[int, int] | None:
    """The piece of our string that holds the same characters as a piece of theirs."""
    if piece is None or theirs == ours or not isinstance(theirs, str) or not isinstance(ours, str):
        return piece
    start, end = piece
    inked = [at for at, char in enumerate(ours) if not char.isspace()]
    before = len("".join(theirs[:start].split()))
    within = len("".join(theirs[start:end].split()))
    if not within:
        behind = inked[before - 1] + 1 if before and not theirs[start - 1].isspace() else None
        at = behind if behind is not None else inked[before] if before < len(inked) else len(ours)
        return at, at
    return inked[before], inked[before + within - 1] + 1


def _counterpart(ours: Sequence[Any], theirs: Sequence[Any], index: int) -> int | None:
    if index >= len(theirs):
        return None
    wanted = theirs[index]
    equal = [i for i, item in enumerate(ours) if item == wanted]
    if len(equal) == 1:
        return equal[0]
    if index in equal:
        return index
    for key in _NAMED_BY:
        name = mapping(wanted).get(key)
        if name is not None:
            named = [i for i, item in enumerate(ours) if mapping(item).get(key) == name]
            return named[0] if len(named) == 1 else None
    return index if len(ours) == len(theirs) and isinstance(wanted, dict) == isinstance(ours[index], dict) else None


def _in_json_patch(operations: Sequence[Any], rendered: Any, path: Path) -> _Found | None:
    """The value that an operation of a JSON patch wrote, the last one first."""
    for index in range(len(operations) - 1, -1, -1):
        operation = mapping(operations[index])
        pointer = operation.get("path")
        if operation.get("op") not in ("add", "replace") or not isinstance(pointer, str):
            continue
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]
        if len(tokens) > len(path) or any(t not in ("-", str(p)) for t, p in zip(tokens, path, strict=False)):
            continue
        reached = dig(rendered, *path[: len(tokens)])
        found = _aligned(operation.get("value"), reached, path[len(tokens) :])
        if found is not None and found.same:
            return _Found((index, "value", *found.path), len(path), True)
    return None


def _existing(value: Any, path: Path) -> Path:
    """The longest part of a path that exists."""
    while path and not has(value, *path):
        path = path[:-1]
    return path


def _alike(one: ResourceId, other: ResourceId) -> bool:
    return (one.group, one.kind) == (other.group, other.kind)


def _patch_entries(kustomization: Mapping[str, Any]) -> Iterator[tuple[Path, str, Mapping[str, Any]]]:
    """The patches of a kustomization: where they are named, the file name or the text, and the target."""
    for field in ("patchesStrategicMerge", "patchesJson6902", "patches"):
        for index, entry in enumerate(sequence(kustomization.get(field))):
            if isinstance(entry, str):
                yield (field, index), entry, {}
            elif isinstance(entry, dict):
                for key in ("path", "patch"):
                    if isinstance(entry.get(key), str) and entry[key]:
                        yield (field, index, key), entry[key], mapping(entry.get("target"))


def _may_mean(target: Mapping[str, Any], wanted: ResourceId) -> bool:
    """Whether a patch with this target may be about an object, whose name may have a prefix or suffix by now."""
    kind, name = text(target.get("kind")), text(target.get("name"))
    try:
        if kind and not re.fullmatch(kind, wanted.kind):
            return False
        return not name or name in wanted.name or re.search(name, wanted.name) is not None
    except (re.error, RecursionError):
        return True


def _beside(file: str, entry: str) -> str:
    """The display path of what a file names relative to its own directory."""
    import posixpath

    return posixpath.normpath(posixpath.join(posixpath.dirname(file), entry))


def _image_entry(kustomization: Mapping[str, Any], image: str) -> Path | None:
    for index, entry in enumerate(sequence(kustomization.get("images"))):
        name = text(mapping(entry).get("newName")) or text(mapping(entry).get("name"))
        if not name or not image.startswith(name):
            continue
        for key, mark_ in (("newTag", ":"), ("digest", "@")):
            if image == f"{name}{mark_}{mapping(entry).get(key)}":
                return ("images", index, key)
    return None


def _generator(written: Sequence[_Object], value: Any) -> Path:
    """The entry of a kustomization that generates an object."""
    identity = identify(mapping(value))
    field = {"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}.get(identity.kind, "")
    entries = sequence(mapping(written[0].value).get(field)) if written else ()
    named = [i for i, entry in enumerate(entries) if text(mapping(entry).get("name")) in identity.name]
    return (field, named[0]) if len(named) == 1 else ()


def _overridden(overrides: Mapping[str, Any], name: Path) -> bool:
    """Whether the Application's own values say something at, above or below a value."""
    here: Any = overrides
    for item in name:
        if not isinstance(here, dict):
            return True
        if item not in here:
            return False
        here = here[item]
    return True


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _document_start(lines: Sequence[str], line: int) -> int:
    while line > 0 and not lines[line].startswith("---"):
        line -= 1
    return line


def _shifted(line: str, rendered: str, span: Span, number: int) -> Span:
    """The region in a template's line: the same characters where the lines are alike, else all of it."""
    indent = len(line) - len(line.lstrip())
    end = len(line.rstrip())
    if line.strip() == rendered.strip() and span.end_line == span.line:
        move = indent - (len(rendered) - len(rendered.lstrip()))
        return Span(number, span.column + move, number, span.end_column + move)
    return Span(number, indent + 1, number, end + 1)


def _is_secret(resource: ResourceId | None) -> bool:
    return resource is not None and resource.kind == "Secret" and not resource.group
