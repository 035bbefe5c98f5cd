"""A Kubernetes object of the inputs: who it is, where it stands, and its value on demand.

Values are kept frozen (marshalled, about the size of their YAML) and thawed when a check asks, so that memory
follows the text of the repository and not the far larger trees of Python objects made from it.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from rolloutlint.finding import DocumentId, Part, Path, Place, Related, ResourceId
from rolloutlint.model.values import mapping, sequence, string_map, text
from rolloutlint.schema import Violation, is_valid, schema_key, violations

CLUSTER_SCOPED = frozenset(
    {
        ("argoproj.io", "ClusterAnalysisTemplate"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("storage.k8s.io", "StorageClass"),
        ("networking.k8s.io", "IngressClass"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("apiregistration.k8s.io", "APIService"),
    }
)


class Resource(NamedTuple):
    """One object as loaded. `number` is its place in load order and its key in the world."""

    number: int
    id: ResourceId
    document: DocumentId
    prefix: Path
    """Path of the object inside its document: `("items", 3)` in a `kind: List`, else `()`."""
    frozen: bytes

    @property
    def group_kind(self) -> tuple[str, str]:
        """API group and kind, the key by which rules and views are chosen."""
        return self.id.group, self.id.kind

    def thaw(self) -> dict[str, Any]:
        """A fresh copy of the object's plain value."""
        value: dict[str, Any] = marshal.loads(self.frozen)
        return value

    def mentions(self, text: str) -> bool:
        """Whether an ASCII text occurs anywhere in the object's keys or values; cheap, without thawing."""
        return text.encode() in self.frozen

    def place(self, path: Path = (), part: Part = "value", piece: tuple[int, int] | None = None) -> Place:
        """The symbolic place of `path` (counted from the object's root) in its document."""
        return Place(self.document, self.prefix + path, part, piece)


def split_api_version(api_version: str) -> tuple[str, str]:
    """`apps/v1` -> `("apps", "v1")`, `v1` -> `("", "v1")`."""
    group, slash, version = api_version.rpartition("/")
    return (group, version) if slash else ("", api_version)


def is_object(value: Any) -> bool:
    """True for a mapping that claims to be a Kubernetes object: string `apiVersion` and `kind`."""
    return isinstance(value, dict) and isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str)


def objects(value: Any, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The Kubernetes objects in a document with their paths: itself, or the items of a `List` (nested too).

    Any kind that ends in `List` and has a list `items` is descended, as kubectl and Argo CD flatten it.
    """
    stack: list[tuple[Path, Any]] = [(path, value)]
    while stack:
        here, node = stack.pop()
        if not is_object(node):
            continue
        if node["kind"].endswith("List") and isinstance(node.get("items"), list):
            stack.extend(((*here, "items", i), item) for i, item in reversed(list(enumerate(node["items"]))))
        else:
            yield here, node


def identify(value: Mapping[str, Any]) -> ResourceId:
    """The identity that an object's text claims; malformed parts are empty."""
    group, version = split_api_version(text(value.get("apiVersion")))
    metadata = mapping(value.get("metadata"))
    return ResourceId(
        group, version, text(value.get("kind")), text(metadata.get("namespace")), text(metadata.get("name"))
    )


def make_resource(number: int, document: DocumentId, prefix: Path, value: dict[str, Any]) -> Resource:
    """The `Resource` of a plain value; the value itself is not kept."""
    return Resource(number, identify(value), document, prefix, marshal.dumps(value))


class View:
    """A read-only look at one object. Subclasses add what their kind means; none ever raises.

    A view lives as long as the checks of its neighbourhood; properties are computed when asked.
    """

    def __init__(self, resource: Resource, value: dict[str, Any] | None = None) -> None:
        self.resource = resource
        self.value: Mapping[str, Any] = resource.thaw() if value is None else value

    @property
    def id(self) -> ResourceId:
        """Group, version, kind, namespace and name as written."""
        return self.resource.id

    @property
    def name(self) -> str:
        """`metadata.name`, or `""`."""
        return self.resource.id.name

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`metadata`, empty if malformed."""
        return mapping(self.value.get("metadata"))

    @property
    def labels(self) -> Mapping[str, str]:
        """`metadata.labels`, string values only."""
        return string_map(self.metadata.get("labels"))

    @property
    def annotations(self) -> Mapping[str, str]:
        """`metadata.annotations`, string values only."""
        return string_map(self.metadata.get("annotations"))

    @property
    def spec(self) -> Mapping[str, Any]:
        """`spec`, empty if malformed."""
        return mapping(self.value.get("spec"))

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """Whatever the schema of this kind does not allow, in document order; `()` for kinds without one."""
        group, kind = schema_key(self.id.group, self.id.version, self.id.kind)
        return () if is_valid(group, kind, self.value) else violations(group, kind, self.value)

    def place(self, path: Path = (), part: Part = "value", piece: tuple[int, int] | None = None) -> Place:
        """The symbolic place of `path` in this object."""
        return self.resource.place(path, part, piece)

    def related(self, path: Path, message: str, part: Part = "value") -> Related:
        """This object as another place that explains a finding."""
        return Related(self.place(path, part), message, self.resource.id)


def containers(template: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The app containers of a pod template with their paths below the template."""
    spec = mapping(template.get("spec"))
    for index, item in enumerate(sequence(spec.get("containers"))):
        if isinstance(item, dict):
            yield ("spec", "containers", index), item
