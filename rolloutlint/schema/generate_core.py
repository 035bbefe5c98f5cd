"""Makes `schemas/core/<apiVersion>/<Kind>.json` from the OpenAPI definitions of Kubernetes.

The definitions are those in the PyPI package `kubernetes-validate`, of the newest release it holds. Only structure
is taken. Kubernetes does not validate its own kinds against a schema: it decodes them into Go structs and checks
these by hand (kubernetes pkg/apis/*/validation). So enumerations and bounds are left out, and a field counts as
required only where that code is known to refuse an object without it.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = "dict[str, Any]"

WANTED: Mapping[str, str] = {
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "apps/v1/ReplicaSet": "io.k8s.api.apps.v1.ReplicaSet",
    "autoscaling/v1/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "networking.k8s.io/v1/Ingress": "io.k8s.api.networking.v1.Ingress",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1/PodTemplate": "io.k8s.api.core.v1.PodTemplate",
    "v1/Secret": "io.k8s.api.core.v1.Secret",
    "v1/Service": "io.k8s.api.core.v1.Service",
}
"""apiVersion and kind -> the name of its definition."""

QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
"""The grammar of a quantity (apimachinery pkg/api/resource/quantity.go), as CRDs spell it."""

# What decodes itself, so that its definition does not tell its structure. A quantity is read from a number as well.
_SCALARS: Mapping[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"pattern": QUANTITY_PATTERN, "type": ["number", "string"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["integer", "string"]},
}
_OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

# Short name of a definition -> the fields without which an object is refused. Others that the definitions call
# required are filled with an empty value and accepted: `value` of a header, `seconds` of a sleep.
_REFUSED_WITHOUT: Mapping[str, str] = {
    "AppArmorProfile": "type",
    "ConfigMapKeySelector": "key",
    "Container": "name",
    "ContainerPort": "containerPort",
    "ContainerResourceMetricSource": "name target container",
    "CrossVersionObjectReference": "kind name",
    "Deployment": "spec",
    "DeploymentSpec": "selector template",
    "DownwardAPIVolumeFile": "path",
    "EnvVar": "name",
    "ExternalMetricSource": "metric target",
    "GRPCAction": "port",
    "HPAScalingPolicy": "type value periodSeconds",
    "HTTPGetAction": "port",
    "HTTPHeader": "name",
    "HTTPIngressPath": "pathType backend",
    "HTTPIngressRuleValue": "paths",
    "HorizontalPodAutoscaler": "spec",
    "HorizontalPodAutoscalerSpec": "scaleTargetRef maxReplicas",
    "HostAlias": "ip",
    "HostPathVolumeSource": "path",
    "IngressServiceBackend": "name",
    "KeyToPath": "key path",
    "LabelSelectorRequirement": "key operator",
    "MetricIdentifier": "name",
    "MetricSpec": "type",
    "MetricTarget": "type",
    "NFSVolumeSource": "server path",
    "NodeSelector": "nodeSelectorTerms",
    "NodeSelectorRequirement": "key operator",
    "ObjectFieldSelector": "fieldPath",
    "ObjectMetricSource": "describedObject target metric",
    "PersistentVolumeClaimVolumeSource": "claimName",
    "PodAffinityTerm": "topologyKey",
    "PodReadinessGate": "conditionType",
    "PodSpec": "containers",
    "PodsMetricSource": "metric target",
    "PreferredSchedulingTerm": "weight",
    "ReplicaSetSpec": "selector",
    "ResourceFieldSelector": "resource",
    "ResourceMetricSource": "name target",
    "SeccompProfile": "type",
    "SecretKeySelector": "key",
    "ServicePort": "port",
    "Sysctl": "name",
    "TCPSocketAction": "port",
    "TopologySpreadConstraint": "maxSkew topologyKey whenUnsatisfiable",
    "Volume": "name",
    "VolumeDevice": "name devicePath",
    "VolumeMount": "name mountPath",
    "WeightedPodAffinityTerm": "weight podAffinityTerm",
}

_HANDLED = frozenset(("$ref", "additionalProperties", "format", "items", "properties", "required", "type"))
_LEFT_OUT = frozenset(("default", "description", "enum"))
_INT32 = 2**31


def core_schema(
    definitions: Mapping[str, Schema], name: str, api_version: str, kind: str, object_meta: Schema
) -> Schema:
    """The closed schema of a whole object of the definition `name`; `object_meta` stands for every `metadata`.

    Raises `ValueError` for a keyword or a scalar it does not know, and for recursion.
    """
    out = _convert(definitions, {"$ref": name}, object_meta, ())
    out["$schema"] = "http://json-schema.org/draft-07/schema#"
    fields = out["properties"]
    fields["apiVersion"] = {"const": api_version}
    fields["kind"] = {"const": kind}
    if "status" in fields:
        fields["status"] = {}
    out["required"] = sorted({"apiVersion", "kind", *out.get("required", ())})
    return out


def _convert(definitions: Mapping[str, Schema], node: Schema, object_meta: Schema, above: tuple[str, ...]) -> Schema:
    reference = node.get("$ref", "").rpartition("/")[2]
    if reference in _SCALARS:
        return dict(_SCALARS[reference])
    if reference == _OBJECT_META:
        return object_meta
    if reference:
        if reference in above:
            raise ValueError(f"{reference} contains itself")
        return _convert(definitions, definitions[reference], object_meta, (*above, reference))
    unknown = {key for key in node.keys() - _HANDLED - _LEFT_OUT if not key.startswith("x-kubernetes-")}
    if unknown or "type" not in node:
        raise ValueError(f"{above[-1]}: unknown schema keywords {sorted(unknown)}, or no type")
    # Every field may be null: the decoder leaves it as it was. The API server's answer to null is told by `nulls`.
    (type_,) = {node["type"]} if isinstance(node["type"], str) else set(node["type"]) - {"null"}
    out: Schema = {"type": type_}
    if node.get("format") == "int32":
        out |= {"minimum": -_INT32, "maximum": _INT32 - 1}
    if "items" in node:
        out["items"] = _or_null(_convert(definitions, node["items"], object_meta, above))
    if "additionalProperties" in node:
        out["additionalProperties"] = _convert(definitions, node["additionalProperties"], object_meta, above)
    if "properties" in node:
        # The status is the controllers' business; walking it would only cost space.
        fields = {
            name: each if name != "status" or len(above) > 1 else {"type": "object"}
            for name, each in node["properties"].items()
        }
        out["properties"] = {name: _convert(definitions, each, object_meta, above) for name, each in fields.items()}
        out["additionalProperties"] = False
        required = sorted(_REFUSED_WITHOUT.get(above[-1].rpartition(".")[2], "").split())
        if required:
            out["required"] = required
    return out


def _or_null(item: Schema) -> Schema:
    """A null in a list decodes into an empty value, and is refused only if that is."""
    types = item["type"]
    return {**item, "type": [*([types] if isinstance(types, str) else types), "null"]}


def definitions_of_newest() -> dict[str, Schema]:
    """The OpenAPI definitions of the newest Kubernetes in the installed package. Raises `FileNotFoundError`."""
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package kubernetes-validate is not installed")
    root = pathlib.Path(spec.submodule_search_locations[0], "kubernetes-json-schema")
    found = {
        tuple(map(int, match.groups())): folder
        for folder in root.iterdir()
        if (match := re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)-local", folder.name))
    }
    definitions: dict[str, Schema] = json.loads((found[max(found)] / "_definitions.json").read_text())["$defs"]
    return definitions


def generate_core(definitions: Mapping[str, Schema], object_meta: Schema) -> Iterator[tuple[str, str]]:
    """(path below the output directory, text) of every schema in `WANTED`."""
    for key, name in WANTED.items():
        api_version, _, kind = key.rpartition("/")
        schema = core_schema(definitions, name, api_version, kind, object_meta)
        yield f"{key}.json", json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n"
