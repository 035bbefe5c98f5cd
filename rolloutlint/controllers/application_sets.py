"""What an ApplicationSet generates: whole Applications, with the parameters of each.

Mirrors argo-cd `applicationset/controllers/template/{template,patch}.go`, `applicationset/utils/utils.go`
(RenderTemplateParams) and `applicationset/controllers/applicationset_controller.go` (validateGeneratedApplications).
One generator that fails gives up the whole set; one that cannot be told here is named, and the others count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.controllers.application_set_parameters import (
    Left,
    Nowhere,
    Parameters,
    RefusedError,
    Renderer,
    Repository,
    Source,
    UnknownError,
    known_parameters,
    parameter_sets,
)
from rolloutlint.finding import Path
from rolloutlint.lang.gotemplate import MissingKey
from rolloutlint.lang.gotemplate.values import UnsupportedError
from rolloutlint.lang.gotemplate.yaml import read_yaml
from rolloutlint.lang.names import is_dns1123_subdomain

FINALIZER = "resources-finalizer.argocd.argoproj.io"
_MISSING: Mapping[str, MissingKey] = {
    "missingkey=default": "default",
    "missingkey=invalid": "default",
    "missingkey=zero": "zero",
    "missingkey=error": "error",
}


class Generated(NamedTuple):
    """One Application."""

    value: Mapping[str, Any]
    parameters: Parameters
    generator: Path
    """The entry of `spec.generators` it comes from."""
    left: tuple[Left, ...]
    """Placeholders of the template that nothing filled, with paths from the ApplicationSet's root."""

    @property
    def name(self) -> str:
        """`metadata.name`; `""` where there is none."""
        name = self.value["metadata"].get("name")
        return name if isinstance(name, str) else ""


class Place(NamedTuple):
    """A place of the ApplicationSet and what is said about it."""

    path: Path
    reason: str
    left: Left | None = None
    """The placeholder that nothing fills, where that is what Argo CD refuses."""
    parameters: frozenset[str] | None = None
    """The parameters that an unknown generator would give, as far as its kind tells them; `None` where it does not."""


class Expansion(NamedTuple):
    """All that an ApplicationSet generates."""

    applications: tuple[Generated, ...] = ()
    """What is certain, in order; also those that Argo CD then refuses (see `fault_of_name`)."""
    refused: Place | None = None
    """Why Argo CD gives up the whole set: nothing is created, updated or deleted."""
    unknown: tuple[Place, ...] = ()
    """The generators of which it cannot be told here what they give."""

    @property
    def complete(self) -> bool:
        """True where these are all Applications of the set."""
        return self.refused is None and not self.unknown

    @property
    def accepted(self) -> tuple[Generated, ...]:
        """The Applications that Argo CD creates or updates, as far as names decide it.

        Of several of one name newer releases take none and older ones the first: none of them is certain.
        """
        names = Counter(one.name for one in self.applications)
        return tuple(one for one in self.applications if names[one.name] == 1 and not fault_of_name(one.name))


def fault_of_name(name: str) -> Literal["", "empty", "invalid", "long"]:
    """Why no Application can have this name."""
    if not name:
        return "empty"
    if len(name) > 253:
        return "long"
    return "" if is_dns1123_subdomain(name) else "invalid"


def expand(application_set: Mapping[str, Any], repository: Repository | None = None) -> Expansion:
    """What an ApplicationSet (its whole plain value) generates, where `repository` is the checkout it stands in.

    Never raises: what cannot be told is in `unknown`.
    """
    spec = _mapping(application_set.get("spec"))
    try:
        renderer = _renderer(spec)
    except RefusedError as fault:
        return Expansion(refused=Place(fault.path, fault.reason))
    except UnknownError as fault:
        return Expansion(unknown=(Place(fault.path, fault.reason),))
    source = Source(renderer, repository or Nowhere(), spec.get("applyNestedSelectors") is True)
    found: list[Generated] = []
    unknown: list[Place] = []
    generators = spec.get("generators")
    for index, generator in enumerate(generators if isinstance(generators, list) else ()):
        path: Path = ("spec", "generators", index)
        try:
            for kind, sets in parameter_sets(generator, path, source):
                found += _applications(application_set, generator[kind], (*path, kind), sets, renderer)
        except RefusedError as fault:
            return Expansion(refused=Place(fault.path, fault.reason, fault.left), unknown=tuple(unknown))
        except UnknownError as fault:
            unknown.append(Place(fault.path, fault.reason, None, _would_give(spec, fault.path, renderer.go)))
        except RecursionError:
            unknown.append(Place(path, "values nested too deeply"))
    return Expansion(tuple(found), None, tuple(unknown))


