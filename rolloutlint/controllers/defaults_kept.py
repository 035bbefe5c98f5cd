"""Defaults that the API server fills in again at once when an apply takes them away.

A manifest leaves out what is a default; a live object has it. Where a list is replaced whole, an object replaced, or
`spec.strategy` cut down to what is written, the default goes and is back in the same request. Mirrors Kubernetes
`pkg/apis/core/v1/defaults.go` and `apps/v1/defaults.go`, and the defaults in the CustomResourceDefinitions of the
Gateway API and of argo-rollouts. What a Service was given (addresses, node ports) stays too
(`pkg/registry/core/service/storage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rolloutlint.controllers.json_merge import same
from rolloutlint.controllers.merge_shapes import is_built_in

_QUARTER = {"maxSurge": "25%", "maxUnavailable": "25%"}
_BUILT_IN: Mapping[str, tuple[Any, ...]] = {
    "apiVersion": ("v1",),
    "concurrencyPolicy": ("Allow",),
    "defaultMode": (420,),
    "divisor": ("0",),
    "dnsPolicy": ("ClusterFirst",),
    "failedJobsHistoryLimit": (1,),
    "failureThreshold": (3,),
    "imagePullPolicy": ("IfNotPresent", "Always"),
    "internalTrafficPolicy": ("Cluster",),
    "ipFamilyPolicy": ("SingleStack",),
    "maxReplicas": (),
    "minReplicas": (1,),
    "path": ("/",),
    "periodSeconds": (10,),
    "podManagementPolicy": ("OrderedReady",),
    "progressDeadlineSeconds": (600,),
    "protocol": ("TCP",),
    "replicas": (1,),
    "resources": ({},),
    "restartPolicy": ("Always",),
    "revisionHistoryLimit": (10,),
    "rollingUpdate": (_QUARTER, {"partition": 0}, {"maxSurge": 0, "maxUnavailable": 1}),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "securityContext": ({},),
    "sessionAffinity": ("None",),
    "successThreshold": (1,),
    "successfulJobsHistoryLimit": (3,),
    "suspend": (False,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("ClusterIP", "RollingUpdate", "Opaque", ""),
    "volumeMode": ("Filesystem",),
}
_GATEWAY: Mapping[str, tuple[Any, ...]] = {
    "group": ("", "gateway.networking.k8s.io"),
    "kind": ("Service", "Gateway"),
    "matches": ([{"path": {"type": "PathPrefix", "value": "/"}}],),
    "path": ({"type": "PathPrefix", "value": "/"},),
    "type": ("PathPrefix", "Exact"),
    "value": ("/",),
    "weight": (1,),
}
_ROLLOUT: Mapping[str, tuple[Any, ...]] = {"protocol": ("TCP",)}
_ASSIGNED = frozenset(("clusterIP", "clusterIPs", "ipFamilies", "healthCheckNodePort", "nodePort", "targetPort"))
_NAMES = ("name", "mountPath", "containerPort", "port", "key", "path")


def with_defaults(after: Mapping[str, Any], live: Mapping[str, Any], group: str, kind: str) -> Mapping[str, Any]:
    """`after` with the defaults that `live` has and it has not."""
    if is_built_in(group):
        known = _BUILT_IN
    elif group == "gateway.networking.k8s.io":
        known = _GATEWAY
    elif (group, kind) == ("argoproj.io", "Rollout"):
        known = _ROLLOUT
    else:
        return after
    spec, before = after.get("spec"), live.get("spec")
    if not isinstance(spec, dict) or not isinstance(before, dict) or same(spec, before):
        return after
    return {**after, "spec": _filled(spec, before, known, (group, kind) == ("", "Service"))}


def _filled(after: Any, live: Any, known: Mapping[str, tuple[Any, ...]], service: bool) -> Any:
    if isinstance(after, dict) and isinstance(live, dict):
        out = {key: _filled(value, live.get(key), known, service) for key, value in after.items()}
        for key, value in live.items():
            if key in out:
                continue
            default = any(same(value, one) for one in known.get(key, ())) and _fits(key, out)
            assigned = service and key in _ASSIGNED and (key != "targetPort" or value == out.get("port"))
            if default or assigned:
                out[key] = value
        return out
    if isinstance(after, list) and isinstance(live, list):
        return [
            _filled(item, _match(item, index, live, len(after)), known, service) for index, item in enumerate(after)
        ]
    return after


def _fits(key: str, beside: Mapping[str, Any]) -> bool:
    """Whether a default applies next to what is there: no parameters of a rolling update beside another strategy."""
    return key != "rollingUpdate" or beside.get("type", "RollingUpdate") == "RollingUpdate"


def _match(item: Any, index: int, live: list[Any], length: int) -> Any:
    """The live item that is the same thing: by its name, else at the same place of a list of the same length."""
    if isinstance(item, dict):
        for name in _NAMES:
            if name in item:
                found = [other for other in live if isinstance(other, dict) and other.get(name) == item[name]]
                if len(found) == 1:
                    return found[0]
    return live[index] if len(live) == length else None
