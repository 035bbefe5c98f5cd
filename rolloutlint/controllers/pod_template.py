"""What Kubernetes refuses in a pod template: the faults that people write, each with the path and words of Kubernetes.

The Rollout controller runs `ValidatePodTemplateSpecForReplicaSet` (Kubernetes 1.34 `pkg/apis/apps/validation` and
`pkg/apis/core/validation`) on the template with its defaults filled in, before anything is rolled out. Not mirrored
are most of security contexts, affinity, and the sources of volumes below their names. What `hostNetwork`
asks of ports is not asked there: upstream loses the field on the way to that function. Fields that the CRD itself
requires (a container's name, the path of a mount) are judged only where they are written: without them the API server
refuses the Rollout, and nothing gets here. Of several faults with one cause only the first is told.

As elsewhere a value of the wrong type, or one that is filled in later, is unknown and nothing is said of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rolloutlint.finding import Path
from rolloutlint.lang.intstr import int32
from rolloutlint.lang.names import (
    label_fault,
    label_value_fault,
    port_name_fault,
    qualified_name_fault,
    subdomain_fault,
)
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.quantity import parse_quantity

Code = Literal[
    "containers",
    "name",
    "duplicate-name",
    "image",
    "enumeration",
    "restart-policy",
    "not-for-replica-sets",
    "port",
    "environment",
    "mount",
    "volume",
    "handler",
    "probe-number",
    "init-container",
    "resource-name",
    "resource-amount",
    "label",
    "toleration",
    "spread",
    "security",
]
"""Kinds of faults; `rules/controller-parity.md` lists them below V07."""


class TemplateFault(NamedTuple):
    """One reason for which Kubernetes refuses a pod template."""

    code: Code
    path: Path
    """Below the template: the field at fault, or the mapping that lacks one."""
    answer: str
    """Words of Kubernetes, e.g. `Required value` or `Duplicate value: "cart"`."""
    field: str = ""
    """The field's name where `path` does not end in it."""
    value: object = None
    """The value that is refused, where there is one."""
    other: Path = ()
    """A second place below the template that takes part."""


_PULL = ("Always", "IfNotPresent", "Never")
_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_MESSAGES = ("File", "FallbackToLogsOnError")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SCHEMES = ("HTTP", "HTTPS")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
"""In the order in which Kubernetes looks at them."""
_ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_STANDARD_RESOURCES = frozenset(("cpu", "memory", "ephemeral-storage"))
_HUGE_PAGES = "hugepages-"
_VOLUME_TYPES = frozenset(
    (
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "configMap", "csi", "downwardAPI",
        "emptyDir", "ephemeral", "fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs",
        "hostPath", "image", "iscsi", "nfs", "persistentVolumeClaim", "photonPersistentDisk", "portworxVolume",
        "projected", "quobyte", "rbd", "scaleIO", "secret", "storageos", "vsphereVolume",
    )
)  # fmt: skip
_VOLUME_NAMES: Mapping[str, str] = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName"}
"""Volume types whose one required field is a name."""
_ANNOTATIONS_SIZE = 256 << 10
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_ENV_WORDS = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.'"

_Faults = Iterator[TemplateFault]


def template_faults(template: Mapping[str, Any]) -> tuple[TemplateFault, ...]:
    """Every fault of a pod template that this module knows, in the order in which Kubernetes meets them."""
    return tuple(_template(template))


