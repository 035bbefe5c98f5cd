"""Which findings a sync brings, which it ends, and which stay as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from rolloutlint.change.build import LAST_APPLIED, plain
from rolloutlint.change.objects import Sync
from rolloutlint.change.pairing import key_of
from rolloutlint.controllers.traffic import HASH_LABEL
from rolloutlint.engine import Run, open_sources
from rolloutlint.finding import Finding, SettledFinding
from rolloutlint.graph import Layout
from rolloutlint.model import Resource
from rolloutlint.model.values import dig, mapping, sequence
from rolloutlint.plan.state import State
from rolloutlint.result import Report
from rolloutlint.settle import fingerprint, in_order
from rolloutlint.source import Source

Findings = tuple[SettledFinding, ...]


def compared(old: Report, new: Report, affected: Set[str] | None = None) -> tuple[Findings, Findings, Findings]:
    """The active findings that only `new` has, those that only `old` has, and those of `new` that both have.

    `affected`: the files that were looked at in `old`; what `new` says about others is in both.
    """
    before = {one.fingerprint: one for one in old.active if affected is None or one.file in affected}
    after = {one.fingerprint: one for one in new.active}
    if affected is None:
        return _divided(before, after)
    same = tuple(one for one in new.active if one.file not in affected and not one.finding.rule.startswith("RL8"))
    others = {key: one for key, one in after.items() if one.file in affected or one.finding.rule.startswith("RL8")}
    introduced, fixed, unchanged = _divided(before, others)
    return introduced, fixed, in_order((*unchanged, *same))


def _divided(
    before: Mapping[str, SettledFinding], after: Mapping[str, SettledFinding]
) -> tuple[Findings, Findings, Findings]:
    introduced = tuple(one for key, one in after.items() if key not in before)
    unchanged = tuple(one for key, one in after.items() if key in before)
    return introduced, tuple(one for key, one in before.items() if key not in after), unchanged


def compared_with_cluster(
    previous: State, desired: Run, new: Report, syncs: Sequence[Sync]
) -> tuple[Findings, Findings, Findings]:
    """The same against a cluster: the rules are asked about its objects as they were applied.

    What controllers and servers have written since is no one's fault. A finding is known by the namespace in which its
    object ends; one about an object that the syncs neither bring nor find is taken to be old.
    """
    run, resources = _as_applied(previous)
    ours = {key[:4] for sync in syncs for key in sync.objects}
    before = {}
    for name, resource, one in _named(run, run.report()):
        if resource is not None and key_of(run.world, resource)[:4] in ours:
            place = resources[resource.document.number].place(("metadata", "name"))
            span, _ = previous.run.texts.span(place)
            before[name] = one._replace(file=place.document.source, span=span, lines={})
    after = {}
    others = []
    for name, resource, one in _named(desired, new):
        foreign = resource is not None and key_of(desired.world, resource)[:4] not in ours
        if foreign and not one.finding.rule.startswith("RL8") and name not in before:
            others.append(one)
        else:
            after[name] = one
    introduced, fixed, unchanged = _divided(before, after)
    return introduced, fixed, (*unchanged, *others)


def _named(run: Run, report: Report) -> Iterator[tuple[str, Resource | None, SettledFinding]]:
    """The active findings by what is the same in Git and in a cluster, each with its object."""
    seen: dict[str, int] = {}
    for one in report.active:
        resource = _resource(run, one.finding)
        name = one.fingerprint
        if resource is not None:
            placed = resource.id._replace(namespace=key_of(run.world, resource).namespace, version="")
            path = one.finding.at.path[len(resource.prefix) :]
            said = one.finding._replace(resource=placed, at=one.finding.at._replace(path=path))
            name = fingerprint(said, run.world.view(resource).value)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}:{seen[name]}", resource, one


def _resource(run: Run, finding: Finding) -> Resource | None:
    for resource in run.world.in_file(finding.at.document.source):
        if resource.document == finding.at.document and resource.id == finding.resource:
            return resource
    return None


# ---- a cluster as manifests ----------------------------------------------------------------------------------


def _as_applied(state: State) -> tuple[Run, Sequence[Resource]]:
    """A run over the objects of a cluster as manifests, one document for each of the objects."""
    resources = state.run.world.resources
    text = "".join(f"---\n{json.dumps(_applied(one.thaw()), default=str)}\n" for one in resources)
    source = Source(state.label, text, hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest())
    layout = Layout(roots={state.label: ""}, together=True)
    run = open_sources(
        (source,),
        lambda _: layout,
        lambda name: source if name == state.label else None,
        state.run.settings,
        state.run.catalogue,
    )
    return run, resources


def _applied(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was applied last where that is recorded, else the object without what servers and controllers wrote."""
    written = mapping(dig(value, "metadata", "annotations")).get(LAST_APPLIED)
    if isinstance(written, str):
        try:
            last = json.loads(written)
        except ValueError:
            last = None
        if isinstance(last, dict) and last.get("kind") == value.get("kind"):
            return last
    out: dict[str, Any] = dict(plain(value))
    spec = dict(mapping(out.get("spec")))
    if HASH_LABEL in mapping(spec.get("selector")):
        spec["selector"] = _without_hash(spec["selector"])
    if spec.get("subsets"):
        spec["subsets"] = [
            {**mapping(each), "labels": _without_hash(mapping(each).get("labels"))}
            for each in sequence(spec["subsets"])
        ]
    if spec:
        out["spec"] = spec
    return out


def _without_hash(labels: object) -> Mapping[str, Any]:
    return {key: value for key, value in mapping(labels).items() if key != HASH_LABEL}
