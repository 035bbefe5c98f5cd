"""RL637 to RL640: ApplicationSets that generate nothing, not what they say, or never sync what they generate."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from rolloutlint.checks.context import Context, check
from rolloutlint.controllers.application_set_parameters import known_parameters
from rolloutlint.controllers.application_sets import Expansion, fault_of_name
from rolloutlint.finding import Finding, Path, Related
from rolloutlint.lang.names import near
from rolloutlint.model import View
from rolloutlint.model.values import dig, entries, mapping, sequence

_PLACEHOLDER = re.compile(r"\{\{-?\s*([^{}]*?)\s*-?\}\}")
_FIELD = re.compile(r"\.([A-Za-z_]\w*)(?:\.\w+)*")
_WORD = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*")
_SOURCE = ("repoURL", "path", "chart", "targetRevision")
_DIRECTORY = frozenset(("path", "path.basename", "path.basenameNormalized"))
_HELM = frozenset(("Values", "Release", "Chart", "Capabilities", "Template", "Files"))
"""Roots of a Helm chart's placeholders: what renders those comes before Argo CD."""
_WORDS = """
abbrev add ago all and any append atoi base call cat ceil chunk clean coalesce compact concat contains date
default dict dig dir div duration else empty end eq ext fail first float64 floor ge get gt has hello html if
indent index initial initials int int64 join js kebabcase keys last le len list lower lt max merge min mod mul
ne nindent normalize nospace not now omit or pick pluck plural prepend print printf println quote range regex
repeat replace rest reverse round semver seq set shuffle slice slugify snakecase sort split squote sub substr
swapcase ternary title trim trunc tuple uniq unset until untitle upper urlquery values with without wrap
"""
_FUNCTIONS = frozenset(_WORDS.split())
"""Words of Go's templates and of sprig, as far as somebody may call a parameter like that."""


@check("RL637")
def application_set_generates_nothing(ctx: Context[View]) -> Iterator[Finding]:
    """A generator of a shape that Argo CD refuses, and whatever else ends the generation."""
    go = ctx.resource.spec.get("goTemplate") is True
    told = False
    for path, generator in entries(ctx.resource.value, (), "spec", "generators"):
        for finding in _refused(ctx, path, generator, go):
            told = True
            yield finding
    expansion = _expansion(ctx)
    if told or expansion is None or expansion.refused is None or any(_unfilled(ctx, expansion)):
        return
    yield ctx.finding(expansion.refused.path, variant="other", reason=expansion.refused.reason)


@check("RL638")
def application_set_parameter_unknown(ctx: Context[View]) -> Iterator[Finding]:
    """A placeholder for which no generator has a value, or in the other template language."""
    expansion = _expansion(ctx)
    told: set[str] = set()
    for path, piece, said, variant, names in _unfilled(ctx, expansion):
        if variant in told:
            continue
        told |= {variant} & {"goless", "dotless"}  # the language is one slip, however often it shows
        hint = near(said.removeprefix("."), names) if variant in ("unknown", "go") else None
        yield ctx.finding(
            path,
            piece=piece,
            variant="" if variant == "unknown" else variant,
            discriminator=said,
            text="{{" + said + "}}",
            name=said.removeprefix("."),
            hint=f" (`{hint}` is one)" if hint else "",
        )


@check("RL639")
def application_set_names_collide(ctx: Context[View]) -> Iterator[Finding]:
    """Parameters that give Applications of one name, or of a name that none can have."""
    expansion = _expansion(ctx)
    if expansion is None or not expansion.applications:
        return
    at: Path = ("spec", "template", "metadata", "name")
    named = [one for one in expansion.applications if not any(left.path == at for left in one.left)]
    if any("{{" in one.name or "${" in one.name for one in named):
        return
    collided, count = max(Counter(one.name for one in named if one.name).items(), key=_second, default=("", 0))
    if count > 1:
        yield ctx.finding(at, related=_givers(ctx, expansion, collided), count=count, name=collided)
    for one in named:
        fault = fault_of_name(one.name)
        if fault:
            variant = "empty" if fault == "empty" else "invalid"
            yield ctx.finding(at, discriminator=variant, variant=variant, name=one.name)
            return