def _would_give(spec: Mapping[str, Any], path: Path, go: bool) -> frozenset[str] | None:
    """The parameters of the top-level generator at `path`."""
    if len(path) != 4 or not isinstance(path[2], int) or not isinstance(path[3], str):
        return None
    return known_parameters(path[3], _mapping(_mapping(spec["generators"][path[2]]).get(path[3])), go)


def _renderer(spec: Mapping[str, Any]) -> Renderer:
    go = spec.get("goTemplate") is True
    missing: MissingKey = "default"
    options = spec.get("goTemplateOptions")
    for index, option in enumerate(options if go and isinstance(options, list) else ()):
        if option not in _MISSING:
            raise RefusedError(("spec", "goTemplateOptions", index), "is no option of Go's templates")
        missing = _MISSING[option]
    return Renderer(go, missing)


def _applications(
    application_set: Mapping[str, Any],
    generator: Mapping[str, Any],
    path: Path,
    sets: Sequence[Parameters],
    renderer: Renderer,
) -> list[Generated]:
    spec = _mapping(application_set.get("spec"))
    template = _mapping(spec.get("template"))
    own = generator.get("template")
    if isinstance(own, dict) and own:
        template = _filled(own, template)
    metadata, inner = _mapping(template.get("metadata")), _mapping(template.get("spec"))
    meta = {key: metadata[key] for key in ("name", "labels", "annotations", "finalizers") if key in metadata}
    whole = {"metadata": meta, "spec": inner}
    kept = _mapping(spec.get("syncPolicy")).get("preserveResourcesOnDeletion") is True
    namespace = _mapping(application_set.get("metadata")).get("namespace")
    found = []
    for parameters in sets:
        left: list[Left] = []
        value: dict[str, Any] = (
            renderer.everything(whole, parameters, ("spec", "template"), left) if parameters else whole
        )
        if parameters and not kept and not value["metadata"].get("finalizers"):
            value["metadata"]["finalizers"] = [FINALIZER]
        patch = spec.get("templatePatch")
        if isinstance(patch, str):
            value = _patched(value, renderer.text(patch, parameters, ("spec", "templatePatch"), left))
        if is_rolling_sync(spec):
            selected = bool(steps_of(_mapping(value["metadata"].get("labels")), spec).chosen)
            value = {**value, "spec": _step_by_step(value["spec"], selected)}
        metadata = {key: item for key, item in value["metadata"].items() if key != "namespace"}
        if isinstance(namespace, str):
            metadata["namespace"] = namespace
        application = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": value["spec"],
        }
        found.append(Generated(application, parameters, path, tuple(left)))
    return found


def _step_by_step(spec: Mapping[str, Any], selected: bool) -> Mapping[str, Any]:
    """An Application's spec with what a RollingSync amounts to (`progressive_sync.go` SyncDesiredApplications).

    The controller writes `enabled: false` and starts a sync itself whenever it is the turn of a step that selects the
    Application: as automated sync does, but drift is left alone. One that no step selects is never synced.
    """
    policy = _mapping(spec.get("syncPolicy"))
    written = _mapping(policy.get("automated"))
    if not selected:
        return {**spec, "syncPolicy": {**policy, "automated": {**written, "enabled": False}}} if written else spec
    prune = written.get("prune") is True and written.get("enabled") is not False
    return {**spec, "syncPolicy": {**policy, "automated": {"prune": prune, "selfHeal": False}}}


