"""Pod templates as the Rollouts controller compares them: typed, with the defaults of Kubernetes filled in.

Mirrors argo-rollouts `utils/replicaset/replicaset.go` (PodTemplateEqualIgnoreHash) and, of Kubernetes 1.34,
`pkg/apis/core/v1/defaults.go` and `zz_generated.defaults.go` (SetObjectDefaults_PodTemplate). What Kubernetes fills in
of pods only is not filled in: requests from limits, `enableServiceLinks`, host ports below `hostNetwork`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from rolloutlint.controllers.pod_types import shapes
from rolloutlint.lang.placeholder import filled_later
from rolloutlint.lang.quantity import parse_quantity

HASH_LABEL = "rollouts-pod-template-hash"
"""The label that the controller adds to templates of ReplicaSets; it never counts."""

_MODE = 0o644

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # SetDefaults_PodSpec
    "PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    # SetDefaults_Container; the image pull policy follows the image
    "Container": {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
    "EphemeralContainer": {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"},
    # +default in types.go
    "ContainerPort": {"protocol": "TCP"},
    "GRPCAction": {"service": ""},
    "FileKeySelector": {"optional": False},
    # SetDefaults_Probe
    "Probe": {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    # SetDefaults_HTTPGetAction
    "HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    # SetDefaults_ObjectFieldSelector
    "ObjectFieldSelector": {"apiVersion": "v1"},
    # SetDefaults_HostPathVolumeSource
    "HostPathVolumeSource": {"type": ""},
    # SetDefaults_SecretVolumeSource and the three like it
    "SecretVolumeSource": {"defaultMode": _MODE},
    "ConfigMapVolumeSource": {"defaultMode": _MODE},
    "DownwardAPIVolumeSource": {"defaultMode": _MODE},
    "ProjectedVolumeSource": {"defaultMode": _MODE},
    # SetDefaults_ServiceAccountTokenProjection
    "ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    # SetDefaults_PersistentVolumeClaimSpec
    "PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    # +default in types.go
    "ISCSIVolumeSource": {"iscsiInterface": "default"},
    "RBDVolumeSource": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "AzureDiskVolumeSource": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "ScaleIOVolumeSource": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_IMAGE = re.compile(
    rf"(?:(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


def defaulted(template: Mapping[str, Any], *, workload: bool = False) -> Mapping[str, Any]:
    """A pod template as the controller compares the one that it wants with those that are there.

    Two templates for which this gives equal values start no new revision (`same_template` knows one more case).
    Fields that the controller does not know, empty values and `serviceAccount` are left out, defaults filled in, and
    quantities written as a count of units or of thousandths. `workload`: the template is that of a Deployment or the
    like, whose metadata are not cut down to labels and annotations. What has the wrong type is kept as it is.
    """
    return _without_account(_read(template, "PodTemplateSpec", True, workload))


def same_template(before: Mapping[str, Any], after: Mapping[str, Any], *, workload: bool = False) -> bool:
    """Whether a Rollout whose pod template changes from `before` to `after` stays at its revision.

    `before` may be the template of a ReplicaSet. Either both read the same, and so have one hash, or the ReplicaSet
    that was made from `before` equals `after` but for defaults.
    """
    if before == after or _read(before, "PodTemplateSpec", False, workload) == _read(
        after, "PodTemplateSpec", False, workload
    ):
        return True
    return _stored(before, workload) == defaulted(after, workload=workload)


def typed_steps(steps: object) -> Sequence[Any]:
    """Canary steps as the controller reads them: two lists that differ have another step hash.

    Mirrors argo-rollouts `utils/conditions/conditions.go` (ComputeStepHash). Nothing is made equal that merely
    means the same: a pause of `60` differs from one of `1m`.
    """
    return [_read(step, "CanaryStep", False, True) for step in steps] if isinstance(steps, list) else []


def _stored(template: Mapping[str, Any], workload: bool) -> Mapping[str, Any]:
    """What the API server keeps of a ReplicaSet's template: an old account name is copied to the new field.

    Mirrors Kubernetes `pkg/apis/core/v1/conversion.go` (Convert_v1_PodSpec_To_core_PodSpec).
    """
    value = _read(template, "PodTemplateSpec", True, workload)
    spec = value.get("spec")
    if isinstance(spec, dict) and "serviceAccount" in spec:
        spec.setdefault("serviceAccountName", spec["serviceAccount"])
    return _without_account(value)


def _without_account(template: dict[str, Any]) -> dict[str, Any]:
    """The template without the deprecated name of the service account (argo-rollouts#1356) and without the hash."""
    spec, metadata = template.get("spec"), template.get("metadata")
    if isinstance(spec, dict):
        spec.pop("serviceAccount", None)
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if isinstance(labels, dict) and labels.pop(HASH_LABEL, None) is not None and not labels:
        del template["metadata"]["labels"]
        if not template["metadata"]:
            del template["metadata"]
    return template


def _read(value: Any, type_name: str, fill: bool, workload: bool) -> Any:
    """A value of a Go struct: known fields, without those that are zero; with `fill` with its defaults."""
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        return value
    out: dict[str, Any] = {}
    for field, shape in shapes(type_name).items():
        if field in value or (fill and shape[:1].isupper()):
            read = _field(value.get(field), shape, fill, workload)
            if read is not None:
                out[field] = read
    if type_name == "PodTemplateSpec" and not workload and isinstance(out.get("metadata"), dict):
        # The CRD of the Rollout keeps nothing else there.
        out["metadata"] = {k: v for k, v in out["metadata"].items() if k in ("labels", "annotations")}
        if not out["metadata"]:
            del out["metadata"]
    if fill:
        _fill(out, type_name)
    return out


def _field(value: Any, shape: str, fill: bool, workload: bool) -> Any:
    """One field by its shape; `None` where that is the same as its absence."""
    start = shape[:2]
    if start in ("[]", "{}"):
        below = shape[2:]
        if start == "[]" and isinstance(value, list):
            return [_item(each, below, fill, workload) for each in value] or None
        if start == "{}" and isinstance(value, Mapping):
            return {k: _item(v, below, fill, workload) for k, v in value.items()} or None
        return value or None
    if value is None and (shape[:1] == "*" or shape in ("", "Q", "I", "A")):
        return None
    if shape.lstrip("*") in ("", "Q", "I", "A"):
        read = _scalar(value, shape.lstrip("*"), False)
        return read if shape[:1] == "*" or read not in ("", 0, False) else None
    read = _read(value, shape.lstrip("*"), fill, workload)
    return read if shape[:1] == "*" or read != {} else None


def _item(value: Any, shape: str, fill: bool, workload: bool) -> Any:
    if shape in ("", "Q", "A"):
        return _scalar(value, shape, True)
    return _read(value, shape, fill, workload)


def _scalar(value: Any, shape: str, resource: bool) -> Any:
    """A scalar in its one form; `resource`: amounts of resources, which are rounded up to thousandths."""
    if shape == "Q":
        amount = parse_quantity(value)
        return value if amount is None else _amount(amount, resource)
    if isinstance(value, float) and value.is_integer() and shape != "A":
        return int(value)
    return value


def _amount(amount: Fraction, resource: bool) -> str | int:
    """A quantity as text; zero is `0`, the number, which is the same as no quantity."""
    if resource:
        amount = Fraction(math.ceil(amount * 1000), 1000)
        if amount == 0:
            return "0"
    if amount.denominator == 1:
        return str(amount.numerator) if amount else 0
    for digits, suffix in ((3, "m"), (6, "u"), (9, "n")):
        scaled = amount * 10**digits
        if scaled.denominator == 1:
            return f"{scaled.numerator}{suffix}"
    return str(amount)


def _fill(out: dict[str, Any], type_name: str) -> None:
    for field, default in _DEFAULTS.get(type_name, {}).items():
        if field not in out:
            out[field] = dict(default) if isinstance(default, dict) else default
    if type_name == "Volume" and not out.keys() - {"name"}:
        out["emptyDir"] = {}
    if type_name in ("Container", "EphemeralContainer") and "imagePullPolicy" not in out:
        policy = _pull_policy(out.get("image", ""))
        if policy:
            out["imagePullPolicy"] = policy


def _pull_policy(image: object) -> str:
    """`Always` for the tag `latest`, also where it is only meant; `""` where the image is not known yet.

    Mirrors Kubernetes `pkg/util/parsers/parsers.go`: a name that cannot be read has no tag at all.
    """
    if filled_later(image):
        return ""
    match = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    if match is None or _IDENTIFIER.fullmatch(match[0]):
        return "IfNotPresent"
    return "Always" if match["tag"] == "latest" or not (match["tag"] or match["digest"]) else "IfNotPresent"
