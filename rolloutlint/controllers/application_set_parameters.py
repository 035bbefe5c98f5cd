"""The parameters that the generators of an ApplicationSet give, as far as they can be told without a cluster.

Mirrors argo-cd `applicationset/generators/{list,git,matrix,merge,generator_spec_processor,value_interpolation}.go`. The
repository is handed in (`Repository`). What clusters, other repositories, SCM providers or plugins decide is unknown,
and so is what depends on the release.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from rolloutlint.finding import Path
from rolloutlint.lang.fasttemplate import fill
from rolloutlint.lang.gotemplate import MissingKey, StringMap, go_value, render
from rolloutlint.lang.gotemplate.functions import normalize
from rolloutlint.lang.gotemplate.values import StringList, UnsupportedError, plain_text
from rolloutlint.lang.gotemplate.yaml import read_yaml

KINDS = (
    "list",
    "clusters",
    "git",
    "scmProvider",
    "clusterDecisionResource",
    "pullRequest",
    "matrix",
    "merge",
    "plugin",
)
"""The kinds of generators in the order in which Argo CD looks at them."""
MAX_SETS = 2_000
"""Sets of parameters of one generator beyond which nothing is told."""
MAX_DEPTH = 40

Parameters = Mapping[str, Any]
"""Values as `gotemplate` has them; without Go templates every value is a text."""


class Repository(Protocol):
    """A checkout: its files, by paths from its root with forward slashes."""

    def is_named(self, url: str) -> bool:
        """Whether a repository URL means this checkout; also true where that cannot be told and it may."""

    def files(self) -> Sequence[str]:
        """All files that are, or will be, in Git."""

    def text(self, path: str) -> str | None:
        """The text of a file; `None` where it cannot be read."""


class Nowhere:
    """No checkout at all: what a git generator gives is then unknown."""

    def is_named(self, url: str) -> bool:
        return False

    def files(self) -> Sequence[str]:
        return ()

    def text(self, path: str) -> str | None:
        return None


class Left(NamedTuple):
    """A placeholder that nothing fills: it stays, or `<no value>` takes its place."""

    path: Path
    start: int
    end: int
    name: str
    """The parameter asked for, `""` where the placeholder is more than one name."""


class RefusedError(Exception):
    """What makes Argo CD give up the whole set: where and why."""

    def __init__(self, path: Path, reason: str, left: Left | None = None) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.left = left
        """The placeholder that nothing fills, where that is the reason."""


class UnknownError(Exception):
    """What only a cluster, another repository or the release tells: where and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class Renderer(NamedTuple):
    """Fills in placeholders in the language that an ApplicationSet chose."""

    go: bool
    missing: MissingKey = "default"

    def text(self, template: str, parameters: Parameters, path: Path, left: list[Left] | None = None) -> str:
        """The text of one template. Raises `RefusedError` and `UnknownError`."""
        if "{{" not in template:
            return template
        if not self.go:
            filled = fill(template, {k: v for k, v in parameters.items() if isinstance(v, str)})
            if filled.text is None:
                raise RefusedError(path, "a `{{` is never closed")
            if left is not None:
                left += [Left(path, tag.start, tag.end, tag.name) for tag in filled.left]
            return filled.text
        rendered = render(template, parameters, self.missing)
        if rendered.text is None:
            if rendered.error:
                raise RefusedError(path, rendered.error, self._missed(template, parameters, path))
            raise UnknownError(path, rendered.unknown)
        if left is not None:
            left += [Left(path, gap.start, gap.end, gap.name) for gap in rendered.gaps]
        return rendered.text

    def _missed(self, template: str, parameters: Parameters, path: Path) -> Left | None:
        """What `missingkey=error` fails at."""
        gaps = render(template, parameters).gaps if self.missing == "error" else ()
        return Left(path, gaps[0].start, gaps[0].end, gaps[0].name) if gaps else None

    def everything(self, value: Any, parameters: Parameters, path: Path, left: list[Left] | None = None) -> Any:
        """A plain value with every text in it filled in, keys too (`deeplyReplace`)."""
        if isinstance(value, str):
            return self.text(value, parameters, path, left)
        if len(path) > MAX_DEPTH:
            raise UnknownError(path, "values nested too deeply")
        if isinstance(value, dict):
            found: dict[Any, Any] = {}
            for key, item in value.items():
                if item is not None:  # what is null is left out
                    at: Path = (*path, key)
                    name = self.text(key, parameters, at, left) if isinstance(key, str) else key
                    found[name] = self.everything(item, parameters, at, left)
            return found
        if isinstance(value, list):
            return [self.everything(item, parameters, (*path, index), left) for index, item in enumerate(value)]
        return value