def _template(template: Mapping[str, Any]) -> _Faults:
    metadata, spec = template.get("metadata"), template.get("spec")
    if isinstance(metadata, dict):
        yield from _labels(metadata.get("labels"), ("metadata", "labels"))
        yield from _annotations(metadata.get("annotations"))
    if spec is None:
        yield TemplateFault("containers", (), "Required value", field="containers")
    if not isinstance(spec, dict):
        return
    path: Path = ("spec",)
    names = _volume_names(spec)
    yield from _volumes(spec.get("volumes"))
    if spec.get("containers") == []:
        yield TemplateFault("containers", (*path, "containers"), "Required value", field="containers")
    yield from _containers(spec, names)
    yield from _enumeration(spec, "restartPolicy", path, _RESTART)
    yield from _enumeration(spec, "dnsPolicy", path, _DNS)
    yield from _labels(spec.get("nodeSelector"), (*path, "nodeSelector"))
    for field in ("hostname", "subdomain"):
        name = _text(spec, field)
        if name and (fault := label_fault(name)):
            yield TemplateFault("name", (*path, field), fault, value=name)
    yield from _identities(spec.get("securityContext"), (*path, "securityContext"))
    yield from _spread(spec.get("topologySpreadConstraints"), (*path, "topologySpreadConstraints"))
    service_account = _text(spec, "serviceAccountName")
    if service_account and (fault := subdomain_fault(service_account)):
        yield TemplateFault("name", (*path, "serviceAccountName"), fault, value=service_account)
    yield from _tolerations(spec.get("tolerations"), (*path, "tolerations"))
    ephemeral = spec.get("ephemeralContainers")
    if isinstance(ephemeral, list) and ephemeral and all(_decodes(each) for each in ephemeral):
        answer = "ephemeral containers not allowed in pod template"
        yield TemplateFault("not-for-replica-sets", (*path, "ephemeralContainers"), answer, field="ephemeralContainers")
    restart = _text(spec, "restartPolicy")
    if restart in ("OnFailure", "Never"):
        answer = f'Unsupported value: "{restart}": supported values: "Always"'
        yield TemplateFault("restart-policy", (*path, "restartPolicy"), answer, value=restart)
    if _integer(spec.get("activeDeadlineSeconds")) is not None:
        answer = "activeDeadlineSeconds in ReplicaSet is not Supported"
        at: Path = (*path, "activeDeadlineSeconds")
        yield TemplateFault("not-for-replica-sets", at, answer, field="activeDeadlineSeconds")


def _decodes(container: object) -> bool:
    """Whether a container's resources can be read; otherwise the controller drops them, or the list they are in.

    Mirrors argo-rollouts `utils/tolerantinformer/tollerantinformer.go`.
    """
    resources = container.get("resources") if isinstance(container, dict) else container
    if resources is None:
        return True
    parts = [resources.get(part) for part in ("limits", "requests")] if isinstance(resources, dict) else [resources]
    amounts = [a for part in parts if part is not None for a in (part.values() if isinstance(part, dict) else [part])]
    return all(parse_quantity(amount) is not None for amount in amounts)


# ---- small things --------------------------------------------------------------------------------------------------


def _text(parent: Mapping[str, Any], field: str) -> str | None:
    """A string field, `""` where absent, `None` where unknown."""
    value = parent.get(field)
    if value is None:
        return ""
    return value if isinstance(value, str) and not filled_later(value) else None


def _integer(value: object) -> int | None:
    """An integer of any size; `None` where absent or unknown."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _items(value: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The mappings in a list, with their indices."""
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield index, item


def _at(parent: Mapping[str, Any], field: str, path: Path) -> Path:
    """The field if it is written, else the mapping that lacks it."""
    return (*path, field) if field in parent else path


def _enumeration(parent: Mapping[str, Any], field: str, path: Path, allowed: Sequence[str]) -> _Faults:
    value = _text(parent, field)
    if value and value not in allowed:
        words = ", ".join(f'"{each}"' for each in allowed)
        answer = f'Unsupported value: "{value}": supported values: {words}'
        yield TemplateFault("enumeration", (*path, field), answer, value=value)


def _labels(labels: object, path: Path) -> _Faults:
    for key, value in labels.items() if isinstance(labels, dict) else ():
        if not isinstance(key, str) or filled_later(key):
            continue
        if fault := qualified_name_fault(key):
            yield TemplateFault("label", (*path, key), fault, field=key)
        if isinstance(value, str) and not filled_later(value) and (fault := label_value_fault(value)):
            yield TemplateFault("label", (*path, key), fault, value=value)


def _annotations(annotations: object) -> _Faults:
    for key in annotations if isinstance(annotations, dict) else ():
        if isinstance(key, str) and not filled_later(key) and (fault := qualified_name_fault(key.lower())):
            yield TemplateFault("label", ("metadata", "annotations", key), fault, field=key)
    texts = [t for pair in annotations.items() for t in pair] if isinstance(annotations, dict) else []
    if all(isinstance(t, str) for t in texts) and sum(len(t.encode()) for t in texts) > _ANNOTATIONS_SIZE:
        answer = f"may not be more than {_ANNOTATIONS_SIZE} bytes"
        yield TemplateFault("label", ("metadata", "annotations"), answer, field="annotations")


