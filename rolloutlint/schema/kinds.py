"""Which API groups and versions serve the kinds rolloutlint knows, to recognise a mistyped `apiVersion`.

Only what is certain is claimed: many projects use the names `Rollout`, `Application` or `Gateway`, and a group
that nobody here has heard of may well exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

from rolloutlint.lang.names import edit_distance

Served: TypeAlias = "tuple[str, tuple[str, ...]]"

_ARGO: tuple[Served, ...] = (("argoproj.io", ("v1alpha1",)),)
_CORE: tuple[Served, ...] = (("", ("v1",)),)
_ISTIO: Served = ("networking.istio.io", ("v1", "v1beta1", "v1alpha3"))
_GATEWAY_API: Served = ("gateway.networking.k8s.io", ("v1", "v1beta1", "v1alpha2"))
_ROUTES: Served = ("gateway.networking.k8s.io", ("v1", "v1alpha3", "v1alpha2"))
_APPS: Served = ("apps", ("v1", "v1beta2", "v1beta1"))
_EXTENSIONS: Served = ("extensions", ("v1beta1",))
_APP_MESH: Served = ("appmesh.k8s.aws", ("v1beta2", "v1beta1"))
_AMBASSADOR: tuple[Served, ...] = (
    ("getambassador.io", ("v3alpha1", "v2", "v1", "v0")),
    ("x.getambassador.io", ("v3alpha1",)),
)

KINDS: Mapping[str, tuple[Served, ...]] = {
    "AnalysisRun": _ARGO,
    "AnalysisTemplate": _ARGO,
    "ApisixRoute": (("apisix.apache.org", ("v2", "v2beta3", "v2beta2", "v2beta1", "v2alpha1", "v1")),),
    "AppProject": _ARGO,
    "Application": _ARGO,
    "ApplicationSet": _ARGO,
    "Canary": (("flagger.app", ("v1beta1", "v1alpha3")),),
    "ClusterAnalysisTemplate": _ARGO,
    "ConfigMap": _CORE,
    "CronJob": (("batch", ("v1", "v1beta1", "v2alpha1")),),
    "DaemonSet": (_APPS, _EXTENSIONS),
    "Deployment": (_APPS, _EXTENSIONS),
    "DestinationRule": (_ISTIO,),
    "Experiment": _ARGO,
    "GRPCRoute": (_GATEWAY_API,),
    "Gateway": (_GATEWAY_API, _ISTIO),
    "HTTPRoute": (_GATEWAY_API,),
    "HorizontalPodAutoscaler": (("autoscaling", ("v2", "v1", "v2beta2", "v2beta1")),),
    "Ingress": (("networking.k8s.io", ("v1", "v1beta1")), _EXTENSIONS),
    "Job": (("batch", ("v1",)),),
    "Mapping": _AMBASSADOR,
    "Namespace": _CORE,
    "PersistentVolumeClaim": _CORE,
    "Pod": _CORE,
    "PodDisruptionBudget": (("policy", ("v1", "v1beta1")),),
    "PodTemplate": _CORE,
    "ReplicaSet": (_APPS, _EXTENSIONS),
    "Rollout": _ARGO,
    "ScaledObject": (("keda.sh", ("v1alpha1",)),),
    "Secret": _CORE,
    "Service": _CORE,
    "ServiceAccount": _CORE,
    "ServiceEntry": (_ISTIO,),
    "StatefulSet": (_APPS,),
    "TCPRoute": (_ROUTES,),
    "TLSRoute": (_ROUTES,),
    "TargetGroupBinding": (("elbv2.k8s.aws", ("v1beta1", "v1alpha1")),),
    "TraefikService": (("traefik.io", ("v1alpha1",)), ("traefik.containo.us", ("v1alpha1",))),
    "TrafficSplit": (("split.smi-spec.io", ("v1alpha4", "v1alpha3", "v1alpha2", "v1alpha1")),),
    "VerticalPodAutoscaler": (("autoscaling.k8s.io", ("v1", "v1beta2", "v1beta1")),),
    "VirtualNode": (_APP_MESH,),
    "VirtualRouter": (_APP_MESH,),
    "VirtualService": (_ISTIO, _APP_MESH),
}
"""Kind -> the (group, versions) that serve it or once did, newest version first."""

# Nobody else can serve kinds in these groups: a CRD's group needs a dot in its name.
_CLOSED_GROUPS = frozenset(("", "apps", "autoscaling", "batch", "extensions", "policy"))

# Kinds of Argo Rollouts: a group with "argo" in it is then a slip of memory (`argorollouts.io`).
_ROLLOUTS_KINDS = frozenset(("AnalysisRun", "AnalysisTemplate", "ClusterAnalysisTemplate", "Rollout"))

# Real groups that lie within two letters of another one.
_REAL_GROUPS = frozenset(("gateway.networking.x-k8s.io",))

_SPELLING = {kind.lower(): kind for kind in KINDS}


class KindProblem(NamedTuple):
    """Why no API server knows this `apiVersion` and `kind`, and what was meant."""

    code: Literal["unknown-version", "group-typo", "kind-case"]
    api_version: str
    """The `apiVersion` that was meant."""
    kind: str
    """The `kind` that was meant."""
    certain: bool
    """Whether no other version could have been meant: it is the one written, or the only one there is."""


def kind_problem(api_version: object, kind: object) -> KindProblem | None:
    """What is wrong with an `apiVersion` and `kind`; `None` where nothing is certain.

    * `unknown-version`: the group serves the kind, but never in this version;
    * `group-typo`: no such group serves the kind, and one nearly of that name does;
    * `kind-case`: the group serves this kind, written in other case.
    """
    if not isinstance(api_version, str) or not isinstance(kind, str):
        return None
    group, slash, version = api_version.rpartition("/")
    if "/" in group or (slash and not group) or not version:
        return None
    right = kind if kind in KINDS else _SPELLING.get(kind.lower(), "")
    if not right:
        return None
    for served_group, versions in KINDS[right]:
        if group == served_group:
            known = version in versions
            meant = version if known else versions[0]
            if right != kind:
                return KindProblem("kind-case", _join(group, meant), right, known or len(versions) == 1)
            return None if known else KindProblem("unknown-version", _join(group, meant), kind, len(versions) == 1)
    if right != kind:
        return None
    meant_group = _meant_group(group, kind)
    if meant_group is None:
        return None
    served_group, versions = meant_group
    same = version in versions
    meant = _join(served_group, version if same else versions[0])
    return KindProblem("group-typo", meant, kind, same or len(versions) == 1)


def _meant_group(group: str, kind: str) -> Served | None:
    """What `group`, which does not serve `kind`, was meant to be, if that is certain."""
    candidates = KINDS[kind]
    if group in _REAL_GROUPS:
        return None
    # "core" is what the documentation calls the group whose name is empty.
    if group in _CLOSED_GROUPS or group == "core":
        return candidates[0]
    for served in candidates:
        limit = 2 if "." in served[0] else 1
        if served[0] and edit_distance(group, served[0], limit) <= limit:
            return served
    labels = group.split(".")
    if kind in _ROLLOUTS_KINDS and any(label.startswith("argo") for label in labels):
        return candidates[0]
    return None


def _join(group: str, version: str) -> str:
    return f"{group}/{version}" if group else version