def _second(pair: tuple[str, int]) -> int:
    return pair[1]


def _expansion(ctx: Context[View]) -> Expansion | None:
    """What the set generates, unless something that renders it may still change it."""
    if ctx.world.patched(ctx.resource.resource, ("spec",)):
        return None
    return ctx.world.expansion(ctx.resource.resource)


def _givers(ctx: Context[View], expansion: Expansion, name: str) -> list[Related]:
    """Two elements that give Applications of one name, where all come from one list."""
    generators = list(entries(ctx.resource.value, (), "spec", "generators"))
    path: Path = ("spec", "generators", 0, "list", "elements")
    elements = sequence(dig(ctx.resource.value, *path))
    if len(generators) != 1 or "selector" in generators[0][1] or len(elements) != len(expansion.applications):
        return []
    indexes = [index for index, one in enumerate(expansion.applications) if one.name == name]
    return [ctx.resource.related((*path, index), f"gives `{name}`") for index in indexes[:2]]


@check("RL640")
def rolling_sync_operator_unknown(ctx: Context[View]) -> Iterator[Finding]:
    """An operator by which a step of a RollingSync selects nothing."""
    strategy = mapping(ctx.resource.spec.get("strategy"))
    if strategy.get("type") != "RollingSync" or ctx.world.patched(ctx.resource.resource, ("spec",)):
        return
    for path, step in entries(ctx.resource.value, (), "spec", "strategy", "rollingSync", "steps"):
        for at, expression in entries(step, path, "matchExpressions"):
            operator = expression.get("operator")
            if isinstance(operator, str) and operator not in ("In", "NotIn"):
                yield ctx.finding((*at, "operator"), operator=operator)


def _refused(ctx: Context[View], path: Path, generator: Mapping[str, Any], go: bool) -> Iterator[Finding]:
    """argo-cd `applicationset/generators/{matrix,merge,list}.go`."""
    for kind in ("matrix", "merge"):
        combined = generator.get(kind)
        children = combined.get("generators") if isinstance(combined, dict) else None
        if not isinstance(children, list):
            continue
        at: Path = (*path, kind, "generators")
        if kind == "matrix" and len(children) != 2:
            yield ctx.finding(at, "key", variant="matrix", count=len(children))
        if kind == "merge" and len(children) < 2:
            yield ctx.finding(at, "key", variant="merge", count=len(children))
        if kind == "merge" and mapping(combined).get("mergeKeys") in (None, []):
            yield ctx.finding((*path, kind), "key", variant="keys")
        for below, child in entries(generator, path, kind, "generators"):
            yield from _refused(ctx, below, child, go)
    if go:
        return
    for at, element in entries(generator, path, "list", "elements"):
        nested = mapping(element.get("values"))
        values = {(*at, key): value for key, value in element.items() if key != "values"}
        values.update({(*at, "values", key): value for key, value in nested.items()})
        wrong = [where for where, value in values.items() if not isinstance(value, str)]
        if wrong:
            yield ctx.finding(wrong[0], name=wrong[0][-1])


_Unfilled: TypeAlias = "tuple[Path, tuple[int, int], str, str, set[str]]"
"""Where a placeholder stands, its piece of the text, what it says, what is wrong, and the parameters there are."""


def _unfilled(ctx: Context[View], expansion: Expansion | None) -> Iterator[_Unfilled]:
    """The placeholders that nothing fills: exactly where all parameters are known, else as far as they are."""
    if expansion is not None and expansion.complete:
        yield from _left(ctx, expansion)
        return
    spec = ctx.resource.spec
    if "templatePatch" in spec or ctx.world.patched(ctx.resource.resource, ("spec",)):
        return
    go = spec.get("goTemplate") is True
    known = [_parameters(generator, go) for _, generator in entries(ctx.resource.value, (), "spec", "generators")]
    names = {name for parameters in known for name in parameters or ()}
    told = False
    for path, value in _templated(ctx.resource):
        for placeholder in _PLACEHOLDER.finditer(value):
            said = placeholder.group(1)
            variant = _wrong_in_go(said, known) if go else _wrong(said, known)
            if variant is not None:
                told = True
                yield path, placeholder.span(), said, variant, names
    left = expansion.refused.left if expansion is not None and expansion.refused is not None else None
    if left is not None and left.name and not told:
        yield left.path, (left.start, left.end), f".{left.name}", "go", names