def _tolerations(tolerations: object, path: Path) -> _Faults:
    for index, toleration in _items(tolerations):
        at: Path = (*path, index)
        key, operator, value, effect = (_text(toleration, f) for f in ("key", "operator", "value", "effect"))
        if key == "" and operator is not None and operator != "Exists":
            answer = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            yield TemplateFault("toleration", _at(toleration, "operator", at), answer, field="operator")
        if _integer(toleration.get("tolerationSeconds")) is not None and effect is not None and effect != "NoExecute":
            answer = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            yield TemplateFault("toleration", (*at, "tolerationSeconds"), answer, field="effect")
        if operator == "Exists" and value:
            answer = "value must be empty when `operator` is 'Exists'"
            yield TemplateFault("toleration", (*at, "value"), answer, field="value", value=value)
        if operator not in (None, "", "Equal", "Exists"):
            answer = f'Unsupported value: "{operator}": supported values: "Equal", "Exists"'
            yield TemplateFault("toleration", (*at, "operator"), answer, field="operator", value=operator)
        if effect not in (None, "", "NoSchedule", "PreferNoSchedule", "NoExecute"):
            answer = f'Unsupported value: "{effect}"'
            yield TemplateFault("toleration", (*at, "effect"), answer, field="effect", value=effect)


def _spread(constraints: object, path: Path) -> _Faults:
    for index, constraint in _items(constraints):
        at: Path = (*path, index)
        skew = int32(constraint.get("maxSkew"))
        if skew is not None and skew <= 0:
            yield TemplateFault("spread", (*at, "maxSkew"), "must be greater than zero", value=skew)
        if _text(constraint, "topologyKey") == "" and constraint.get("topologyKey") is not None:
            yield TemplateFault("spread", (*at, "topologyKey"), "can not be empty", value="")
        yield from _enumeration(constraint, "whenUnsatisfiable", at, ("DoNotSchedule", "ScheduleAnyway"))


def _identities(context: object, path: Path) -> _Faults:
    for field in ("runAsUser", "runAsGroup"):
        number = _integer(context.get(field)) if isinstance(context, dict) else None
        if number is not None and not 0 <= number < 1 << 31:
            yield TemplateFault("security", (*path, field), "must be between 0 and 2147483647, inclusive", value=number)


# ---- volumes -------------------------------------------------------------------------------------------------------


def _volume_names(spec: Mapping[str, Any]) -> frozenset[str] | None:
    """The names of the volumes; `None` where one of them is unknown."""
    volumes = spec.get("volumes")
    if volumes is None:
        return frozenset()
    if not isinstance(volumes, list):
        return None
    names = [_text(v, "name") if _is_volume(v) else None for v in volumes]
    return None if None in names else frozenset(name for name in names if name)


def _is_volume(volume: object) -> bool:
    """Whether a volume has the structure of one; where one has not, the controller drops what it cannot read."""
    return isinstance(volume, dict) and all(
        value is None or isinstance(value, dict) for key, value in volume.items() if key != "name"
    )


def _volumes(volumes: object) -> _Faults:
    if isinstance(volumes, list) and not all(map(_is_volume, volumes)):
        return
    seen: dict[str, int] = {}
    for index, volume in _items(volumes):
        path: Path = ("spec", "volumes", index)
        yield from _volume_source(volume, path)
        name = _text(volume, "name")
        if name == "":
            yield TemplateFault("name", _at(volume, "name", path), "Required value", field="name")
        elif name and (fault := label_fault(name)):
            yield TemplateFault("name", (*path, "name"), fault, value=name)
        if name:
            if name in seen:
                other: Path = ("spec", "volumes", seen[name], "name")
                yield _duplicate((*path, "name"), name, other)
            seen.setdefault(name, index)


def _duplicate(path: Path, name: str, other: Path) -> TemplateFault:
    return TemplateFault("duplicate-name", path, f'Duplicate value: "{name}"', value=name, other=other)


def _volume_source(volume: Mapping[str, Any], path: Path) -> _Faults:
    types = [key for key, value in volume.items() if key in _VOLUME_TYPES and value is not None]
    for extra in types[1:]:
        answer = "may not specify more than 1 volume type"
        yield TemplateFault("volume", (*path, extra), answer, field=extra, other=(*path, types[0]))
    if len(types) == 1 and types[0] in _VOLUME_NAMES and isinstance(volume[types[0]], dict):
        field = _VOLUME_NAMES[types[0]]
        if _text(volume[types[0]], field) == "":
            at = _at(volume[types[0]], field, (*path, types[0]))
            yield TemplateFault("volume", at, "Required value", field=field)


