"""What Argo CD makes of the pod template of a Rollout before it compares: the template as Go writes it.

Mirrors argo-cd `util/argo/normalizers/knowntypes_normalizer.go`: `spec.template.spec` is read into a
`corev1.PodSpec` and written again. Empty values go, amounts get their canonical form, and a container without
`resources` gets `resources: {}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rolloutlint.controllers.pod_types import shapes
from rolloutlint.lang.quantity import parse_quantity

_ALWAYS: Mapping[str, tuple[str, ...]] = {
    "Container": ("name",),
    "EphemeralContainer": ("name",),
    "EnvVar": ("name",),
    "HTTPHeader": ("name", "value"),
    "Sysctl": ("name", "value"),
    "ContainerPort": ("containerPort",),
    "VolumeMount": ("name", "mountPath"),
    "VolumeDevice": ("name", "devicePath"),
    "Volume": ("name",),
    "ObjectFieldSelector": ("fieldPath",),
    "ResourceFieldSelector": ("resource",),
    "ConfigMapKeySelector": ("key",),
    "SecretKeySelector": ("key",),
    "KeyToPath": ("key", "path"),
    "DownwardAPIVolumeFile": ("path",),
    "HostPathVolumeSource": ("path",),
    "PersistentVolumeClaimVolumeSource": ("claimName",),
    "PodAffinityTerm": ("topologyKey",),
    "WeightedPodAffinityTerm": ("weight",),
    "PreferredSchedulingTerm": ("weight",),
    "TopologySpreadConstraint": ("maxSkew", "topologyKey", "whenUnsatisfiable"),
    "NodeSelectorRequirement": ("key", "operator"),
    "LabelSelectorRequirement": ("key", "operator"),
    "GRPCAction": ("port",),
    "SleepAction": ("seconds",),
    "HostAlias": ("ip",),
    "SeccompProfile": ("type",),
    "AppArmorProfile": ("type",),
    "ServiceAccountTokenProjection": ("path",),
    "PodReadinessGate": ("conditionType",),
    "CSIVolumeSource": ("driver",),
    "NFSVolumeSource": ("server", "path"),
    "ContainerResizePolicy": ("resourceName", "restartPolicy"),
}
"""Go type -> fields without `omitempty`: they are written even where they are empty."""
_EMPTY: tuple[Any, ...] = ("", 0, False)


def as_compared(manifest: Mapping[str, Any], group: str, kind: str) -> Mapping[str, Any]:
    """A manifest with its pod template as Argo CD compares it; others than Rollouts stay as they are."""
    spec = manifest.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    if group != "argoproj.io" or kind != "Rollout" or not isinstance(spec, dict) or not isinstance(template, dict):
        return manifest
    pod = template.get("spec")
    if not isinstance(pod, dict):
        return manifest
    return {**manifest, "spec": {**spec, "template": {**template, "spec": _object(pod, "PodSpec")}}}


def _object(value: Mapping[str, Any], type_name: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    known = shapes(type_name)
    always = _ALWAYS.get(type_name, ())
    for key, item in value.items():
        shape = known.get(key)
        if shape is None or item is None:
            continue
        if shape == "":
            if key in always or not _is_empty(item):
                out[key] = item
        elif shape[:2] in ("[]", "{}"):
            if item:
                out[key] = _several(item, shape[2:])
        else:
            out[key] = _value(item, shape.lstrip("*"))
    for key, shape in known.items():
        if key in out:
            continue
        if shape == "Q":
            out[key] = "0"
        elif shape not in ("", "Q", "I", "A") and shape[0] not in "[{*":
            out[key] = {}
    if type_name == "PodSpec":
        out.setdefault("containers", None)
    return out


def _several(value: Any, shape: str) -> Any:
    if isinstance(value, list):
        return [_value(item, shape) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, shape) for key, item in value.items()}
    return value


def _value(value: Any, shape: str) -> Any:
    if shape == "Q":
        return _amount(value)
    if shape in ("", "I", "A") or not isinstance(value, dict):
        return value
    return _object(value, shape)


def _is_empty(value: Any) -> bool:
    return any(type(value) is type(empty) and value == empty for empty in _EMPTY)


_DECIMAL = ((18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k"), (0, ""), (-3, "m"), (-6, "u"), (-9, "n"))
_BINARY = ((60, "Ei"), (50, "Pi"), (40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki"), (0, ""))


def _amount(value: Any) -> Any:
    """A quantity in its canonical form (apimachinery `pkg/api/resource/quantity.go` CanonicalizeBytes)."""
    amount = parse_quantity(value)
    if amount is None:
        return value
    text = str(value).strip()
    if amount == 0:
        return "0"
    if text.endswith("i") and abs(amount) >= 1024 and amount.denominator == 1:
        for power, suffix in _BINARY:
            if amount % (1 << power) == 0:
                return f"{amount.numerator >> power}{suffix}"
    if "e" in text.lower() and text[-1:] not in ("E",):
        return _with_exponent(amount)
    for power, suffix in _DECIMAL:
        scaled = amount / Fraction(10) ** power
        if scaled.denominator == 1:
            return f"{scaled.numerator}{suffix}"
    return value


def _with_exponent(amount: Fraction) -> str:
    for power in range(18, -12, -3):
        scaled = amount / Fraction(10) ** power
        if scaled.denominator == 1:
            return f"{scaled.numerator}e{power}" if power else str(scaled.numerator)
    return str(amount)
