"""Sync options and sync policy of Argo CD: exact strings, read at one level only, silent about all others.

Mirrors argo-cd `pkg/apis/application/v1alpha1/types.go` (SyncOptions, IsAutomatedSyncEnabled),
`controller/sync.go`, `controller/state.go` and gitops-engine `pkg/sync`, `pkg/diff`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

SYNC_OPTIONS_ANNOTATION = "argocd.argoproj.io/sync-options"
COMPARE_OPTIONS_ANNOTATION = "argocd.argoproj.io/compare-options"

Level = Literal["application", "resource"]
Verdict = Literal["valid", "no-op", "wrong-level", "unknown"]
DiffStrategy = Literal["three-way", "structured-merge", "server-side"]

_APPLICATION = frozenset(
    (
        "Validate=false",
        "CreateNamespace=true",
        "PrunePropagationPolicy=background",
        "PrunePropagationPolicy=foreground",
        "PrunePropagationPolicy=orphan",
        "PruneLast=true",
        "Replace=true",
        "ServerSideApply=true",
        "ApplyOutOfSyncOnly=true",
        "RespectIgnoreDifferences=true",
        "FailOnSharedResource=true",
        "ClientSideApplyMigration=false",
        "SkipDryRunOnMissingResource=true",
        "Prune=false",
        "Prune=confirm",
        "Delete=false",
        "Delete=confirm",
    )
)
_RESOURCE = frozenset(
    (
        "Prune=false",
        "Prune=confirm",
        "Delete=false",
        "Delete=confirm",
        "Validate=false",
        "SkipDryRunOnMissingResource=true",
        "PruneLast=true",
        "Replace=true",
        "Force=true",
        "ServerSideApply=true",
        "ServerSideApply=false",
        "ClientSideApplyMigration=false",
    )
)
_EFFECTIVE: dict[Level, frozenset[str]] = {"application": _APPLICATION, "resource": _RESOURCE}
# The defaults, written down: they change nothing, and nobody expects them to.
_DEFAULTS = frozenset(
    (
        "Validate=true",
        "CreateNamespace=false",
        "PruneLast=false",
        "Replace=false",
        "Force=false",
        "ServerSideApply=false",
        "ApplyOutOfSyncOnly=false",
        "RespectIgnoreDifferences=false",
        "FailOnSharedResource=false",
        "ClientSideApplyMigration=true",
        "SkipDryRunOnMissingResource=false",
        "Prune=true",
        "Delete=true",
    )
)
_ALL = _APPLICATION | _RESOURCE | _DEFAULTS
_FOLDED = {option.lower(): option for option in sorted(_ALL)}
_BARE = {
    option.split("=")[0].lower(): option for option in sorted(_APPLICATION | _RESOURCE) if option.endswith("=true")
}


class Option(NamedTuple):
    """What Argo CD makes of one option string."""

    text: str
    verdict: Verdict
    suggestion: str | None = None
    """The string that was meant: another case, no spaces, the value that is missing."""
    reason: str = ""


class Policy(NamedTuple):
    """`spec.syncPolicy` of an Application as the controller reads it."""

    automated: bool = False
    self_heal: bool = False
    prune: bool = False
    allow_empty: bool = False
    options: frozenset[str] = frozenset()
    """The option strings as written."""

    @property
    def apply_out_of_sync_only(self) -> bool:
        """A sync leaves resources alone that are Synced."""
        return "ApplyOutOfSyncOnly=true" in self.options

    @property
    def respect_ignore_differences(self) -> bool:
        """A sync writes the live value where a difference is ignored."""
        return "RespectIgnoreDifferences=true" in self.options

    @property
    def server_side_apply(self) -> bool:
        """A sync applies on the server, for every resource that does not say otherwise."""
        return "ServerSideApply=true" in self.options

    @property
    def prune_last(self) -> bool:
        """Prunes come after all waves."""
        return "PruneLast=true" in self.options


def classify(text: str, level: Level = "application") -> Option:
    """Whether Argo CD reads `text` at `level`; it compares whole strings, case and all (`types.go HasOption`)."""
    if text in _EFFECTIVE[level]:
        return Option(text, "valid")
    other: Level = "resource" if level == "application" else "application"
    if text in _EFFECTIVE[other] and text not in _DEFAULTS:
        where = "in a resource's annotation" if other == "resource" else "in the Application's `syncOptions`"
        return Option(text, "wrong-level", reason=f"it is read {where} only")
    if text in _DEFAULTS:
        return Option(text, "no-op", reason="it writes down the default")
    meant = _meant(text)
    if meant is None:
        return Option(text, "unknown", reason="Argo CD has no such option")
    return Option(text, "unknown", meant, "Argo CD compares the whole string, case and spaces included")


def _meant(text: str) -> str | None:
    squeezed = "".join(text.split()).lower().strip("\"'").replace(":", "=")
    if squeezed in _FOLDED:
        return _FOLDED[squeezed]
    name, equals, value = squeezed.partition("=")
    name = name.replace("-", "").replace("_", "")
    if not equals or not value:
        return _BARE.get(name)
    value = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}.get(value, value)
    return _FOLDED.get(f"{name}={value}")


def split_annotation(value: object) -> tuple[str, ...]:
    """The options of an annotation: separated by commas, trimmed (gitops-engine `pkg/sync/resource`)."""
    if not isinstance(value, str):
        return ()
    return tuple(part for part in map(str.strip, value.split(",")) if part)


def resource_options(manifest: object, annotation: str = SYNC_OPTIONS_ANNOTATION) -> frozenset[str]:
    """The options that a manifest's annotation carries, as written."""
    return frozenset(split_annotation(_annotation(manifest, annotation)))