# ---- containers ----------------------------------------------------------------------------------------------------


def _containers(spec: Mapping[str, Any], volumes: frozenset[str] | None) -> _Faults:
    seen: dict[str, Path] = {}
    for index, container in _items(spec.get("containers")):
        path: Path = ("spec", "containers", index)
        yield from _container(container, path, volumes)
        yield from _unique(container, path, seen)
        yield from _hooks(container, path)
        if container.get("restartPolicy") is not None:
            answer = "may not be set for non-init containers"
            at: Path = (*path, "restartPolicy")
            yield TemplateFault("init-container", at, answer, field="restartPolicy")
    yield from _host_ports(spec)
    for index, container in _items(spec.get("initContainers")):
        path = ("spec", "initContainers", index)
        yield from _container(container, path, volumes)
        yield from _unique(container, path, seen)
        if container.get("restartPolicy") is not None:
            yield from _enumeration(container, "restartPolicy", path, ("Always",))
            if _text(container, "restartPolicy") == "Always":
                yield from _hooks(container, path)
            continue
        for field in ("lifecycle", *_PROBES):
            if isinstance(container.get(field), dict):
                answer = "may not be set for init containers without restartPolicy=Always"
                yield TemplateFault("init-container", (*path, field), answer, field=field)


def _unique(container: Mapping[str, Any], path: Path, seen: dict[str, Path]) -> _Faults:
    name = _text(container, "name")
    if name:
        if name in seen:
            yield _duplicate((*path, "name"), name, seen[name])
        seen.setdefault(name, (*path, "name"))


def _container(container: Mapping[str, Any], path: Path, volumes: frozenset[str] | None) -> _Faults:
    name = _text(container, "name")
    if name == "" and container.get("name") is not None:
        yield TemplateFault("name", (*path, "name"), "Required value", field="name")
    elif name and (fault := label_fault(name)):
        yield TemplateFault("name", (*path, "name"), fault, value=name)
    if _text(container, "image") == "":
        yield TemplateFault("image", _at(container, "image", path), "Required value", field="image", value=name)
    yield from _enumeration(container, "terminationMessagePolicy", path, _MESSAGES)
    yield from _ports(container.get("ports"), (*path, "ports"))
    yield from _environment(container.get("env"), (*path, "env"))
    yield from _environment_from(container.get("envFrom"), (*path, "envFrom"))
    yield from _mounts(container.get("volumeMounts"), (*path, "volumeMounts"), volumes)
    yield from _enumeration(container, "imagePullPolicy", path, _PULL)
    if isinstance(container.get("resources"), dict) and _decodes(container):
        yield from _resources(container["resources"], (*path, "resources"))
    yield from _identities(container.get("securityContext"), (*path, "securityContext"))


def _ports(ports: object, path: Path) -> _Faults:
    seen: dict[str, int] = {}
    for index, port in _items(ports):
        at: Path = (*path, index)
        name = _text(port, "name")
        if name and (fault := port_name_fault(name)):
            yield TemplateFault("port", (*at, "name"), fault, value=name)
        elif name:
            if name in seen:
                yield _duplicate((*at, "name"), name, (*path, seen[name], "name"))
            seen.setdefault(name, index)
        for field in ("containerPort", "hostPort"):
            number = int32(port.get(field))
            if number == 0 and field == "containerPort":
                yield TemplateFault("port", (*at, field), "Required value", value=number)
            elif number is not None and number != 0:
                yield from _port_number(number, (*at, field))
        yield from _enumeration(port, "protocol", at, _PROTOCOLS)


def _port_number(number: int, path: Path) -> _Faults:
    if not 1 <= number <= 65535:
        yield TemplateFault("port", path, "must be between 1 and 65535, inclusive", value=number)