class Source(NamedTuple):
    """What all generators of a set share."""

    renderer: Renderer
    repository: Repository
    nested_selectors: bool
    """`applyNestedSelectors`: releases differ in whether the innermost selectors count without it."""


def parameter_sets(
    generator: Any, path: Path, source: Source, depth: int = 0
) -> Iterator[tuple[str, list[Parameters]]]:
    """For each kind that an entry of `generators` holds, the sets it gives.

    Raises `RefusedError` and `UnknownError`.
    """
    if not isinstance(generator, dict):
        raise RefusedError(path, "a generator is no mapping")
    for kind in KINDS:
        value = generator.get(kind)
        if value is None:
            continue
        if kind in ("matrix", "merge") and depth > 1:
            raise UnknownError((*path, kind), "generators nested more than twice")
        if not isinstance(value, dict):
            raise RefusedError((*path, kind), f"`{kind}` is no mapping")
        sets = _of_kind(kind, value, (*path, kind), source, depth)
        yield kind, _selected(sets, generator.get("selector"), (*path, "selector"), source, depth)


def _of_kind(kind: str, value: Mapping[str, Any], path: Path, source: Source, depth: int) -> list[Parameters]:
    if kind == "list":
        found = _list(value, path, source)
    elif kind == "git":
        found = _git(value, path, source)
    elif kind == "matrix":
        found = _matrix(value, path, source, depth)
    elif kind == "merge":
        found = _merge(value, path, source, depth)
    else:
        raise UnknownError(path, f"`{kind}` asks what only a cluster or a service knows")
    if len(found) > MAX_SETS:
        raise UnknownError(path, "more parameters than are followed")
    return found


# ---- list --------------------------------------------------------------------------------------------------


def _list(value: Mapping[str, Any], path: Path, source: Source) -> list[Parameters]:
    """`list.go`."""
    found: list[Parameters] = []
    elements = value.get("elements")
    for index, element in enumerate(elements if isinstance(elements, list) else ()):
        at: Path = (*path, "elements", index)
        if element is None:
            raise UnknownError(at, "an element without a value")
        if not isinstance(element, dict):
            raise RefusedError(at, "an element is no mapping")
        found.append(_go(element, at) if source.renderer.go else _plain_element(element, at))
    written = value.get("elementsYaml")
    if isinstance(written, str) and written:
        at = (*path, "elementsYaml")
        listed = _yaml(written, at)
        for element in listed if isinstance(listed, list) else [] if listed is None else [listed]:
            if not isinstance(listed, list) or not isinstance(element, (dict, type(None))):
                raise RefusedError(at, "is no list of mappings")
            found.append(element or {})
    return found


def _plain_element(element: Mapping[str, Any], path: Path) -> Parameters:
    found: dict[str, str] = {}
    for key, item in element.items():
        if key == "values":
            if not isinstance(item, dict):
                raise RefusedError((*path, key), "`values` is no mapping")
            for name, text in item.items():
                if not isinstance(text, str):
                    raise RefusedError((*path, key, name), "a value is no text")
                found[f"values.{name}"] = text
        elif isinstance(item, str):
            found[str(key)] = item
        else:
            raise RefusedError((*path, key), "a value is no text")
    return found


def _go(value: Any, path: Path) -> Any:
    try:
        return go_value(value)
    except UnsupportedError as error:
        raise UnknownError(path, str(error)) from None


def _yaml(text: str, path: Path) -> Any:
    try:
        return read_yaml(text)
    except UnsupportedError as error:
        raise UnknownError(path, str(error)) from None


# ---- git ---------------------------------------------------------------------------------------------------


def _git(value: Mapping[str, Any], path: Path, source: Source) -> list[Parameters]:
    """`git.go`. Directories win over files."""
    url = value.get("repoURL")
    if not isinstance(url, str) or not source.repository.is_named(url):
        raise UnknownError((*path, "repoURL"), "another repository")
    prefix = value.get("pathParamPrefix")
    prefix = prefix if isinstance(prefix, str) else ""
    directories, files = value.get("directories"), value.get("files")
    if isinstance(directories, list) and directories:
        sets = [
            _path_parameters(directory, "", prefix, source.renderer.go, {})
            for directory in _directories(source.repository.files(), directories, (*path, "directories"))
        ]
    elif isinstance(files, list) and files:
        sets = list(_file_sets(files, (*path, "files"), prefix, source))
    else:
        raise RefusedError(path, "neither `directories` nor `files` is written")
    return [_with_values(found, value.get("values"), (*path, "values"), source.renderer) for found in sets]