def _filled(own: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    """The template of a generator, with what it leaves empty taken from the set's (`mergo.Merge`)."""
    found = dict(own)
    for key, value in template.items():
        known = found.get(key)
        if isinstance(known, dict) and isinstance(value, dict) and key != "valuesObject":
            found[key] = _filled(known, value)
        elif not known and known != {}:
            found[key] = value
    return found


def _patched(value: dict[str, Any], written: str) -> dict[str, Any]:
    """`templatePatch`, a strategic merge patch of an Application: no list of its spec has a merge key."""
    path: Path = ("spec", "templatePatch")
    try:
        patch = read_yaml(written)
    except UnsupportedError as error:
        raise UnknownError(path, str(error)) from None
    if patch is None:
        return value
    if not isinstance(patch, dict):
        raise RefusedError(path, "the patch is no mapping")
    for key in ("metadata", "spec"):
        if patch.get(key) is not None and not isinstance(patch[key], dict):
            raise RefusedError(path, f"`{key}` of the patch is no mapping")
    for texts in ("labels", "annotations"):
        for key, item in _mapping(_mapping(patch.get("metadata")).get(texts)).items():
            if not isinstance(item, (str, type(None))):
                raise RefusedError(path, f"`{key}` among the {texts} of the patch is no text")
    known = {key: patch[key] for key in ("metadata", "spec") if isinstance(patch.get(key), dict)}
    merged: dict[str, Any] = _merged(value, known, path)
    finalizers = _mapping(known.get("metadata")).get("finalizers")
    if isinstance(finalizers, list):
        before = value["metadata"].get("finalizers") or []
        merged["metadata"]["finalizers"] = [*finalizers, *(f for f in before if f not in finalizers)]
    if "project" in value["spec"]:
        merged["spec"]["project"] = value["spec"]["project"]
    else:
        merged["spec"].pop("project", None)
    return merged


def _merged(value: Any, patch: Any, path: Path) -> Any:
    if not isinstance(patch, dict):
        return _plain_numbers(patch)
    if any(isinstance(key, str) and key.startswith("$") for key in patch):
        raise UnknownError(path, "a patch with directives")
    found = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            found.pop(key, None)
        elif key == "valuesObject" and key in found:
            raise UnknownError(path, "a patch of `valuesObject`")
        else:
            found[key] = _merged(found.get(key), item, path)
    return found


def _plain_numbers(value: Any) -> Any:
    """Numbers of a patch as YAML has them: 5 and not 5.0."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# ---- RollingSync -------------------------------------------------------------------------------------------


class Steps(NamedTuple):
    """Which steps of a RollingSync select an Application."""

    chosen: tuple[int, ...]

    @property
    def first(self) -> int | None:
        """The step that counts for `maxUpdate`; all of them wait for it to be healthy."""
        return self.chosen[0] if self.chosen else None


def is_rolling_sync(spec: Mapping[str, Any]) -> bool:
    """Whether the strategy is a RollingSync with steps (`progressive_sync.go` RollingSyncStrategyEnabled)."""
    strategy = _mapping(spec.get("strategy"))
    return strategy.get("type") == "RollingSync" and bool(_steps(strategy))


def _steps(strategy: Mapping[str, Any]) -> Sequence[Any]:
    steps = _mapping(strategy.get("rollingSync")).get("steps")
    return steps if isinstance(steps, list) else ()


def steps_of(labels: Mapping[str, Any], spec: Mapping[str, Any]) -> Steps:
    """The steps that select an Application with `labels` (`progressive_sync.go` buildAppDependencyList)."""
    steps = _steps(_mapping(spec.get("strategy")))
    return Steps(tuple(index for index, step in enumerate(steps) if _selects(step, labels)))


def _selects(step: Any, labels: Mapping[str, Any]) -> bool:
    expressions = _mapping(step).get("matchExpressions")
    for expression in expressions if isinstance(expressions, list) else ():
        one = _mapping(expression)
        operator, values = one.get("operator"), one.get("values") or []
        key = str(one.get("key"))
        if key in labels:
            if operator not in ("In", "NotIn") or not isinstance(values, list):
                return False
            if (labels[key] in values) is not (operator == "In"):
                return False
        elif operator == "In":
            return False
    return True


def most_at_once(step: Mapping[str, Any], selected: int) -> int | None:
    """How many of `selected` Applications a step syncs at a time; `None`: all (`maxUpdate` is not written).

    A percentage is rounded down, but to no less than 1 unless it is 0%; what is neither counts as 1.
    """
    value = step.get("maxUpdate")
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return max(value, 0)
    text = str(value)
    number = text[:-1] if text.endswith("%") else ""
    if not number.lstrip("-").isdecimal():
        return 1
    scaled = int(number) * selected // 100
    return scaled if scaled >= 1 or text == "0%" else 1


__all__ = [
    "FINALIZER",
    "Expansion",
    "Generated",
    "Place",
    "Steps",
    "expand",
    "fault_of_name",
    "is_rolling_sync",
    "most_at_once",
    "steps_of",
]