def _host_ports(spec: Mapping[str, Any]) -> _Faults:
    seen: dict[tuple[object, object, int], Path] = {}
    for index, container in _items(spec.get("containers")):
        for number, port in _items(container.get("ports")):
            host, protocol, address = int32(port.get("hostPort")), _text(port, "protocol"), _text(port, "hostIP")
            if not host or protocol is None or address is None:
                continue
            path: Path = ("spec", "containers", index, "ports", number, "hostPort")
            key = (protocol or "TCP", address, host)
            if key in seen:
                answer = f'Duplicate value: "{key[0]}/{address}/{host}"'
                yield TemplateFault("port", path, answer, value=host, other=seen[key])
            seen.setdefault(key, path)


def _environment(variables: object, path: Path) -> _Faults:
    for index, variable in _items(variables):
        at: Path = (*path, index)
        name = _text(variable, "name")
        if name == "" and variable.get("name") is not None:
            yield TemplateFault("environment", (*at, "name"), "Required value", field="name")
        elif name and not _ENV_NAME.fullmatch(name):
            yield TemplateFault("environment", (*at, "name"), _ENV_WORDS, value=name)
        source = variable.get("valueFrom")
        if not isinstance(source, dict):
            continue
        kinds = [kind for kind in _ENV_SOURCES if source.get(kind) is not None]
        if not kinds and set(source) <= set(_ENV_SOURCES):
            answer = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            yield TemplateFault("environment", (*at, "valueFrom"), answer, field="valueFrom")
        elif kinds and _text(variable, "value"):
            answer = "may not be specified when `value` is not empty"
            yield TemplateFault("environment", (*at, "valueFrom"), answer, field="valueFrom", other=(*at, "value"))
        elif len(kinds) > 1:
            answer = "may not have more than one field specified at a time"
            yield TemplateFault("environment", (*at, "valueFrom", kinds[1]), answer, field=kinds[1])


def _environment_from(sources: object, path: Path) -> _Faults:
    for index, source in _items(sources):
        kinds = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        at: Path = (*path, index)
        if not kinds and set(source) <= {"configMapRef", "secretRef", "prefix"}:
            answer = "must specify one of: `configMapRef` or `secretRef`"
            yield TemplateFault("environment", at, answer, field="envFrom")
        elif len(kinds) > 1:
            answer = "may not have more than one field specified at a time"
            yield TemplateFault("environment", (*at, kinds[1]), answer, field=kinds[1], other=(*at, kinds[0]))


def _mounts(mounts: object, path: Path, volumes: frozenset[str] | None) -> _Faults:
    seen: dict[str, int] = {}
    for index, mount in _items(mounts):
        at: Path = (*path, index)
        name, where = _text(mount, "name"), _text(mount, "mountPath")
        if name and volumes is not None and name not in volumes:
            yield TemplateFault("mount", (*at, "name"), f'Not found: "{name}"', field="volumes", value=name)
        if where == "" and mount.get("mountPath") is not None:
            yield TemplateFault("mount", (*at, "mountPath"), "Required value", field="mountPath")
        if where:
            if where in seen:
                other: Path = (*path, seen[where], "mountPath")
                yield TemplateFault("mount", (*at, "mountPath"), "must be unique", value=where, other=other)
            seen.setdefault(where, index)
        for field in ("subPath", "subPathExpr"):
            below = _text(mount, field)
            if below and below.startswith("/"):
                yield TemplateFault("mount", (*at, field), "must be a relative path", value=below)
            if below and ".." in below.replace("\\", "/").split("/"):
                yield TemplateFault("mount", (*at, field), "must not contain '..'", value=below)


# ---- probes and hooks ----------------------------------------------------------------------------------------------


def _hooks(container: Mapping[str, Any], path: Path) -> _Faults:
    lifecycle = container.get("lifecycle")
    for field in ("postStart", "preStop"):
        hook = lifecycle.get(field) if isinstance(lifecycle, dict) else None
        if isinstance(hook, dict):
            yield from _handler(hook, (*path, "lifecycle", field))
    for field in _PROBES:
        probe = container.get(field)
        if isinstance(probe, dict):
            yield from _probe(probe, field, (*path, field))