def _left(ctx: Context[View], expansion: Expansion) -> Iterator[_Unfilled]:
    go = ctx.resource.spec.get("goTemplate") is True
    places = {path for path, _ in _templated(ctx.resource)}
    names = {str(name) for one in expansion.applications for name in one.parameters}
    told: set[tuple[Path, int]] = set()
    for one in expansion.applications:
        for left in one.left:
            said = f".{left.name}" if go else left.name
            field = _FIELD.fullmatch(said)
            if (left.path, left.start) in told or not left.name or (field and field.group(1) in _HELM):
                continue
            told.add((left.path, left.start))
            # Without Go's language a text may be meant for whoever reads it next, as a notification.
            if go or left.path in places:
                yield left.path, (left.start, left.end), said, "go" if go else "goless" if field else "unknown", names


def _parameters(generator: Mapping[str, Any], go: bool) -> frozenset[str] | None:
    """The parameters that each Application of a generator has for certain; `None` where not all are known.

    With a `selector` some elements may not count: then those that any element has.
    """
    if "template" in generator or {"matrix", "merge", "plugin"} & set(generator):
        return None
    values = [f"values.{key}" for key in mapping(dig(generator, "list", "values"))]
    listed, git = (generator.get(key) for key in ("list", "git"))
    if isinstance(listed, dict):
        elements = [e for e in sequence(listed.get("elements")) if isinstance(e, dict)]
        if "elementsYaml" in listed or not elements:
            return None
        sets = [
            {*map(str, element), *(f"values.{key}" for key in mapping(element.get("values")))} for element in elements
        ]
        return frozenset(set.union(*sets) if "selector" in generator else set.intersection(*sets))
    if isinstance(git, dict) and "directories" in git and "files" not in git and "pathParamPrefix" not in git:
        values = [f"values.{key}" for key in mapping(git.get("values"))]
        return frozenset((*_DIRECTORY, *values))
    for kind in ("clusters", "scmProvider", "pullRequest"):
        if isinstance(generator.get(kind), dict):
            return known_parameters(kind, generator[kind], go)
    return None


def _templated(view: View) -> Iterator[tuple[Path, str]]:
    """The texts of the template from which Argo CD takes a name, a place or a source."""
    template: Path = ("spec", "template")
    places: list[Path] = [("metadata", "name"), ("spec", "project")]
    places += [("spec", "destination", key) for key in ("server", "name", "namespace")]
    places += [("spec", "source", key) for key in _SOURCE]
    sources = sequence(dig(view.value, *template, "spec", "sources"))
    places += [("spec", "sources", index, key) for index in range(len(sources)) for key in _SOURCE]
    for place in places:
        value = dig(view.value, *template, *place)
        if isinstance(value, str) and "{{" in value:
            yield (*template, *place), value


def _wrong(said: str, known: list[frozenset[str] | None]) -> str | None:
    """What is wrong with a placeholder of the plain language (fasttemplate), which knows names only."""
    field = _FIELD.fullmatch(said)
    if field:
        return None if field.group(1) in _HELM else "goless"
    if not said or said.startswith("metadata.") or re.fullmatch(r"path\[\d+\]", said):
        return None
    lacking = [parameters for parameters in known if parameters is not None and said not in parameters]
    return "unknown" if lacking and re.fullmatch(r"[\w.-]+", said) else None


def _wrong_in_go(said: str, known: list[frozenset[str] | None]) -> str | None:
    """What is wrong with a placeholder of Go's language; only a lone field or word is judged."""
    word = _WORD.fullmatch(said)
    if word:
        names = {name.split(".")[0] for parameters in known for name in parameters or ()}
        return "dotless" if word.group(1) in names and word.group(1) not in _FUNCTIONS else None
    field = _FIELD.fullmatch(said)
    if field is None or field.group(1) in ("metadata", "values", *_HELM):
        return None
    roots = [{name.split(".")[0] for name in parameters} for parameters in known if parameters is not None]
    return "go" if any(field.group(1) not in names for names in roots) else None
