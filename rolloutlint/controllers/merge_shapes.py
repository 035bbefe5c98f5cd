"""How the lists and maps of Kubernetes' own kinds, and of a Rollout, merge: by key, as sets, or as one value.

Mirrors the tags `patchStrategy`, `patchMergeKey`, `listType`, `listMapKey` and `mapType` of `k8s.io/api` 1.36
(`core/v1/types.go` and others) and the CustomResourceDefinition of argo-rollouts 1.9. What is not named here is
ordinary: maps merge by key, a list is one value.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Shape(NamedTuple):
    """The fields of one object that are not ordinary, and those below which some are."""

    fields: Mapping[str, Field] = MappingProxyType({})


class Field(NamedTuple):
    """One field: an object, or a list of objects of one shape."""

    shape: Shape = Shape()
    key: str = ""
    """Strategic merge: the field of an item that names it (`patchMergeKey`)."""
    merges: bool = False
    """Strategic merge: a list that merges (`patchStrategy: merge`); scalars where there is no `key`."""
    retains: bool = False
    """Strategic merge: keys that the applied object lacks go (`retainKeys`)."""
    replaces: bool = False
    """Strategic merge: a map that is replaced whole (`patchStrategy: replace`)."""
    keys: tuple[str, ...] = ()
    """Server-side apply: the fields that together name an item (`listMapKey`); without them a list is one value."""
    scalars: bool = False
    """Server-side apply: a list that is a set."""


ORDINARY = Shape()
_PLAIN = Field()


def _keyed(key: str, *keys: str, shape: Shape = ORDINARY, retains: bool = False) -> Field:
    return Field(shape, key, merges=True, retains=retains, keys=keys or (key,))


def _below(**fields: Field) -> Field:
    return Field(Shape(fields))


_METADATA = _below(ownerReferences=_keyed("uid"), finalizers=Field(merges=True, scalars=True))
_CONTAINERS = _keyed(
    "name",
    shape=Shape(
        {
            "ports": _keyed("containerPort", "containerPort", "protocol"),
            "env": _keyed("name"),
            "volumeMounts": _keyed("mountPath"),
            "volumeDevices": _keyed("devicePath"),
            "resources": _below(claims=Field(keys=("name",))),
        }
    ),
)
_POD = {
    "containers": _CONTAINERS,
    "initContainers": _CONTAINERS,
    "ephemeralContainers": _CONTAINERS,
    "volumes": _keyed("name", retains=True),
    "imagePullSecrets": _keyed("name"),
    "hostAliases": _keyed("ip"),
    "topologySpreadConstraints": _keyed("topologyKey", "topologyKey", "whenUnsatisfiable"),
    "resourceClaims": _keyed("name", retains=True),
    "schedulingGates": _keyed("name"),
}
_POD_SPEC = Field(Shape(_POD))
_TEMPLATE = _below(metadata=_METADATA, spec=_POD_SPEC)
_ROLLOUT_TEMPLATE = _below(spec=Field(Shape({key: field for key, field in _POD.items() if key != "volumes"})))
_WEBHOOKS = _keyed("name", shape=Shape({"matchConditions": _keyed("name")}))


def _kind(**fields: Field) -> Shape:
    return Shape({"metadata": _METADATA, **fields})


_BUILT_IN: Mapping[tuple[str, str], Shape] = {
    ("", "Pod"): _kind(spec=_POD_SPEC),
    ("", "PodTemplate"): _kind(template=_TEMPLATE),
    ("", "ReplicationController"): _kind(spec=_below(template=_TEMPLATE)),
    ("", "Service"): _kind(spec=_below(ports=_keyed("port", "port", "protocol"))),
    ("", "ServiceAccount"): _kind(secrets=_keyed("name")),
    ("apps", "Deployment"): _kind(spec=_below(template=_TEMPLATE, strategy=Field(retains=True))),
    ("apps", "ReplicaSet"): _kind(spec=_below(template=_TEMPLATE)),
    ("apps", "DaemonSet"): _kind(spec=_below(template=_TEMPLATE)),
    ("apps", "StatefulSet"): _kind(spec=_below(template=_TEMPLATE)),
    ("batch", "Job"): _kind(spec=_below(template=_TEMPLATE)),
    ("batch", "CronJob"): _kind(spec=_below(jobTemplate=_below(metadata=_METADATA, spec=_below(template=_TEMPLATE)))),
    ("policy", "PodDisruptionBudget"): _kind(spec=_below(selector=Field(replaces=True))),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _kind(webhooks=_WEBHOOKS),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _kind(webhooks=_WEBHOOKS),
}
_ROLLOUT = Shape({"spec": _below(template=_ROLLOUT_TEMPLATE)})

_GROUPS = frozenset(
    (
        "",
        "admissionregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    )
)
"""Groups of client-go `kubernetes/scheme`. CustomResourceDefinitions and APIServices are not among them."""

ATOMIC_MAPS = frozenset(
    (
        "configMapKeyRef",
        "configMapRef",
        "fieldRef",
        "fileKeyRef",
        "labelSelector",
        "namespaceSelector",
        "nodeSelector",
        "podSelector",
        "preference",
        "resourceFieldRef",
        "scaleTargetRef",
        "secretKeyRef",
        "secretRef",
        "selector",
    )
)
"""Server-side apply: maps of built-in kinds and of a Rollout that are one value (`mapType=atomic`)."""


def group_and_kind(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """The API group (empty for the core group) and the kind of an object; empty text for what is malformed."""
    api, kind = manifest.get("apiVersion"), manifest.get("kind")
    group = api.rpartition("/")[0] if isinstance(api, str) else ""
    return group, kind if isinstance(kind, str) else ""


def is_built_in(group: str) -> bool:
    """Whether clients know the Go types of a group, so that its objects merge strategically."""
    return group in _GROUPS


def shape_of(group: str, kind: str) -> Shape | None:
    """How objects of a kind merge strategically; `None` for custom resources, which merge as JSON."""
    if group not in _GROUPS:
        return None
    return _BUILT_IN.get((group, kind), _kind())


def server_shape_of(group: str, kind: str) -> Shape:
    """How the API server merges objects of a kind when they are applied there."""
    if group == "argoproj.io" and kind == "Rollout":
        return _ROLLOUT
    return shape_of(group, kind) or ORDINARY


def has_atomic_maps(group: str, kind: str) -> bool:
    """Whether `ATOMIC_MAPS` holds for a kind."""
    return group in _GROUPS or (group == "argoproj.io" and kind == "Rollout")


def field_of(shape: Shape, key: str) -> Field:
    """What is known of one field."""
    return shape.fields.get(key, _PLAIN)