def policy(spec: object) -> Policy:
    """The sync policy in an Application's `spec`; what is malformed counts as absent.

    `automated: {}` turns automatic sync on, and so does `enabled` left out; `enabled: false` turns it off
    (`types.go IsAutomatedSyncEnabled`).
    """
    sync = _mapping(_mapping(spec).get("syncPolicy"))
    written = sync.get("automated")
    automated = _mapping(written)
    enabled = isinstance(written, dict) and automated.get("enabled") is not False
    options = sync.get("syncOptions")
    return Policy(
        automated=enabled,
        self_heal=enabled and automated.get("selfHeal") is True,
        prune=enabled and automated.get("prune") is True,
        allow_empty=enabled and automated.get("allowEmpty") is True,
        options=frozenset(option for option in options if isinstance(option, str))
        if isinstance(options, list)
        else frozenset(),
    )


def diff_strategy(application: object, manifest: object = None) -> DiffStrategy:
    """How Argo CD compares, as far as the Application and one resource say (gitops-engine `pkg/diff/diff.go`).

    `controller.diff.server.side` in argocd-cmd-params-cm can make it server-side for all Applications.
    """
    if "ServerSideDiff=true" in resource_options(application, COMPARE_OPTIONS_ANNOTATION):
        return "server-side"
    if policy(_mapping(application).get("spec")).server_side_apply:
        return "structured-merge"
    if "ServerSideApply=true" in resource_options(manifest):
        return "structured-merge"
    return "three-way"


def applies_server_side(application: object, manifest: object = None) -> bool:
    """Whether a sync applies this resource on the server (gitops-engine `pkg/sync/sync_context.go`).

    The annotation on the resource wins over the Application; `Replace=true` at either level wins over both.
    """
    options = policy(_mapping(application).get("spec")).options
    own = resource_options(manifest)
    if "Replace=true" in options or "Replace=true" in own:
        return False
    if "ServerSideApply=false" in own:
        return False
    return "ServerSideApply=true" in own or "ServerSideApply=true" in options


def _annotation(manifest: object, key: str) -> Any:
    return _mapping(_mapping(_mapping(manifest).get("metadata")).get("annotations")).get(key)


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}
