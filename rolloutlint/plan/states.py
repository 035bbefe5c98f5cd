"""The two states that a plan compares, opened from whatever the user has: a commit, files, the output of kubectl.

What is wrong with an input is said with its place, as part of what the run could not look at; the rest is planned.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from rolloutlint.catalogue import Catalogue
from rolloutlint.engine import Run, open_paths, open_sources
from rolloutlint.errors import RolloutlintError, UsageError
from rolloutlint.finding import Incomplete
from rolloutlint.graph import Layout, World
from rolloutlint.inputs.files import LIMIT, display, read_path, refuse_binary
from rolloutlint.inputs.git import PREFIX, Checkout, opened
from rolloutlint.inputs.globs import is_magic
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.inputs.stdin import NAME, STDIN, read_stdin
from rolloutlint.loading import Loaded
from rolloutlint.model import Resource
from rolloutlint.model.resource import is_object
from rolloutlint.plan.live import is_live, is_made
from rolloutlint.plan.state import State
from rolloutlint.settings import Settings
from rolloutlint.source import Problem, Source, decode, load
from rolloutlint.source.documents import slices

_TOP_KEY = re.compile(r"^(?:kind|items)[ \t]*:", re.MULTILINE)
_ITEM = re.compile(r"^- ", re.MULTILINE)
_ITEM_KIND = re.compile(r"^(?:- |  )kind: *(\S+)\s*\n", re.MULTILINE)
_ITEM_NAME = re.compile(r"^    name: *(\S+)\s*\n", re.MULTILINE)
_ITEM_NAMESPACE = re.compile(r"^    namespace: *(\S+)\s*\n", re.MULTILINE)
_JSON_ITEMS = re.compile(r'"items"\s*:\s*\[')
_JSON_END = re.compile(r'"kind"\s*:\s*"\w*List"[^{}]*(?:\{[^{}]*\}[^{}]*)?\}\s*$')
_JSON_GAP = re.compile(r"[\s,]*")
_LIST = {"apiVersion": "v1", "kind": "List"}
_TABLE = re.compile(r"\s*(?:NAMESPACE\s+)?NAME\s+\S")


class Inputs(NamedTuple):
    """How inputs are read, the same for both states."""

    force_exclude: bool = False
    use_gitignore: bool = True
    debug: bool = False
    jobs: int = 0
    together: bool = False
    """See `engine.open_paths`; a dump of a cluster is always together."""
    render: RenderOptions | None = None
    """How kustomizations and charts are rendered; output that was made elsewhere counts for the desired state."""


AS_FOUND = Inputs()


class Opened(NamedTuple):
    """One state, as long as its inputs are there."""

    state: State
    notes: tuple[str, ...] = ()
    """What to know about the input, as sentences without a full stop."""


@contextmanager
def open_states(
    previous: str,
    desired: str,
    paths: Sequence[str],
    settings: Settings,
    catalogue: Catalogue,
    inputs: Inputs = AS_FOUND,
) -> Iterator[tuple[Opened, Opened]]:
    """Both states. `previous` and `desired` are what `open_state` takes; an empty `desired` means the work tree.

    Raises `UsageError` for what cannot be meant, as the states given the wrong way round, and `RolloutlintError` for
    an input that holds nothing at all.
    """
    if previous == desired == STDIN:
        raise UsageError("--from and --to cannot both be standard input")
    own = inputs._replace(render=inputs.render._replace(given=())) if inputs.render else inputs
    with (
        open_state(previous, paths, settings, catalogue, own, apart=True) as before,
        open_state(desired, paths, settings, catalogue, inputs) as after,
    ):
        if after.state.mode == "live":
            _swapped(before, after)
        if before.state.mode == "git":
            _not_compared(before.state.run)
        yield before, after


@contextmanager
def open_state(
    text: str,
    paths: Sequence[str],
    settings: Settings,
    catalogue: Catalogue,
    inputs: Inputs = AS_FOUND,
    *,
    apart: bool = False,
) -> Iterator[Opened]:
    """One state: `git:REF` (the `paths` of that commit), a directory, a file, `-`, or empty for the `paths` themselves.

    It is `live` where most of its objects carry what only a cluster writes. The objects that controllers made are then
    no part of its world. With `apart` the names of files in a directory count from that directory, as for another
    checkout of the same repository. Raises `UsageError` and `RolloutlintError` as `open_states`.
    """
    if text.startswith(PREFIX):
        if STDIN in paths:
            raise UsageError(f"no commit has standard input: {text} needs the paths of files or directories")
        with opened(text[len(PREFIX) :], paths) as there:
            for path in there.absent:
                if not is_magic(path) and not os.path.lexists(path):
                    raise UsageError(f"{path}: neither here nor in {text}")
            run = _run(there.paths, settings, catalogue, inputs, there.base)
            run.incomplete = [_as_shown(entry, there) for entry in (*run.incomplete, *there.incomplete)]
            yield _opened(text, run, [f"{text} has no {path}: all of it is new" for path in there.absent])
        return
    if not text:
        yield _opened(" ".join(paths), _run(paths, settings, catalogue, inputs))
        return
    if text != STDIN and not os.path.lexists(text):
        raise UsageError(f"{text}: no such file or directory (a commit is written {PREFIX}{text})")
    if os.path.isdir(text):
        run = _run((os.path.abspath(text),), settings, catalogue, inputs, os.path.realpath(text) if apart else "")
        yield _opened(text, run, () if run.loaded.slices else (f"{text} holds no manifests",))
        return
    run, notes = _single(text, settings, catalogue, inputs)
    yield _opened("standard input" if text == STDIN else text, run, notes)


def _as_shown(entry: Incomplete, there: Checkout) -> Incomplete:
    """The entry with the repository in place of the directory that held the commit's files for a while."""
    return entry._replace(message=entry.message.replace(there.root, there.top))