def _probe(probe: Mapping[str, Any], kind: str, path: Path) -> _Faults:
    yield from _handler(probe, path)
    for field in _PROBE_NUMBERS:
        number = int32(probe.get(field))
        if number is not None and number < 0:
            answer = "must be greater than or equal to 0"
            yield TemplateFault("probe-number", (*path, field), answer, value=number)
    grace = _integer(probe.get("terminationGracePeriodSeconds"))
    at: Path = (*path, "terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield TemplateFault("probe-number", at, "must be greater than 0", value=grace)
    elif grace is not None and kind == "readinessProbe":
        yield TemplateFault("probe-number", at, "must not be set for readinessProbes", value=grace)
    successes = int32(probe.get("successThreshold"))
    if kind != "readinessProbe" and successes is not None and successes > 1:
        yield TemplateFault("probe-number", (*path, "successThreshold"), "must be 1", value=successes)


def _handler(holder: Mapping[str, Any], path: Path) -> _Faults:
    kinds = [kind for kind in _HANDLERS if holder.get(kind) is not None]
    if not kinds:
        yield TemplateFault("handler", path, "must specify a handler type")
        return
    for extra in kinds[1:]:
        answer = "may not specify more than 1 handler type"
        yield TemplateFault("handler", (*path, extra), answer, field=extra, other=(*path, kinds[0]))
    action = holder[kinds[0]]
    if isinstance(action, dict) and kinds[0] in _ACTIONS:
        yield from _ACTIONS[kinds[0]](action, (*path, kinds[0]))


def _exec(action: Mapping[str, Any], path: Path) -> _Faults:
    if action.get("command") in (None, []):
        yield TemplateFault("handler", _at(action, "command", path), "Required value", field="command")


def _http_get(action: Mapping[str, Any], path: Path) -> _Faults:
    yield from _named_port(action, path)
    yield from _enumeration(action, "scheme", path, _SCHEMES)


def _named_port(action: Mapping[str, Any], path: Path) -> _Faults:
    port = action.get("port")
    number = int32(port)
    if number is not None:
        yield from _port_number(number, (*path, "port"))
    elif isinstance(port, str) and not filled_later(port) and (fault := port_name_fault(port)):
        yield TemplateFault("port", (*path, "port"), fault, value=port)


_ACTIONS: Mapping[str, Callable[[Mapping[str, Any], Path], _Faults]] = {
    "exec": _exec,
    "httpGet": _http_get,
    "tcpSocket": _named_port,
    "grpc": _named_port,
}


# ---- resources -----------------------------------------------------------------------------------------------------


def _resources(resources: Mapping[str, Any], path: Path) -> _Faults:
    limits, requests = (resources.get(part) for part in ("limits", "requests"))
    for part, amounts in (("limits", limits), ("requests", requests)):
        for name, amount in amounts.items() if isinstance(amounts, dict) else ():
            if isinstance(name, str) and not filled_later(name):
                yield from _amount(name, amount, (*path, part, name))
    if any(amounts is not None and not isinstance(amounts, dict) for amounts in (limits, requests)):
        return
    names = {name for amounts in (limits, requests) for name in amounts or ()}
    if not names & {"cpu", "memory"} and any(isinstance(n, str) and n.startswith(_HUGE_PAGES) for n in names):
        yield TemplateFault("resource-amount", path, "HugePages require cpu or memory")
    for name, written in (requests or {}).items():
        limit = parse_quantity((limits or {}).get(name))
        amount = parse_quantity(written)
        if amount is None or not isinstance(name, str) or filled_later(name):
            continue
        overcommit = _native(name) and not name.startswith(_HUGE_PAGES)
        other: Path = (*path, "limits", name)
        if limit is None:
            if not overcommit and name not in (limits or {}):
                answer = "Limit must be set for non overcommitable resources"
                yield TemplateFault("resource-amount", (*path, "requests", name), answer, value=written)
            continue
        if not overcommit and amount != limit:
            answer = f"must be equal to {name} limit of"
            yield TemplateFault("resource-amount", (*path, "requests", name), answer, value=written, other=other)
        elif amount > limit:
            answer = f"must be less than or equal to {name} limit of"
            yield TemplateFault("resource-amount", (*path, "requests", name), answer, value=written, other=other)


def _native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def _amount(name: str, amount: object, path: Path) -> _Faults:
    if fault := qualified_name_fault(name):
        yield TemplateFault("resource-name", path, fault, field=name)
    elif "/" not in name and name not in _STANDARD_RESOURCES and not name.startswith(_HUGE_PAGES):
        yield TemplateFault("resource-name", path, "must be a standard resource for containers", field=name)
    quantity = parse_quantity(amount)
    if quantity is not None and quantity < 0:
        yield TemplateFault("resource-amount", path, "must be greater than or equal to 0", value=amount)