def _directories(files: Sequence[str], wanted: Sequence[Any], path: Path) -> list[str]:
    """The directories that are asked for, in the order of a walk; hidden ones are never among them."""
    every = {"/".join(parts[:depth]) for parts in (f.split("/") for f in files) for depth in range(1, len(parts))}
    patterns: list[tuple[PathPattern, bool]] = []
    for index, one in enumerate(wanted):
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise UnknownError((*path, index), "a directory without a path")
        if one["path"].startswith("./") or "{{" in one["path"]:
            raise UnknownError((*path, index, "path"), "a path that matches nothing as it is written")
        patterns.append((path_pattern(one["path"]), one.get("exclude") is True))
    found = []
    for directory in every:
        if any(part.startswith(".") for part in directory.split("/")):
            continue
        matched = {excluded for pattern, excluded in patterns if pattern.matches(directory)}
        if matched == {False}:
            found.append(directory)
    return sorted(found, key=lambda directory: directory.split("/"))


def _file_sets(wanted: Sequence[Any], path: Path, prefix: str, source: Source) -> Iterator[dict[str, Any]]:
    include: set[str] = set()
    exclude: set[str] = set()
    files = source.repository.files()
    for index, one in enumerate(wanted):
        if not isinstance(one, dict) or not isinstance(one.get("path"), str):
            raise UnknownError((*path, index), "a file without a path")
        if one["path"].startswith((":", "/", "./", "../")) or "{{" in one["path"]:
            raise UnknownError((*path, index, "path"), "a path that git reads in its own way")
        matches = pathspec(one["path"])
        (exclude if one.get("exclude") is True else include).update(file for file in files if matches.fullmatch(file))
    for file in sorted(include - exclude):
        text = source.repository.text(file)
        if text is None:
            raise UnknownError(path, f"{file} cannot be read")
        value = _yaml(text, path)
        for found in value if isinstance(value, list) else [{} if value is None else value]:
            if not isinstance(found, dict):
                raise RefusedError(path, f"{file} holds neither a mapping nor a list of them")
            yield _path_parameters(posixpath.dirname(file) or ".", file, prefix, source.renderer.go, found)


def _path_parameters(directory: str, file: str, prefix: str, go: bool, content: Mapping[str, Any]) -> dict[str, Any]:
    """What a directory, or a file with its content, gives."""
    name = posixpath.basename(directory)
    filename = posixpath.basename(file)
    if go:
        place: dict[str, Any] = {
            "path": directory,
            "basename": name,
            "basenameNormalized": normalize(name),
            "segments": StringList(directory.split("/")),
        }
        if file:
            place.update(filename=filename, filenameNormalized=normalize(filename))
        return {**content, **({prefix: {"path": place}} if prefix else {"path": place})}
    base = f"{prefix}.path" if prefix else "path"
    found = {key: plain_text(value) for key, value in flattened(content)}
    found.update({base: directory, f"{base}.basename": name, f"{base}.basenameNormalized": normalize(name)})
    if file:
        found.update({f"{base}.filename": filename, f"{base}.filenameNormalized": normalize(filename)})
    found.update({f"{base}[{index}]": part for index, part in enumerate(directory.split("/")) if part})
    return found


def _with_values(found: dict[str, Any], values: Any, path: Path, renderer: Renderer) -> Parameters:
    """`value_interpolation.go`: no value sees another."""
    if not isinstance(values, dict) or not values:
        return found
    texts: dict[str, str] = {}
    for key, template in values.items():
        if not isinstance(template, str):
            raise RefusedError((*path, key), "a value is no text")
        texts[str(key)] = renderer.text(template, found, (*path, key))
    return (
        {**found, "values": StringMap(texts)}
        if renderer.go
        else {**found, **{f"values.{key}": text for key, text in texts.items()}}
    )