def _run(paths: Sequence[str], settings: Settings, catalogue: Catalogue, inputs: Inputs, cwd: str = "") -> Run:
    return open_paths(
        paths,
        settings,
        catalogue,
        force_exclude=inputs.force_exclude,
        use_gitignore=inputs.use_gitignore,
        debug=inputs.debug,
        jobs=inputs.jobs,
        render=inputs.render,
        together=inputs.together,
        cwd=cwd,
    )


# ---- one text ------------------------------------------------------------------------------------------------


def _single(text: str, settings: Settings, catalogue: Catalogue, inputs: Inputs) -> tuple[Run, Sequence[str]]:
    """The run over one file or standard input, mended where the text ends in the middle of a list."""
    if text == STDIN:
        name, raw = NAME, read_stdin()
    else:
        path = os.path.abspath(text)
        name = display(path, os.getcwd())
        raw = read_path(path, name, LIMIT)
        if isinstance(raw, bytes):
            raw = refuse_binary(raw, name, True)
    if isinstance(raw, Incomplete):
        raise RolloutlintError(f"{name}: {raw.message}")
    source = decode(raw, name, "" if text == STDIN else os.path.abspath(text))
    if isinstance(source, Problem):
        raise RolloutlintError(f"{_where(source)}: {source.message}")
    if not source.text.strip():
        raise RolloutlintError(f"{name} is empty: what should have written it has failed, or found nothing")
    mended, loss = _mended(source)

    def layout(loaded: Loaded) -> Layout:
        base = os.getcwd().replace(os.sep, "/")
        return Layout(roots={name: ""}, base=base, together=inputs.together)

    feed = (mended,) if loss is None else (mended, loss)
    run = open_sources(feed, layout, lambda _: mended, settings, catalogue, debug=inputs.debug)
    if not run.world.resources and not run.loaded.problems and not _is_list(mended):
        raise RolloutlintError(f"{name} holds no Kubernetes object: {_instead(source.text)}")
    unended = loss is None and not source.text.endswith("\n")
    return run, (f"{name} does not end in a line break, as output of kubectl does: it may be cut off",) * unended


