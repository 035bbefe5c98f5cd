"""RL0: the files themselves - YAML, and what the API server makes of fields, types, kinds and versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Fix, Path, show_path
from rolloutlint.model import View
from rolloutlint.model.values import dig, has
from rolloutlint.schema import Violation, kind_problem, same_but_for_spelling, show_field_path, too_new
from rolloutlint.source import Problem

_POD_TEMPLATE_GROUPS = frozenset(("apps", "batch", "extensions"))
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})\Z").match


@check("RL001")
def yaml_syntax(ctx: Context[Problem]) -> Iterator[Finding]:
    """Text that no YAML parser reads, or a tag that its value cannot have."""
    yield from _problem(ctx, "syntax", "tag")


@check("RL002")
def duplicate_key(ctx: Context[Problem]) -> Iterator[Finding]:
    """One key twice in one mapping."""
    yield from _problem(ctx, "duplicate-key")


@check("RL003")
def unknown_field(ctx: Context[View]) -> Iterator[Finding]:
    """A field that the kind does not have, so that the API server drops it."""
    for violation in _violations(ctx.resource, "unknown-field"):
        path, meant = violation.path, violation.suggestion
        if violation.field == "creationTimestamp" and dig(ctx.resource.value, *path) is None:
            continue  # kubectl and controller-gen write it into pod templates, and nothing is lost with it
        there = bool(meant) and has(ctx.resource.value, *path[:-1], meant)
        yield ctx.finding(
            path,
            "key",
            variant=_unknown_variant(violation, there),
            fix=None if there or not meant else _rename(ctx, violation),
            parent=_name(ctx.resource, path[:-1]),
            field=violation.field,
            meant=meant,
            home=show_field_path(violation.elsewhere[:-1]) or ctx.resource.id.kind,
            strategy=str(path[2]) if len(path) > 2 else "",
        )


@check("RL004")
def wrong_type(ctx: Context[View]) -> Iterator[Finding]:
    """A value of another type than the field has."""
    ours = _label_maps(ctx.resource)
    for violation in _violations(ctx.resource, "wrong-type"):
        if violation.path[:-1] in ours and violation.found != "null":
            continue  # RL007 says it for every kind
        yield ctx.finding(
            violation.path,
            fix=_retyped(ctx, violation),
            place=_name(ctx.resource, violation.path),
            found=violation.found,
            expected=violation.expected,
        )


@check("RL005")
def missing_field(ctx: Context[View]) -> Iterator[Finding]:
    """A required field that is absent or null; an object with a status is what a test expects, not what is applied."""
    if ctx.resource.value.get("status"):
        return
    for violation in _violations(ctx.resource, "missing-field"):
        null = violation.found == "null"
        yield ctx.finding(
            (*violation.path, violation.field) if null else violation.path,
            "key",
            variant="null" if null else "",
            discriminator=violation.field,
            parent=_name(ctx.resource, violation.path),
            field=violation.field,
            expected=violation.expected or "a value",
        )


@check("RL006")
def unknown_kind_version(ctx: Context[View]) -> Iterator[Finding]:
    """An apiVersion and kind that no API server serves, where it is certain what was meant."""
    written, kind = ctx.resource.value.get("apiVersion"), ctx.resource.value.get("kind")
    problem = kind_problem(written, kind)
    if problem is None:
        return
    edits = [ctx.edit("replace", ("apiVersion",), problem.api_version)] if problem.api_version != written else []
    if problem.kind != kind:
        edits.append(ctx.edit("replace", ("kind",), problem.kind))
    meant = problem.kind if problem.code == "kind-case" else problem.api_version
    yield ctx.finding(
        ("kind",) if problem.code == "kind-case" else ("apiVersion",),
        variant="kind" if problem.code == "kind-case" else "",
        fix=ctx.fix(f"Write `{meant}`", *edits, safety="safe" if problem.certain else "unsafe"),
        written=written,
        kind=kind,
        meant=meant,
    )


@check("RL007")
def metadata_value_not_string(ctx: Context[View]) -> Iterator[Finding]:
    """A label or annotation that YAML reads as a number, a boolean or a collection."""
    for where in _label_maps(ctx.resource):
        values = dig(ctx.resource.value, *where)
        for key, value in values.items() if isinstance(values, dict) else ():
            if value.__class__ is str or value is None:
                continue
            path = (*where, key)
            scalar = isinstance(value, (bool, int, float))
            yield ctx.finding(
                path,
                variant="" if scalar else "collection",
                fix=ctx.fix("Quote it", ctx.edit("quote", path)) if scalar else None,
                what="label" if where[-1] == "labels" else "annotation",
                key=key,
                type=_type(value),
            )


@check("RL008")
def field_too_new(ctx: Context[View]) -> Iterator[Finding]:
    """A field that the targeted release of Argo Rollouts does not have yet."""
    resource, target = ctx.resource, ctx.settings.targets.rollouts
    for path, since in too_new(resource.id.group, resource.id.kind, resource.value, target):
        yield ctx.finding(path, "key", field=path[-1], since=since, target=target)


@check("RL009")
def yaml_limit(ctx: Context[Problem]) -> Iterator[Finding]:
    """A document too big, too deep or without end once its aliases are followed."""
    yield from _problem(ctx, "limit", "cyclic-alias")


@check("RL010")
def value_not_allowed(ctx: Context[View]) -> Iterator[Finding]:
    """A value of the right type that the schema excludes."""
    misspelt = kind_problem(ctx.resource.value.get("apiVersion"), ctx.resource.value.get("kind")) is not None
    for violation in _violations(ctx.resource, "bad-value"):
        if misspelt and violation.path == ("apiVersion",):
            continue  # RL006 says what was meant
        together = violation.expected.startswith("only one of")
        yield ctx.finding(
            violation.path,
            "key" if together else "value",
            variant="together" if together else "",
            place=_name(ctx.resource, violation.path),
            found=violation.found or "nothing",
            expected=violation.expected,
        )


@check("RL011")
def not_utf8(ctx: Context[Problem]) -> Iterator[Finding]:
    """Bytes that are no text in UTF-8."""
    yield from _problem(ctx, "encoding", "binary")


@check("RL012")
def unloadable_value(ctx: Context[Problem]) -> Iterator[Finding]:
    """Keys and values that YAML has and JSON has not."""
    yield from _problem(ctx, "key", "unsupported-value")


def _problem(ctx: Context[Problem], *kinds: str) -> Iterator[Finding]:
    """The finding for a loading problem of one of `kinds`; one that has its own wording is named like the kind."""
    problem = ctx.resource
    if problem.kind in kinds:
        variant = problem.kind if problem.kind in ctx.rule.messages else ""
        yield ctx.finding(problem.at, variant=variant, related=problem.related, problem=problem.message)


def _violations(view: View, code: str) -> Iterator[Violation]:
    return (violation for violation in view.violations if violation.code == code)


def _name(view: View, path: Path) -> str:
    """A place of an object for people; the object itself by its kind."""
    return show_path(path) or view.id.kind


def _unknown_variant(violation: Violation, there: bool) -> str:
    if violation.suggestion:
        return "there" if there else "required" if violation.rejected else "misspelt"
    home, path = violation.elsewhere, violation.path
    if not home:
        return ""
    strategies = home[:2] == path[:2] == ("spec", "strategy") and len(home) > 3 and len(path) > 3
    return "other-strategy" if strategies and home[2] != path[2] else "misplaced"


def _rename(ctx: Context[View], violation: Violation) -> Fix:
    same = same_but_for_spelling(violation.field, violation.suggestion)
    edit = ctx.edit("rename", violation.path, violation.suggestion)
    return ctx.fix(f"Rename to `{violation.suggestion}`", edit, safety="safe" if same else "unsafe")


def _retyped(ctx: Context[View], violation: Violation) -> Fix | None:
    """Quotes added or taken away, where that gives exactly what the text says."""
    value: Any = dig(ctx.resource.value, *violation.path)
    if isinstance(value, str):
        if "an integer" in violation.expected and _INTEGER(value):
            return ctx.fix("Take the quotes away", ctx.edit("replace", violation.path, int(value)))
        if violation.expected == "true or false" and value in ("true", "false"):
            return ctx.fix("Take the quotes away", ctx.edit("replace", violation.path, value == "true"))
    elif violation.expected == "a string" and _is_free_text(ctx, violation) and isinstance(value, (bool, int, float)):
        return ctx.fix("Quote it", ctx.edit("quote", violation.path))
    return None


def _is_free_text(ctx: Context[View], violation: Violation) -> bool:
    """The value of an environment variable, an argument, a header or a ConfigMap's key: quoting it says the same."""
    return violation.field == "value" or (ctx.resource.id.kind == "ConfigMap" and violation.path[0] == "data")


def _label_maps(view: View) -> tuple[Path, ...]:
    """The places of this object's labels and annotations, and of those of its pods."""
    found: list[Path] = [("metadata", "labels"), ("metadata", "annotations")]
    if view.id.group in _POD_TEMPLATE_GROUPS or view.resource.group_kind == ("argoproj.io", "Rollout"):
        template: Path = ("spec", "template", "metadata")
        found += [(*template, "labels"), (*template, "annotations")]
    return tuple(found)


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    return "a mapping" if isinstance(value, dict) else "a list"
