"""What the `ignoreDifferences` of an Argo CD Application really take out of a manifest.

Mirrors argo-cd `util/argo/normalizers/diff_normalizer.go` and `util/argo/diff/ignore.go`: the rules that
match an object are applied one after the other, JSON pointers before jq paths within a rule, and one that
fails is skipped without a word. What only the live object can tell is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang import jqpath, jsonpointer
from rolloutlint.lang.glob import Glob, GlobProblem, compile_glob
from rolloutlint.lang.jqpath import Deleted, Expression, RuntimeFailure, SyntaxProblem, Unsupported

ROLLOUTS_MANAGER = "rollouts-controller"
"""The field manager of the Rollouts controller: the name of its binary (argo-rollouts `Dockerfile`)."""

_NOT_CORE: dict[str, str] = {
    "Rollout": "argoproj.io",
    "AnalysisTemplate": "argoproj.io",
    "ClusterAnalysisTemplate": "argoproj.io",
    "AnalysisRun": "argoproj.io",
    "Experiment": "argoproj.io",
    "Application": "argoproj.io",
    "VirtualService": "networking.istio.io",
    "DestinationRule": "networking.istio.io",
    "ServiceEntry": "networking.istio.io",
    "HTTPRoute": "gateway.networking.k8s.io",
    "GRPCRoute": "gateway.networking.k8s.io",
    "Deployment": "apps",
    "StatefulSet": "apps",
    "DaemonSet": "apps",
    "ReplicaSet": "apps",
    "HorizontalPodAutoscaler": "autoscaling",
    "Ingress": "networking.k8s.io",
    "NetworkPolicy": "networking.k8s.io",
    "PodDisruptionBudget": "policy",
    "Job": "batch",
    "CronJob": "batch",
    "ScaledObject": "keda.sh",
    "TraefikService": "traefik.io",
    "ApisixRoute": "apisix.apache.org",
    "TrafficSplit": "split.smi-spec.io",
    "CustomResourceDefinition": "apiextensions.k8s.io",
}
_CORE = (
    "ConfigMap",
    "Endpoints",
    "Namespace",
    "PersistentVolumeClaim",
    "Pod",
    "Secret",
    "Service",
    "ServiceAccount",
)
_ROLLOUTS_KINDS = frozenset(("Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "AnalysisRun"))
"""Kinds that no other group has; a VirtualService, for one, is also an App Mesh and a Gloo kind."""
_ORDERED_LISTS = frozenset(
    ("http", "tls", "tcp", "route", "subsets", "containers", "initContainers", "rules", "backendRefs", "env")
)


class Target(NamedTuple):
    """The object that rules are asked about."""

    group: str
    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """One entry of `jsonPointers`."""

    text: str
    index: int


@dataclass(frozen=True, slots=True)
class JqPath:
    """One entry of `jqPathExpressions`, parsed."""

    text: str
    index: int
    parsed: Expression | SyntaxProblem | Unsupported


@dataclass(frozen=True, slots=True)
class Rule:
    """One item of `spec.ignoreDifferences`; `path` is where it stands in the Application."""

    group: str
    kind: str
    namespace: str
    name: str
    pointers: tuple[Pointer, ...] = ()
    jq_paths: tuple[JqPath, ...] = ()
    managers: tuple[str, ...] = ()
    path: Path = ()
    has_group: bool = True
    """False where `group` is not written, which means the core group."""


FaultKind = Literal[
    "group-missing",
    "group-has-version",
    "group-other",
    "kind-case",
    "glob-invalid",
    "pointer-no-slash",
    "pointer-is-jq",
    "pointer-wildcard",
    "pointer-escape",
    "jq-invalid",
    "manager-unknown",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a rule, or one entry of it, can never do what it was written for. Blocks nothing but `jq-invalid`."""

    kind: FaultKind
    path: Path
    """Where in the Application: the field or the entry at fault."""
    text: str
    """The text at fault."""
    message: str
    suggestion: str | None = None
    """What to write in its place, where that is certain."""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A jq path that fails on this manifest, and is therefore skipped for it."""

    path: Path
    text: str
    message: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What rules do to one manifest."""

    value: Any
    """The manifest as Argo CD compares it."""
    removed: tuple[Path, ...] = ()
    """The entries taken out, by their paths in the manifest before."""
    failures: tuple[Failure, ...] = ()
    unknown: tuple[str, ...] = ()
    """Reasons why more may be taken out than `removed` says."""
    idle: tuple[Path, ...] = ()
    """Where in the Application the entries stand that found nothing in this manifest."""


Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Coverage:
    """For each path that was asked about: is a difference there ignored?"""

    answers: Mapping[Path, Answer]
    index_dependent: tuple[Path, ...] = ()
    """Paths covered only by a JSON pointer with a list index: the Rollouts controller inserts its header and
    mirror routes at index 0, and then the pointer names another item."""
    failures: tuple[Failure, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def all_covered(self) -> bool:
        """True where every path asked about is ignored for certain."""
        return all(answer == "yes" for answer in self.answers.values())


def rules_of(spec: object, at: Path = ("spec",)) -> tuple[Rule, ...]:
    """The rules of an Application's `spec` (or of its template's, with `at` saying where that stands)."""
    entries = spec.get("ignoreDifferences") if isinstance(spec, dict) else None
    if not isinstance(entries, list):
        return ()
    rules = []
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        path: Path = (*at, "ignoreDifferences", index)
        pointers = tuple(Pointer(text, i) for i, text in _texts(entry, "jsonPointers"))
        jq_paths = tuple(JqPath(text, i, jqpath.parse(text)) for i, text in _texts(entry, "jqPathExpressions"))
        managers = tuple(text for _, text in _texts(entry, "managedFieldsManagers"))
        group, kind, namespace, name = (_text(entry, key) for key in ("group", "kind", "namespace", "name"))
        rules.append(
            Rule(group, kind, namespace, name, pointers, jq_paths, managers, path, _text(entry, "group") != "")
        )
    return tuple(rules)


def _text(entry: Mapping[Any, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _texts(entry: Mapping[Any, Any], key: str) -> list[tuple[int, str]]:
    values = entry.get(key)
    if not isinstance(values, list):
        return []
    return [(index, value) for index, value in enumerate(values) if isinstance(value, str)]


def matches(rule: Rule, group: str, kind: str, namespace: str, name: str) -> bool:
    """`diff_normalizer.go Normalize`: globs for group and kind, exact or empty for namespace and name."""
    return (
        _glob(rule.group, group)
        and _glob(rule.kind, kind)
        and rule.name in ("", name)
        and rule.namespace in ("", namespace)
    )


def _glob(pattern: str, text: str) -> bool:
    if pattern == text:  # the common case, without compiling
        return not set(pattern) & set("*?[]{}\\") or _compiled(pattern, text)
    return _compiled(pattern, text)


def _compiled(pattern: str, text: str) -> bool:
    glob = compile_glob(pattern)
    return isinstance(glob, Glob) and glob.matches(text)


def faults(rule: Rule, kinds: Collection[tuple[str, str]] = ()) -> tuple[Fault, ...]:
    """Everything in `rule` that can never work, whatever the manifests hold.

    `kinds` are the (group, kind) pairs of the inputs; they join the kinds that every cluster of our users has.
    """
    found = [*_selector_faults(rule, kinds)]
    for pointer in rule.pointers:
        fault = _pointer_fault(pointer, (*rule.path, "jsonPointers", pointer.index))
        if fault:
            found.append(fault)
    for jq in rule.jq_paths:
        if isinstance(jq.parsed, SyntaxProblem):
            at = (*rule.path, "jqPathExpressions", jq.index)
            found.append(Fault("jq-invalid", at, jq.text, jq.parsed.message, offset=jq.parsed.offset))
    for index, manager in enumerate(rule.managers):
        if manager in ("argo-rollouts", "argo-rollouts-controller", "rollout-controller"):
            message = f"the Rollouts controller writes as `{ROLLOUTS_MANAGER}`"
            at = (*rule.path, "managedFieldsManagers", index)
            found.append(Fault("manager-unknown", at, manager, message, ROLLOUTS_MANAGER))
    return tuple(found)


def _selector_faults(rule: Rule, kinds: Collection[tuple[str, str]]) -> Iterable[Fault]:
    for field, pattern in (("group", rule.group), ("kind", rule.kind)):
        compiled = compile_glob(pattern)
        if isinstance(compiled, GlobProblem):
            yield Fault("glob-invalid", (*rule.path, field), pattern, compiled.message)
            return
    groups: dict[str, set[str]] = {}
    for kind, group in _NOT_CORE.items():
        groups.setdefault(kind, set()).add(group)
    for kind in _CORE:
        groups.setdefault(kind, set()).add("")
    for group, kind in kinds:
        groups.setdefault(kind, set()).add(group)
    kind = rule.kind
    if kind and kind not in groups and not any(_compiled(kind, known) for known in groups):
        folded = {known.lower(): known for known in groups}
        right = folded.get(kind.lower()) or folded.get(kind.lower().removesuffix("s"))
        if right:
            yield Fault("kind-case", (*rule.path, "kind"), kind, f"the kind is written `{right}`", right)
            kind = right
    group, slash, version = rule.group.partition("/")
    if slash:
        message = f"a group has no version: `{version}` makes it match nothing"
        yield Fault("group-has-version", (*rule.path, "group"), rule.group, message, group)
        return
    wanted = groups.get(kind)
    if not wanted or any(_glob(rule.group, known) for known in wanted):
        return
    only = next(iter(wanted)) if len(wanted) == 1 else None
    if not rule.group:
        where = f"group `{only}`" if only else "other groups"
        message = f"without `group` the rule is about the core group; `{kind}` is in {where}"
        yield Fault("group-missing", rule.path, kind, message, only)
    elif kind in _ROLLOUTS_KINDS:
        message = f"`{kind}` is in group `argoproj.io`"
        yield Fault("group-other", (*rule.path, "group"), rule.group, message, "argoproj.io")


def _pointer_fault(pointer: Pointer, at: Path) -> Fault | None:
    text = pointer.text
    if jsonpointer.looks_like_jq(text):
        return Fault("pointer-is-jq", at, text, "this is a jq path or JSONPath, not a JSON pointer")
    if not text.startswith("/"):
        suggestion = f"/{text}" if text and not jsonpointer.has_wildcard(text) else None
        return Fault("pointer-no-slash", at, text, "a JSON pointer starts with `/`", suggestion)
    if jsonpointer.has_wildcard(text):
        return Fault("pointer-wildcard", at, text, "a JSON pointer has no wildcards")
    escaped = jsonpointer.missing_escape(text)
    if escaped:
        return Fault("pointer-escape", at, text, "the `/` in a key is written `~1`", escaped)
    return None


def effect(rule: Rule, manifest: object) -> Effect:
    """What `rule` alone takes out of `manifest`, whose group, kind and name it is taken to match."""
    return effect_of((rule,), manifest)


def effect_of(rules: Iterable[Rule], manifest: object) -> Effect:
    """What `rules`, all taken to match, leave of `manifest`: one after the other, each on what the last left."""
    value: Any = manifest
    removed: dict[Path, None] = {}
    failures: list[Failure] = []
    unknown: list[str] = []
    idle: list[Path] = []
    for rule in rules:
        for pointer in rule.pointers:
            gone = jsonpointer.remove(value, pointer.text)
            if gone is None:
                idle.append((*rule.path, "jsonPointers", pointer.index))
            else:
                removed[_before(gone.path, removed)] = None
                value = gone.value
        for jq in rule.jq_paths:
            at: Path = (*rule.path, "jqPathExpressions", jq.index)
            if isinstance(jq.parsed, SyntaxProblem):
                continue
            result = jqpath.delete(value, jq.parsed) if isinstance(jq.parsed, Expression) else jq.parsed
            if isinstance(result, RuntimeFailure):
                failures.append(Failure(at, jq.text, result.message))
            elif isinstance(result, Unsupported):
                unknown.append(f"`{jq.text}`: {result.reason}")
            else:
                assert isinstance(result, Deleted)
                if not result.removed:
                    idle.append(at)
                before = [_before(path, removed) for path in result.removed]
                removed.update(dict.fromkeys(before))
                value = result.value
    return Effect(value, tuple(removed), tuple(failures), tuple(unknown), tuple(idle))


def _before(path: Path, removed: Collection[Path]) -> Path:
    """`path`, counted in a value that has lost `removed`, as a path of the value before that."""
    lost: dict[Path, list[int]] = {}
    for gone in removed:
        if gone and isinstance(gone[-1], int):
            lost.setdefault(gone[:-1], []).append(gone[-1])
    if not lost:
        return path
    out: Path = ()
    for item in path:
        if isinstance(item, int):
            for index in sorted(lost.get(out, ())):
                if index <= item:
                    item += 1
        out = (*out, item)
    return out


def covers(
    rules: Iterable[Rule],
    manifest: object,
    target: Target,
    wanted: Iterable[Path],
    *,
    system_rules: bool = False,
    manager: str = ROLLOUTS_MANAGER,
) -> Coverage:
    """Whether differences of `target` at the `wanted` paths are ignored.

    A path that the manifest lacks is tried with a value put there, because the live object has one. Where
    `managedFieldsManagers` names the writer (`manager`), its fields are ignored; where it names others, that
    depends on the live object. `system_rules` says that argo-cd's ConfigMap has rules for this kind.
    """
    active = [rule for rule in rules if matches(rule, *target)]
    paths = tuple(wanted)
    trusted = any(manager in rule.managers for rule in active)
    unknown: list[str] = []
    if system_rules:
        unknown.append("argocd-cm has rules of its own for this kind")
    if any(set(rule.managers) - {manager} for rule in active) and not trusted:
        unknown.append("managedFieldsManagers depends on the live object")
    if any(isinstance(jq.parsed, SyntaxProblem) for rule in active for jq in rule.jq_paths):
        # the Application then has a ComparisonError: nothing is compared at all
        unknown.append("a jq path does not compile, so the Application is not compared")
    answers: dict[Path, Answer] = {}
    index_dependent = []
    failures: dict[Failure, None] = {}
    as_written: Effect | None = None
    for path in paths:
        if _exists(manifest, path):  # then all such paths share one evaluation
            here = manifest
            as_written = result = as_written or effect_of(active, manifest)
        else:
            here = _with(manifest, path)
            result = effect_of(active, here) if here is not None else Effect(None)
        failures.update(dict.fromkeys(result.failures))
        if trusted or any(path[: len(gone)] == gone for gone in result.removed):
            answers[path] = "yes"
            if not trusted and _only_by_index(active, here, path):
                index_dependent.append(path)
        else:
            doubts = [*unknown, *result.unknown]
            answers[path] = "unknown" if doubts or here is None else "no"
            unknown.extend(reason for reason in result.unknown if reason not in unknown)
    return Coverage(answers, tuple(index_dependent), tuple(failures), tuple(unknown))


def _only_by_index(rules: list[Rule], manifest: object, path: Path) -> bool:
    if not any(isinstance(item, int) for item in path) or not any(rule.pointers for rule in rules):
        return False
    for rule in rules:
        jq_only = Rule(rule.group, rule.kind, rule.namespace, rule.name, (), rule.jq_paths)
        if any(path[: len(gone)] == gone for gone in effect(jq_only, manifest).removed):
            return False
        for pointer in rule.pointers:
            where = jsonpointer.resolve(manifest, pointer.text)
            if where is not None and path[: len(where)] == where and not any(isinstance(i, int) for i in where):
                return False
    return True


def _exists(value: Any, path: Path) -> bool:
    """Whether something other than null stands at `path`."""
    for item in path:
        if isinstance(value, dict) and isinstance(item, str):
            value = value.get(item)
        elif isinstance(value, list) and isinstance(item, int) and 0 <= item < len(value):
            value = value[item]
        else:
            return False
    return value is not None


def _with(value: Any, path: Path) -> Any:
    """A copy of `value` that has something at `path`; None where `path` does not fit its shape."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(head, int):
        if value is None:
            value = []
        if not isinstance(value, list) or head < 0 or head > len(value):
            return None
        child = value[head] if head < len(value) else None
    else:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return None
        child = value.get(head)
    below = _with(child, rest) if rest else (child if child is not None else 0)
    if below is None:
        return None
    if isinstance(head, int):
        return [*value[:head], below, *value[head + 1 :]]
    return {**value, head: below}


def entries_of(rule: Rule) -> Iterator[tuple[Rule, Path]]:
    """Each pointer and jq path of a rule as a rule of its own, with its place."""
    for pointer in rule.pointers:
        yield replace(rule, pointers=(pointer,), jq_paths=()), (*rule.path, "jsonPointers", pointer.index)
    for jq in rule.jq_paths:
        yield replace(rule, pointers=(), jq_paths=(jq,)), (*rule.path, "jqPathExpressions", jq.index)


def uses_index(pointer: str) -> bool:
    """True where a JSON pointer names an item of a list by its number whose order controllers may change."""
    tokens = pointer.split("/")
    return any(after.lstrip("-").isdigit() and before in _ORDERED_LISTS for before, after in pairwise(tokens))


def freezes(rule: Rule, manifest: object, *, built_in: bool) -> tuple[Path, ...]:
    """The lists of Git's copy that `RespectIgnoreDifferences=true` keeps at their live value, because of `rule`.

    Only custom resources: for them argo-cd `controller/sync.go normalizeTargetResources` merges JSON, and a
    list is replaced whole. Built-in kinds merge their lists by key.
    """
    if built_in:
        return ()
    lists: dict[Path, None] = {}
    for path in effect(rule, manifest).removed:
        for depth, item in enumerate(path):
            if isinstance(item, int):
                lists[path[:depth]] = None
                break
    return tuple(lists)