def flattened(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a value with dotted keys (jeremywohl/flatten): empty maps and lists give none."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in pairs:
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(item, (dict, list)):
            yield from flattened(item, name)
        else:
            yield name, item


# ---- matrix and merge --------------------------------------------------------------------------------------


def _children(value: Mapping[str, Any], path: Path) -> list[Any]:
    children = value.get("generators")
    if not isinstance(children, list):
        raise UnknownError(path, "no list of generators")
    return children


def _child(child: Any, path: Path, source: Source, depth: int) -> list[Parameters]:
    found = list(parameter_sets(child, path, source, depth + 1))
    if len(found) != 1:
        raise RefusedError(path, "one child must hold exactly one generator")
    return found[0][1]


def _matrix(value: Mapping[str, Any], path: Path, source: Source, depth: int) -> list[Parameters]:
    """`matrix.go`: each set of the first with each that the second then gives; with Go templates the first wins."""
    children = _children(value, path)
    if len(children) != 2:
        raise RefusedError((*path, "generators"), f"{len(children)} generators in a matrix")
    found: list[Parameters] = []
    for first in _child(children[0], (*path, "generators", 0), source, depth):
        at: Path = (*path, "generators", 1)
        for second in _child(_interpolated(children[1], first, at, source.renderer), at, source, depth):
            found.append(_combined(first, second, path, source.renderer.go))
            if len(found) > MAX_SETS:
                raise UnknownError(path, "more parameters than are followed")
    return found


def _interpolated(child: Any, parameters: Parameters, path: Path, renderer: Renderer) -> Any:
    """The second generator of a matrix with what the first gives filled in; a selector stays as it is written."""
    if not parameters or not isinstance(child, dict):
        return child
    left: list[Left] = []
    out: dict[str, Any] = {}
    for kind, value in child.items():
        if kind == "selector":
            out[kind] = value
            continue
        if isinstance(value, dict) and isinstance(value.get("values"), dict):
            at: Path = (*path, kind, "values")
            values = {k: _early(text, parameters, (*at, k), renderer) for k, text in value["values"].items()}
            without = {key: item for key, item in value.items() if key != "values"}
            out[kind] = {**renderer.everything(without, parameters, (*path, kind), left), "values": values}
        else:
            out[kind] = renderer.everything(value, parameters, (*path, kind), left)
    return out


def _early(template: Any, parameters: Parameters, path: Path, renderer: Renderer) -> Any:
    """A value that both generators may fill: releases differ where the first cannot fill all of it."""
    if not renderer.go or not isinstance(template, str):
        return renderer.everything(template, parameters, path)
    try:
        return renderer._replace(missing="error").text(template, parameters, path)
    except RefusedError:
        raise UnknownError(path, "releases differ in when this value is filled in") from None


def _combined(first: Parameters, second: Parameters, path: Path, go: bool) -> Parameters:
    if go:
        return _overridden(_overridden({}, second, path), first, path)
    one = {key: plain_text(value) for key, value in first.items()}
    other = {key: plain_text(value) for key, value in second.items()}
    for key in one.keys() & other.keys():
        if one[key] != other[key]:
            raise RefusedError((*path, "generators"), f"both generators give `{key}`, with different values")
    return {**one, **other}


def _overridden(base: Parameters, over: Parameters, path: Path) -> dict[str, Any]:
    """`mergo.Merge` with `WithOverride`: maps are merged, everything else is replaced."""
    found = dict(base)
    for key, value in over.items():
        known = found.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            if isinstance(known, StringMap) and not isinstance(value, StringMap):
                raise UnknownError(path, f"`{key}` is given with two types")
            merged = _overridden(known, value, path)
            found[key] = StringMap(merged) if isinstance(known, StringMap) else merged
        else:
            found[key] = value
    return found


def _merge(value: Mapping[str, Any], path: Path, source: Source, depth: int) -> list[Parameters]:
    """`merge.go`: the first generator's sets, overridden by those of the others with the same keys."""
    children = _children(value, path)
    if len(children) < 2:
        raise RefusedError((*path, "generators"), f"{len(children)} generators in a merge")
    every = [_child(child, (*path, "generators", index), source, depth) for index, child in enumerate(children)]
    keys = value.get("mergeKeys")
    if not isinstance(keys, list) or not keys:
        raise RefusedError(path, "no `mergeKeys`")
    names = [str(key) for key in keys]
    base, *others = [_by_keys(sets, names, (*path, "generators", index)) for index, sets in enumerate(every)]
    for other in others:
        for key, over in other.items():
            if key in base:
                base[key] = _overridden(base[key], over, path) if source.renderer.go else {**base[key], **over}
    return list(base.values())


def _by_keys(sets: Sequence[Parameters], names: Sequence[str], path: Path) -> dict[str, Parameters]:
    found: dict[str, Parameters] = {}
    for one in sets:
        key = json.dumps({name: one.get(name) for name in names}, sort_keys=True)
        if key in found:
            raise RefusedError(path, f"two sets of parameters with the same {', '.join(names)}")
        found[key] = one
    return found


# ---- selector ----------------------------------------------------------------------------------------------


def _selected(sets: list[Parameters], selector: Any, path: Path, source: Source, depth: int) -> list[Parameters]:
    """`selector`, a filter on the flattened parameters; unlike a label selector it takes any value."""
    if selector is None:
        return sets
    if not isinstance(selector, dict):
        raise RefusedError(path, "the selector is no mapping")
    requirements = [(str(k), "In", [v]) for k, v in _mapping(selector.get("matchLabels")).items()]
    for index, one in enumerate(selector.get("matchExpressions") or ()):
        one = _mapping(one)
        operator, values = one.get("operator"), one.get("values") or []
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist") or not isinstance(values, list):
            raise RefusedError((*path, "matchExpressions", index), f"`{operator}` is no operator")
        if (operator in ("In", "NotIn")) is not bool(values):
            raise RefusedError((*path, "matchExpressions", index), f"`{operator}` with these values")
        requirements.append((str(one.get("key")), operator, values))
    if not requirements:
        return sets
    if depth > 1 and not source.nested_selectors:
        raise UnknownError(path, "releases differ in whether this selector counts")
    if source.renderer.go and any(key.startswith(("values.", "metadata.")) for key, _, _ in requirements):
        raise UnknownError(path, "releases differ in what such a selector finds")
    return [one for one in sets if _matches(dict(flattened(one)), requirements)]


def _matches(labels: Mapping[str, Any], requirements: Sequence[tuple[str, str, Sequence[Any]]]) -> bool:
    for key, operator, values in requirements:
        held = key in labels
        if operator == "Exists" or operator == "DoesNotExist":
            fits = held is (operator == "Exists")
        else:
            fits = (
                (held and plain_text(labels[key]) in values)
                if operator == "In"
                else (not held or plain_text(labels[key]) not in values)
            )
        if not fits:
            return False
    return True


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


# ---- what is known without a cluster ------------------------------------------------------------------------

_GIVEN = {
    "clusters": "name nameNormalized server project",
    "scmProvider": "organization repository repository_id url branch branchNormalized sha short_sha short_sha_7 labels",
    "pullRequest": "number title author branch branch_slug target_branch target_branch_slug head_sha head_short_sha"
    " head_short_sha_7",
}


def known_parameters(kind: str, generator: Mapping[str, Any], go: bool) -> frozenset[str] | None:
    """The names that a generator of clusters, repositories or pull requests gives, `values.<name>` among them.

    Labels and annotations of clusters (`metadata...`) are left out; `None` for kinds whose names only a service knows.
    Mirrors `cluster.go`, `scm_provider.go` and `pull_request.go` of the newest release.
    """
    if kind not in _GIVEN or generator.get("flatList") is True:
        return None
    names = {*_GIVEN[kind].split(), *(f"values.{key}" for key in _mapping(generator.get("values")))}
    return frozenset(names | {"labels"} if go and kind == "pullRequest" else names)


# ---- patterns ----------------------------------------------------------------------------------------------


class PathPattern(NamedTuple):
    """A pattern of Go's `path.Match`; a broken one matches nothing."""

    compiled: re.Pattern[str] | None

    def matches(self, path: str) -> bool:
        """Whether the whole of `path` matches."""
        return self.compiled is not None and self.compiled.fullmatch(path) is not None


def path_pattern(pattern: str) -> PathPattern:
    """Go's `path.Match`: `*` and `?` never match a `/`."""
    return PathPattern(_compiled(pattern, "[^/]", "^"))


def pathspec(pattern: str) -> re.Pattern[str]:
    """A pathspec of `git ls-files`: a `*` also matches `/`, and a path without wildcards names what lies below too."""
    if not any(char in pattern for char in "*?[\\"):
        return re.compile(re.escape(pattern.rstrip("/")) + "(?:/.*)?", re.DOTALL)
    return _compiled(pattern, ".", "!^") or re.compile(r"(?!)")


def _compiled(pattern: str, any_char: str, negations: str) -> re.Pattern[str] | None:
    out: list[str] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "*":
            if not out or out[-1] != f"{any_char}*":
                out.append(f"{any_char}*")
        elif char == "?":
            out.append(any_char)
        elif char == "[":
            end = pattern.find("]", position + 2 if pattern[position : position + 1] in negations else position + 1)
            if end < 0:
                return None
            inner = pattern[position:end]
            negated = bool(inner) and inner[0] in negations
            inner = re.sub(r"([\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
            out.append(f"[{'^' if negated else ''}{inner}]")
            position = end + 1
        elif char == "\\":
            if position >= len(pattern):
                return None
            out.append(re.escape(pattern[position]))
            position += 1
        else:
            out.append(re.escape(char))
    if len([piece for piece in out if piece.endswith("*")]) > 12:
        return None
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error:
        return None


__all__ = [
    "Left",
    "Nowhere",
    "Parameters",
    "RefusedError",
    "Renderer",
    "Repository",
    "Source",
    "UnknownError",
    "flattened",
    "known_parameters",
    "parameter_sets",
]
