"""Arguments of an analysis: where each value comes from, and which placeholders cannot be filled.

Mirrors argo-rollouts `utils/analysis/factory.go` (`BuildArgumentsForRolloutAnalysisRun`),
`utils/analysis/helpers.go` (`MergeArgs`, `flattenArgs`), `utils/template/template.go` and the checks of
`pkg/apis/rollouts/validation/validation_references.go`, which differ between background and all other
analyses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang.intstr import int_value
from rolloutlint.lang.placeholder import Placeholder, filled_later, placeholders, unterminated

Analysis = Literal["inline", "background"]
"""`inline`: a canary step, prePromotionAnalysis or postPromotionAnalysis; `background`: `canary.analysis`."""

ArgumentCode = Literal[
    "unresolved",
    "undeclared",
    "foreign",
    "unterminated",
    "extra",
    "blank-override",
    "unknown-hash",
    "both-sources",
    "secret-wins",
    "field-ref-in-template",
    "indefinite-count",
]

Effect = Literal["invalid-spec", "run-error", "ignored", "empty", "secret-used"]
"""What follows: the Rollout is refused; the AnalysisRun ends in Error and aborts; the argument or its value
has no effect; the value is the empty string; the value of the secret is used.
"""


class Use(NamedTuple):
    """A closed `{{ }}` somewhere inside a value."""

    path: Path
    part: Literal["key", "value"]
    """Where it stands: in the key of the entry at `path`, or in the string there."""
    placeholder: Placeholder


class OpenTag(NamedTuple):
    """A `{{` that is not closed within its string."""

    path: Path
    part: Literal["key", "value"]
    offset: int


class ArgumentProblem(NamedTuple):
    """One thing about arguments that does not do what it says."""

    code: ArgumentCode
    effect: Effect
    name: str
    """The argument, or for `foreign` the tag."""
    where: Literal["template", "rollout", "metrics"]
    """Which of the three inputs `path` starts in: the template's args, the Rollout's args, or the metrics."""
    path: Path
    part: Literal["key", "value"] = "value"
    piece: tuple[int, int] | None = None
    """Character offsets in the string at `path`, for placeholders."""


class Conflict(NamedTuple):
    """Two templates of one analysis that declare one argument differently (`flattenArgs`)."""

    name: str
    kind: Literal["different-values", "secret-lost"]
    """`different-values`: the Rollout is refused; `secret-lost`: the later declaration replaces the secret.
    """
    first: tuple[int, int]
    second: tuple[int, int]
    """(template, argument) indices of the two declarations."""


def _tagged(value: object) -> Iterator[tuple[Path, Literal["key", "value"], str]]:
    """The strings with a `{{` in a tree of plain values, keys included, in document order, at any depth."""
    if isinstance(value, str) and "{{" in value:
        yield (), "value", value
    stack: list[tuple[Path, Iterator[tuple[Any, object]]]] = [((), _items(value))]
    while stack:
        path, items = stack[-1]
        for key, item in items:
            if isinstance(key, str) and "{{" in key:
                yield (*path, key), "key", key
            if isinstance(item, str):
                if "{{" in item:
                    yield (*path, key), "value", item
            elif isinstance(item, (dict, list)) and isinstance(key, (str, int)):
                stack.append(((*path, key), _items(item)))
                break
        else:
            stack.pop()


def _items(value: object) -> Iterator[tuple[Any, object]]:
    """(key or index, item) of a collection."""
    if isinstance(value, dict):
        return iter(value.items())
    return enumerate(value) if isinstance(value, list) else iter(())


def placeholders_in(value: object) -> tuple[Use, ...]:
    """Every closed `{{ }}` in the strings and keys of a nested value, with its path from `value`."""
    return tuple(Use(path, part, found) for path, part, text in _tagged(value) for found in placeholders(text))


def unterminated_in(value: object) -> tuple[OpenTag, ...]:
    """Every string or key of a nested value with a `{{` that is not closed in it.

    Upstream substitutes in the JSON of a whole metric: such a tag is closed by chance further on, or not at
    all; it fails either way.
    """
    return tuple(
        OpenTag(path, part, offset) for path, part, text in _tagged(value) if (offset := unterminated(text)) is not None
    )


def _arguments(value: object) -> list[Mapping[str, Any]] | None:
    """A list of args, empty for null; `None` where it is malformed."""
    if value is None:
        return []
    if not isinstance(value, list):
        return None
    if not all(isinstance(arg, dict) and isinstance(arg.get("name"), str) for arg in value):
        return None
    return value


def _source(arg: Mapping[str, Any], kind: str) -> Any:
    """`valueFrom.<kind>`, or `None`."""
    value_from = arg.get("valueFrom")
    return value_from.get(kind) if isinstance(value_from, dict) else None


def declared_names(args: object) -> frozenset[str]:
    """The names in a list of args; malformed entries have none."""
    if not isinstance(args, list):
        return frozenset()
    names = (arg.get("name") for arg in args if isinstance(arg, dict))
    return frozenset(name for name in names if isinstance(name, str))


def used_names(value: object) -> frozenset[str]:
    """The arguments that placeholders in `value` name, declared or not."""
    return frozenset(use.placeholder.name for use in placeholders_in(value) if use.placeholder.name is not None)


def argument_problems(
    template_args: object,
    rollout_args: object,
    metrics: object,
    analysis: Analysis,
    sibling_args: Sequence[object] = (),
) -> tuple[ArgumentProblem, ...]:
    """What is wrong with the arguments of one template in one analysis of a Rollout.

    `template_args` and `metrics` are `spec.args` and `spec.metrics` of the template, `rollout_args` the
    `args` of the analysis, `sibling_args` the `spec.args` of the other templates in it. A background
    analysis fills placeholders from all of them together; any other one must find each placeholder in the
    template's own args. Malformed args give `()`.
    """
    own, passed = _arguments(template_args), _arguments(rollout_args)
    others = [_arguments(args) for args in sibling_args]
    if own is None or passed is None or any(args is None for args in others):
        return ()
    names = {arg["name"] for arg in own}
    siblings = {arg["name"] for args in others for arg in args or ()}
    problems = list(_template_problems(own, passed, [a for args in others for a in args or ()], analysis))
    problems += _rollout_problems(own, passed, names | siblings)
    problems += _metric_problems(metrics, names | siblings if analysis == "background" else names, analysis)
    if analysis == "inline":
        problems += _indefinite_counts(metrics, own)
    return tuple(problems)


def _template_problems(
    own: list[Mapping[str, Any]],
    passed: list[Mapping[str, Any]],
    siblings: list[Mapping[str, Any]],
    analysis: Analysis,
) -> Iterator[ArgumentProblem]:
    supplied = {arg["name"] for arg in passed}
    elsewhere = {arg["name"] for arg in siblings if arg.get("value") is not None or arg.get("valueFrom") is not None}
    for index, arg in enumerate(own):
        name = arg["name"]
        has_value, has_source = arg.get("value") is not None, arg.get("valueFrom") is not None
        if has_value and has_source:
            if analysis == "inline":
                yield ArgumentProblem("both-sources", "invalid-spec", name, "template", (index,))
            elif _source(arg, "secretKeyRef") is not None:
                yield ArgumentProblem("both-sources", "secret-used", name, "template", (index, "value"))
        if name in supplied:
            continue
        if not has_value and not has_source:
            if name in elsewhere and analysis == "inline":
                continue  # merging fills it; a background analysis is checked template by template
            yield ArgumentProblem("unresolved", "invalid-spec", name, "template", (index, "name"))
        elif not has_value and name not in elsewhere and _source(arg, "secretKeyRef") is None:
            # Only secrets are resolved here: fieldRef and podTemplateHashValue belong into the Rollout's
            # args.
            path: Path = (index, "valueFrom")
            yield ArgumentProblem("field-ref-in-template", "run-error", name, "template", path)


def _rollout_problems(
    own: list[Mapping[str, Any]], passed: list[Mapping[str, Any]], known: set[str]
) -> Iterator[ArgumentProblem]:
    templates = {arg["name"]: arg for arg in own}
    for index, arg in enumerate(passed):
        name = arg["name"]
        if name not in known:
            yield ArgumentProblem("extra", "ignored", name, "rollout", (index, "name"))
            continue
        template, pod_hash = templates.get(name), _source(arg, "podTemplateHashValue")
        if template is not None and _source(template, "secretKeyRef") is not None:
            yield ArgumentProblem("secret-wins", "ignored", name, "rollout", (index,))
        elif all(given is None for given in (arg.get("value"), pod_hash, _source(arg, "fieldRef"))):
            # Also a secretKeyRef ends here: the Rollout's schema has none, so the API server drops it.
            yield ArgumentProblem("blank-override", "empty", name, "rollout", (index, "name"))
        if isinstance(pod_hash, str) and pod_hash not in ("Stable", "Latest"):
            path: Path = (index, "valueFrom", "podTemplateHashValue")
            effect: Effect = "ignored" if arg.get("value") else "empty"
            yield ArgumentProblem("unknown-hash", effect, name, "rollout", path)


def _metric_problems(metrics: object, known: Iterable[str], analysis: Analysis) -> Iterator[ArgumentProblem]:
    effect: Effect = "run-error" if analysis == "background" else "invalid-spec"
    names = frozenset(known)
    tagged = tuple(_tagged(metrics))
    for path, part, text in tagged:
        for found in placeholders(text):
            if found.name in names:
                continue
            code: ArgumentCode = "foreign" if found.name is None else "undeclared"
            name = found.tag if found.name is None else found.name
            yield ArgumentProblem(code, effect, name, "metrics", path, part, (found.start, found.end))
    for path, part, text in tagged:
        offset = unterminated(text)
        if offset is not None:
            yield ArgumentProblem("unterminated", effect, "", "metrics", path, part, (offset, offset + 2))


def _indefinite_counts(metrics: object, own: list[Mapping[str, Any]]) -> Iterator[ArgumentProblem]:
    """Metrics with an interval whose count is an argument without an integer in the template itself.

    Validation looks at the template alone, with "dummy-value" for what the Rollout passes: not an integer,
    so the count is 0 and the metric "runs indefinitely", whatever the Rollout passes.
    """
    values = {
        arg["name"]: arg["value"]
        if arg.get("valueFrom") is None and isinstance(arg.get("value"), str)
        else "dummy-value"
        for arg in own
    }
    for index, metric in enumerate(metrics if isinstance(metrics, list) else ()):
        if not isinstance(metric, dict) or not isinstance(metric.get("interval"), str):
            continue
        count = metric.get("count")
        found = placeholders(count)
        if not isinstance(count, str) or not metric["interval"] or not found:
            continue
        if any(p.name not in values for p in found):
            continue
        filled, end = "", 0
        for placeholder in found:
            filled += count[end : placeholder.start] + values[str(placeholder.name)]
            end = placeholder.end
        if int_value(filled + count[end:]) == 0:
            name = str(found[0].name)
            piece = (found[0].start, found[0].end)
            path: Path = (index, "count")
            yield ArgumentProblem("indefinite-count", "invalid-spec", name, "metrics", path, piece=piece)


def merge_conflicts(templates: Sequence[object]) -> tuple[Conflict, ...]:
    """Where the args of several templates of one analysis clash; `templates` are their `spec.args`, in order.

    Namespaced templates come first, then cluster-scoped ones. A later declaration replaces an earlier one
    that has no `value`, also when that one reads a secret. Malformed args take no part.
    """
    merged: dict[str, tuple[Mapping[str, Any], tuple[int, int]]] = {}
    conflicts: list[Conflict] = []
    for number, args in enumerate(templates):
        for index, arg in enumerate(_arguments(args) or ()):
            name, here = arg["name"], (number, index)
            if name not in merged:
                merged[name] = (arg, here)
                continue
            before, there = merged[name]
            if before.get("value") is None:
                if _source(before, "secretKeyRef") is not None and arg.get("valueFrom") is None:
                    conflicts.append(Conflict(name, "secret-lost", there, here))
                merged[name] = (arg, here)
            elif arg.get("value") is not None and arg["value"] != before["value"]:
                conflicts.append(Conflict(name, "different-values", there, here))
    return tuple(conflicts)


def run_values(templates: Sequence[object], passed: object) -> dict[str, str | None]:
    """What `{{args.name}}` stands for in the AnalysisRun of an analysis; `None` where the manifests do not tell.

    `templates` are the `spec.args` of its templates in the order in which they are merged, namespaced ones first;
    `passed` is what the Rollout gives. Mirrors `flattenArgs`, `MergeArgs` and BuildArgumentsForRolloutAnalysisRun:
    the first declaration with a value stays, what the Rollout gives replaces it (also with nothing, which is the empty
    string), and a secret replaces both.
    """
    merged: dict[str, Mapping[str, Any]] = {}
    for args in templates:
        for arg in _arguments(args) or ():
            before = merged.get(arg["name"])
            if before is None or before.get("value") is None:
                merged[arg["name"]] = arg
    values = {name: _known_value(arg) for name, arg in merged.items()}
    for arg in _arguments(passed) or ():
        declared = merged.get(arg["name"])
        if declared is not None and _source(declared, "secretKeyRef") is None:
            values[arg["name"]] = _given_value(arg)
    return values


def _known_value(arg: Mapping[str, Any]) -> str | None:
    value = arg.get("value")
    return value if isinstance(value, str) and arg.get("valueFrom") is None and not filled_later(value) else None


def _given_value(arg: Mapping[str, Any]) -> str | None:
    """The value that a Rollout passes: what stands there, unless a pod hash or a field of the Rollout replaces it."""
    pod_hash = _source(arg, "podTemplateHashValue")
    if pod_hash is not None:
        known = isinstance(pod_hash, str) and pod_hash not in ("Stable", "Latest") and not filled_later(pod_hash)
        if not known:
            return None
    elif _source(arg, "fieldRef") is not None:
        return None
    value = arg.get("value")
    if value is None:
        return ""
    return value if isinstance(value, str) and not filled_later(value) else None