def _instead(text: str) -> str:
    """What a text without objects seems to be."""
    line = next(line for line in text.splitlines() if line.strip()).strip()
    shown = line if len(line) <= 80 else line[:79] + "…"
    if _TABLE.match(line):
        return "it is a table for people: add `-o yaml` to the command"
    return f"it starts with `{shown}`"


def _is_list(source: Source) -> bool:
    """Whether the text is a list of objects, even an empty one."""
    values = [item.value for item in load(source) if not isinstance(item, Problem)]
    return any(is_object(value) and value["kind"].endswith("List") for value in values)


def _mended(source: Source) -> tuple[Source, Incomplete | None]:
    """A list that ends in the middle, cut behind its last whole item; all other texts as they are.

    kubectl writes the keys of a list in order of name, so that `kind` comes after all items.
    """
    text = source.text
    if text.lstrip().startswith("{"):
        return _mended_json(source)
    start, end = max(slices(text), default=(0, 0))
    part = text[start:end]
    if {key[0].rstrip(" \t:") for key in _TOP_KEY.finditer(part)} != {"items"}:
        return source, None
    items = [found.start() for found in _ITEM.finditer(part)]
    if not items:
        return source, None
    whole = text[: start + items[-1]] if len(items) > 1 else text[:start]
    ended = whole + "kind: List\n" if len(items) > 1 else whole or "apiVersion: v1\nitems: []\nkind: List\n"
    return source._replace(text=ended), _cut_off(source, _described(part[items[-1] :]))


def _cut_off(source: Source, lost: str) -> Incomplete:
    line = len(source.text.splitlines())
    message = f"the output is cut off at line {line}, in the middle of {lost}: that and whatever followed is missing"
    return Incomplete(source.name, "unreadable", message, lost=True)


def _described(item: str) -> str:
    kind, name, namespace = (found.search(item) for found in (_ITEM_KIND, _ITEM_NAME, _ITEM_NAMESPACE))
    if kind is None:
        return "an object"
    if name is None:
        return f"an object of kind {kind[1]}"
    return f"{kind[1]} {namespace[1]}/{name[1]}" if namespace else f"{kind[1]} {name[1]}"


def _mended_json(source: Source) -> tuple[Source, Incomplete | None]:
    import json

    text = source.text
    items = _JSON_ITEMS.search(text)
    if items is None or _JSON_END.search(text, max(items.end(), len(text) - 500)):
        return source, None
    decoder = json.JSONDecoder()
    try:
        decoder.decode(text)
    except (ValueError, RecursionError):
        pass
    else:
        return source, None
    at = end = items.end()
    try:
        while text[at := _JSON_GAP.match(text, at).end()] == "{":  # type: ignore[union-attr]
            _, at = decoder.raw_decode(text, at)
            end = at
    except (ValueError, RecursionError, IndexError):
        head = text[: items.start()]
        added = "".join(f', "{key}": "{value}"' for key, value in _LIST.items() if f'"{key}"' not in head)
        return source._replace(text=f"{text[:end]}]{added}}}\n"), _cut_off(source, "an object")
    return source, None  # something else is wrong with it


# ---- what kind of state ----------------------------------------------------------------------------------------


def _opened(label: str, run: Run, notes: Sequence[str] = ()) -> Opened:
    """The state, with the objects of a cluster taken apart."""
    resources = run.world.resources
    live = sum(map(is_live, resources))
    if not live or 2 * live < len(resources):
        few = f"{live} of {len(resources)} objects carry what only a cluster writes; all are taken for manifests"
        return Opened(State(label, run), (*notes, *((few,) if live else ())))
    mixed = f"{len(resources) - live} of {len(resources)} objects carry nothing that a cluster writes"
    made = [one for one in resources if is_made(one)]
    left = {one.number for one in made} | _doubles(run, resources)
    told = _unread(run)
    world_run = _only(run, [one for one in resources if one.number not in left])
    world_run.incomplete += told
    said = (*notes, *((mixed,) if live < len(resources) else ()), *_about(world_run.world, made))
    return Opened(State(label, world_run, "live", tuple(made)), said)


