"""The Argo CD Application: what it syncs, from where, to where and how.

Field meanings: argo-cd `pkg/apis/application/v1alpha1/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutlint.controllers.sync_options import Policy, policy
from rolloutlint.finding import Path
from rolloutlint.model.resource import View
from rolloutlint.model.values import dig, entries, mapping, sequence, text

if TYPE_CHECKING:
    from rolloutlint.controllers.ignore_differences import Rule


class ApplicationSource(NamedTuple):
    """One source of an Application."""

    path: Path
    value: Mapping[str, Any]

    @property
    def repo_url(self) -> str:
        """`repoURL`."""
        return text(self.value.get("repoURL"))

    @property
    def only_values(self) -> bool:
        """True for a source that others take values files from (`ref`), and that delivers nothing itself."""
        return bool(text(self.value.get("ref"))) and not self.value.get("path") and not self.value.get("chart")

    @property
    def directory(self) -> str:
        """`path` without surrounding slashes or `./`; `""` where there is none."""
        parts = [p for p in text(self.value.get("path")).split("/") if p not in ("", ".")]
        return "/".join(parts) if parts else ("." if text(self.value.get("path")) else "")


class Application(View):
    """argoproj.io Application."""

    @cached_property
    def sources(self) -> tuple[ApplicationSource, ...]:
        """`sources` if set (it wins silently over `source`: types.go HasMultipleSources), else `source`."""
        many = tuple(ApplicationSource(p, v) for p, v in entries(self.value, (), "spec", "sources"))
        if many:
            return many
        single = self.spec.get("source")
        return (ApplicationSource(("spec", "source"), single),) if isinstance(single, dict) else ()

    @property
    def destination(self) -> str:
        """The cluster: `server` without a trailing slash, or `name:<name>`; `""` where neither is written."""
        target = mapping(self.spec.get("destination"))
        server = text(target.get("server")).rstrip("/")
        return server or (f"name:{target['name']}" if text(target.get("name")) else "")

    @property
    def destination_namespace(self) -> str:
        """`destination.namespace`, the namespace of objects that state none."""
        return text(dig(self.spec, "destination", "namespace"))

    @cached_property
    def sync_options(self) -> tuple[tuple[Path, str], ...]:
        """`syncPolicy.syncOptions` with their paths."""
        options = sequence(dig(self.spec, "syncPolicy", "syncOptions"))
        return tuple((("spec", "syncPolicy", "syncOptions", i), o) for i, o in enumerate(options) if isinstance(o, str))

    def has_option(self, option: str) -> bool:
        """True where `option` is set, compared exactly as Argo CD does (types.go SyncOptions.HasOption)."""
        return any(o == option for _, o in self.sync_options)

    @property
    def automated(self) -> bool:
        """True where syncs happen without a person (types.go IsAutomatedSyncEnabled)."""
        automated = dig(self.spec, "syncPolicy", "automated")
        return isinstance(automated, dict) and automated.get("enabled") is not False

    @property
    def self_heal(self) -> bool:
        """True where drift alone starts a sync."""
        return self.automated and dig(self.spec, "syncPolicy", "automated", "selfHeal") is True

    @cached_property
    def ignore_rules(self) -> tuple[Rule, ...]:
        """`ignoreDifferences` as Argo CD reads them."""
        from rolloutlint.controllers.ignore_differences import rules_of

        return rules_of(self.spec)

    @cached_property
    def policy(self) -> Policy:
        """`syncPolicy` as the controller reads it."""
        return policy(self.spec)
