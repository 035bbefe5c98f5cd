"""`check --changed-since`: the findings about what has changed since a commit, and about what refers to it.

The unit is the resource, known by its identity: one that says the same as before is unchanged, wherever it stands now
and however it is formatted. What is rendered is compared as it is rendered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from rolloutlint.catalogue import Catalogue
from rolloutlint.engine import Run, open_paths
from rolloutlint.finding import SettledFinding
from rolloutlint.inputs.discover import EXTENSIONS
from rolloutlint.inputs.files import below, read_path
from rolloutlint.inputs.git import PREFIX, Checkout, opened
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.inputs.stdin import STDIN
from rolloutlint.model import Resource
from rolloutlint.result import Report
from rolloutlint.settings import Settings


class Reading(NamedTuple):
    """How the inputs are read: see `engine.open_paths`."""

    force_exclude: bool = False
    use_gitignore: bool = True
    stdin_filename: str = ""
    render: RenderOptions | None = None
    debug: bool = False
    jobs: int = 0


class Concerned(NamedTuple):
    """What a change is about."""

    resources: frozenset[int]
    """The numbers of the objects that are new or changed, and of those that refer to one or to one that is gone."""
    files: Callable[[str], bool]
    """Whether the bytes of a file differ."""


_Key = tuple[str, str, str, str]


def lint_changed(ref: str, paths: Sequence[str], settings: Settings, catalogue: Catalogue, how: Reading) -> Report:
    """The report of `engine.lint_paths`, without the findings that are about nothing that changed since `ref`.

    Everything is read and checked, because most faults lie between two objects. Findings about a file itself stay if
    the file differs. Raises `UsageError` where there is no repository or no such commit.
    """
    ref = ref.removeprefix(PREFIX)
    run = open_paths(
        paths,
        settings,
        catalogue,
        force_exclude=how.force_exclude,
        use_gitignore=how.use_gitignore,
        stdin_filename=how.stdin_filename,
        debug=how.debug,
        jobs=how.jobs,
        render=how.render,
    )
    before = [path for path in paths if path != STDIN]
    before += [how.stdin_filename] if how.stdin_filename and len(before) < len(paths) else []
    with opened(ref, before) as there:
        old = open_paths(
            (*there.paths, *_moved_away(there)),
            settings,
            catalogue,
            use_gitignore=how.use_gitignore,
            jobs=how.jobs,
            render=how.render._replace(given=()) if how.render else None,
            cwd=there.base,
        )
        name_before = _names(there)
        resources = _changed(run, old, name_before)
        about = Concerned(
            frozenset(_with_referrers(run, old, resources)),
            _differs(there, how.stdin_filename or ("<stdin>" if STDIN in paths else "")),
        )
        report = run.report()
        return _only(report, run, about)


def _moved_away(there: Checkout) -> list[str]:
    """Manifests of the commit outside of the given paths that are gone: objects may have come from there."""
    if there.root in there.paths:
        return []
    found = []
    for directory, folders, files in os.walk(there.root):
        if ".git" in folders:
            folders.remove(".git")
        for name in files:
            path = os.path.join(directory, name)
            if name.endswith(EXTENSIONS) and not os.path.lexists(_in_work_tree(there, path)):
                found.append(path)
    return [path for path in found if not any(below(path, one) for one in there.paths)]


def _in_work_tree(there: Checkout, path: str) -> str:
    return os.path.normpath(os.path.join(there.shown_from, os.path.relpath(path, there.base)))


def _names(there: Checkout) -> Callable[[str], str]:
    """From the name of a file now to its name in the commit: they differ where names of the work tree are absolute."""
    top = there.shown_from.replace(os.sep, "/")

    def name_before(name: str) -> str:
        return name[len(top) + 1 :] if name.startswith(top + "/") else name

    return name_before


def _differs(there: Checkout, given: str) -> Callable[[str], bool]:
    """Whether a file now differs from what it was; what came through standard input always does."""
    known: dict[str, bool] = {}

    def differs(name: str) -> bool:
        if name not in known:
            now = read_path(os.path.abspath(name), name)
            path = os.path.relpath(os.path.realpath(name), there.shown_from)
            old = read_path(os.path.join(there.base, path), name)
            known[name] = not (isinstance(now, bytes) and isinstance(old, bytes)) or _lines(now) != _lines(old)
        return known[name] or name == given

    return differs


def _lines(data: bytes) -> bytes:
    """The bytes as git keeps them where a work tree has other line ends."""
    return data.replace(b"\r\n", b"\n")


# ---- which objects -------------------------------------------------------------------------------------------


def _key(run: Run, resource: Resource) -> _Key:
    return (*resource.group_kind, run.world.namespace(resource) or resource.id.namespace, resource.id.name)


def _by_key(run: Run) -> Mapping[_Key, list[Resource]]:
    found: dict[_Key, list[Resource]] = {}
    for one in run.world.resources:
        found.setdefault(_key(run, one), []).append(one)
    return found


def _changed(run: Run, old: Run, name_before: Callable[[str], str]) -> list[Resource]:
    """The objects that are not what they were: in their file, or in one that does not hold them any more."""
    before = _by_key(old)
    changed = []
    for key, now in _by_key(run).items():
        were = before.get(key, [])
        files = {name_before(one.document.source) for one in now}
        left = [one for one in were if one.document.source not in files]
        for one in now:
            name = name_before(one.document.source)
            here = [other for other in were if other.document.source == name]
            if not any(_same(run, one, old, other) for other in here or left):
                changed.append(one)
    return changed


def _same(run: Run, one: Resource, old: Run, other: Resource) -> bool:
    if one.frozen != other.frozen and _spelled(one) != _spelled(other):
        return False
    overlays = run.world.layout.overlays_of(one.document.source)
    before = old.world.layout.overlays_of(other.document.source)
    return overlays == before or {*map(_effect, overlays)} == {*map(_effect, before)}


def _spelled(resource: Resource) -> str:
    """The value with its types: in Python `1` and `true` are equal."""
    return json.dumps(resource.thaw(), sort_keys=True, default=repr)


def _effect(overlay: object) -> object:
    """What an overlay does, whatever directory it stands in."""
    return tuple(getattr(overlay, name, None) for name in ("namespace", "renames", "patches"))


def _with_referrers(run: Run, old: Run, changed: Sequence[Resource]) -> Iterable[int]:
    """The numbers of the changed objects, and of those that refer to one, or did to one that is gone."""
    for one in changed:
        yield one.number
        for reference in run.world.referrers(one):
            yield reference.origin.number
    now = _by_key(run)
    for key, gone in _by_key(old).items():
        if key in now:
            continue
        for one in gone:
            for reference in old.world.referrers(one):
                yield from (user.number for user in now.get(_key(old, reference.origin), ()))


# ---- which findings ------------------------------------------------------------------------------------------


def _only(report: Report, run: Run, about: Concerned) -> Report:
    chosen = [run.world.resources[number] for number in about.resources]
    exact = {(one.document, one.id) for one in chosen}
    somewhere = {one.id for one in chosen}
    there = {(one.document, one.id) for one in run.world.resources}

    def stays(finding: SettledFinding) -> bool:
        said = finding.finding
        if said.resource is None:
            return not finding.file or about.files(finding.file)
        place = (said.at.document, said.resource)
        # What is rendered is told at the place that a person edits, which is another document.
        return place in exact if place in there else said.resource in somewhere

    kept = tuple(f for f in report.findings if stays(f))
    left = sum(f.disposition == "active" for f in report.findings) - sum(f.disposition == "active" for f in kept)
    counts = report.counts._replace(changed=len(chosen), left_out=left)
    return report._replace(findings=kept, counts=counts)