def _about(world: World, made: Sequence[Resource]) -> Iterator[str]:
    """What a dump has that is no part of a sync, and what it lacks to be judged well."""
    if made:
        kinds = Counter(one.id.kind for one in made)
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        yield f"made by controllers, and therefore never pruned: {listed}"
    rollouts = world.of_kind("argoproj.io", "Rollout")
    if rollouts and not any(one.id.kind == "ReplicaSet" for one in made):
        yield "the ReplicaSets are not there (`kubectl get rollout,replicaset`), so no rollback can be told"
    if rollouts and not any(world.view(one).value.get("status") for one in rollouts):
        yield "no Rollout has a status: whether one is in progress is not known"


def _doubles(run: Run, resources: Iterable[Resource]) -> set[int]:
    """The numbers of objects that are there again: equal ones without a word, others are lost with both places."""
    seen: dict[tuple[str, str, str, str], Resource] = {}
    dropped = set()
    for one in resources:
        key = (*one.group_kind, one.id.namespace, one.id.name)
        first = seen.get(key)
        seen[key] = one
        if first is None:
            continue
        dropped.add(first.number)
        if first.frozen != one.frozen and first.thaw() != one.thaw():
            message = f"{one.id} is there twice, {_place(run, first)} and {_place(run, one)}: the last one is taken"
            run.incomplete.append(Incomplete(one.document.source, "unreadable", message, lost=True))
    return dropped


def _place(run: Run, resource: Resource) -> str:
    span, _ = run.texts.span(resource.place())
    return f"{resource.document.source}:{span.line}:{span.column}"


def _where(problem: Problem) -> str:
    span = problem.at.span
    source = problem.at.document.source
    return f"{source}:{span.line}:{span.column}" if span else source


def _unread(run: Run) -> Iterable[Incomplete]:
    """What of a dump could not be read: the objects in it would look as if they were not there."""
    told = [*run.incomplete]
    del run.incomplete[:]
    for problem in run.loaded.problems:
        if problem.fatal:
            source, span = problem.at.document.source, problem.at.span
            where = f"line {span.line}, column {span.column}: " if span else ""
            told.append(Incomplete(source, "unreadable", where + problem.message, lost=True))
    return told


def _not_compared(run: Run) -> None:
    """Say of the files of the previous state that cannot be read that their objects look new."""
    for problem in run.loaded.problems:
        if problem.fatal:
            message = (
                f"no valid YAML there ({_where(problem)}: {problem.message}), so its objects look as if they were new"
            )
            run.incomplete.append(Incomplete(problem.at.document.source, "unreadable", message))


def _only(run: Run, resources: Sequence[Resource]) -> Run:
    """The same run over some of its objects."""
    old = run.loaded
    new = {one.number: number for number, one in enumerate(resources)}
    loaded = Loaded()
    loaded.extend(old)
    loaded.resources = [one._replace(number=number) for number, one in enumerate(resources)]
    loaded.namings = {new[number]: names for number, names in old.namings.items() if number in new}
    loaded.annotated = {key: new[number] for key, number in old.annotated.items() if number in new}
    loaded.incomplete = []
    layout = run.world.layout._replace(together=True)
    return Run(loaded, lambda _: layout, run.texts.fetch, run.settings, run.catalogue, run.debug, run.jobs, run.origins)


def _swapped(before: Opened, after: Opened) -> None:
    """Refuse objects of a cluster as what is to be applied."""
    first = next(one for one in (*after.state.run.world.resources, *after.state.made) if is_live(one))
    message = f"{after.state.label} holds objects of a cluster ({first.id} has a `metadata.uid` or a status)"
    if before.state.mode == "git":
        raise UsageError(f"{message}, and {before.state.label} holds manifests: swap --from and --to")
    raise UsageError(f"{message}: what a sync applies are manifests, so give those as the desired state")
