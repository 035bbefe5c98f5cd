"""What came out of the texts: files read as sources, sources as objects, and the surroundings they stand in.

Objects are kept frozen; where every document stands is remembered, so that a source can be asked again by name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rolloutlint import suppress
from rolloutlint.finding import DocumentId, Incomplete, ResourceId
from rolloutlint.graph import Layout, Naming, namings
from rolloutlint.graph.scopes import top_directory
from rolloutlint.inputs.discover import Candidate, Discovery, read
from rolloutlint.inputs.git import repository_name
from rolloutlint.inputs.stdin import STDIN
from rolloutlint.inputs.templated import templated
from rolloutlint.model import Resource, view_of
from rolloutlint.model.resource import make_resource, objects
from rolloutlint.model.values import mapping
from rolloutlint.source import Comment, Document, Problem, Source, comments, decode, load

if TYPE_CHECKING:
    from rolloutlint.controllers.application_set_parameters import Repository
    from rolloutlint.graph.generated import Made, Origin

APPLICATION, APPLICATION_SET = ("argoproj.io", "Application"), ("argoproj.io", "ApplicationSet")
_OBJECT_LIKE = re.compile(r"""^[ \t]*(?:-[ \t]+)?["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)


class Loaded:
    """What came out of the texts: objects without their trees, and where every document stands."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.namings: dict[int, tuple[Naming, ...]] = {}
        self.slices: dict[str, list[tuple[int, int]]] = {}
        self.digests: dict[str, bytes] = {}
        self.problems: list[Problem] = []
        self.incomplete: list[Incomplete] = []
        self.unread: set[str] = set()
        """Sources of which at least one document that may hold objects could not be read."""
        self.undecodable: set[str] = set()
        """Sources that gave no text at all."""
        self.comments: dict[str, list[Comment]] = {}
        self.annotations: list[suppress.AnnotationSuppression] = []
        self.annotated: dict[tuple[DocumentId, ResourceId], int] = {}
        """The numbers of the objects with annotations for this tool."""
        self.documents = 0
        self.sets: dict[Origin, Made] = {}
        """Where an ApplicationSet stands -> what it generates; its Applications are among `resources`."""

    def add(self, source: Source, *, rendered: bool = False) -> None:
        """Read one source: its documents, objects, problems and suppressions.

        What comments `rendered` text has stand in the files it was made of.
        """
        name = source.name
        self.digests[name] = source.digest
        slices = self.slices[name] = []
        foreign: set[int] = set()
        problems: list[Problem] = []
        for item in load(source):
            if isinstance(item, Problem):
                problems.append(item)
                continue
            self.documents += 1
            number = item.id.number
            slices.extend([(0, 0)] * (number + 1 - len(slices)))
            slices[number] = (item.start, item.end)
            found = False
            for prefix, value in objects(item.value):
                found = True
                self._add_object(item, prefix, value)
            if not found:
                foreign.add(number)
        for problem in problems:
            self._add_problem(source, problem, foreign)
        if not rendered and "rolloutlint" in source.text.lower():
            self.comments[name] = comments(source)

    def _add_object(self, document: Document, prefix: tuple[str | int, ...], value: dict[str, Any]) -> None:
        number = len(self.resources)
        resource = make_resource(number, document.id, prefix, value)
        self.resources.append(resource)
        names = tuple(namings(view_of(resource, value)))
        if names:
            self.namings[number] = names
        annotations = mapping(mapping(value.get("metadata")).get("annotations"))
        if annotations:
            path = (*prefix, "metadata", "annotations")
            notes = suppress.read_annotations(resource.id, document.id, annotations, path)
            if notes:
                self.annotations.extend(notes)
                self.annotated[document.id, resource.id] = number

    def _add_problem(self, source: Source, problem: Problem, foreign: set[int]) -> None:
        """Keep a problem that concerns a Kubernetes object; text that is none is left alone, but listed."""
        if not problem.fatal:
            if problem.at.document.number not in foreign:
                self.problems.append(problem)
            return
        if _OBJECT_LIKE.search(source.text):
            self.unread.add(source.name)
            self.problems.append(problem)
            return
        message = f"is not valid YAML ({problem.message}) and names no apiVersion or kind: left alone"
        self.incomplete.append(Incomplete(source.name, "not-kubernetes", message))

    def sort(self) -> None:
        """Number the objects by where they stand, so that nothing depends on the order in which texts came."""
        places = [(r.document, r.number) for r in self.resources]
        if all(one <= other for one, other in pairwise(places)):
            return
        new = {old: number for number, (_, old) in enumerate(sorted(places))}
        numbered = (r._replace(number=new[r.number]) for r in self.resources)
        self.resources = sorted(numbered, key=lambda r: r.number)
        self.namings = {new[old]: names for old, names in self.namings.items()}
        self.annotated = {one: new[old] for one, old in self.annotated.items()}

    def drop(self, files: Set[str]) -> None:
        """Forget the objects of some files, which nobody applies as they stand; what is wrong with the texts stays."""
        if not any(resource.document.source in files for resource in self.resources):
            return
        kept = [resource for resource in self.resources if resource.document.source not in files]
        new = {resource.number: number for number, resource in enumerate(kept)}
        self.resources = [resource._replace(number=new[resource.number]) for resource in kept]
        self.namings = {new[old]: names for old, names in self.namings.items() if old in new}
        self.annotated = {one: new[old] for one, old in self.annotated.items() if old in new}
        self.annotations = [one for one in self.annotations if one.at.document.source not in files]

    def extend(self, other: Loaded) -> None:
        """Add what was read from other sources; its objects follow those that are here."""
        first = len(self.resources)
        self.resources += (r._replace(number=first + r.number) for r in other.resources) if first else other.resources
        self.namings.update({first + number: names for number, names in other.namings.items()})
        self.slices.update(other.slices)
        self.digests.update(other.digests)
        self.problems += other.problems
        self.incomplete += other.incomplete
        self.unread |= other.unread
        self.undecodable |= other.undecodable
        self.comments.update(other.comments)
        self.annotations += other.annotations
        self.annotated.update({one: first + number for one, number in other.annotated.items()})
        self.documents += other.documents
        self.sets.update(other.sets)

    def generate(self, layout: Layout, repositories: Callable[[str], Sequence[Repository]]) -> None:
        """Add the Applications that the ApplicationSets generate, as far as that is certain, once for each set."""
        sets = [r for r in self.resources if r.group_kind == APPLICATION_SET]
        new = [r for r in sets if (r.document, r.prefix) not in self.sets]
        if not new:
            return
        from rolloutlint.graph.generated import generate

        for made in generate(new, layout, repositories, len(self.resources)):
            self.sets[made.origin] = made
            self.resources += made.resources
            self.namings.update({r.number: names for r in made.resources if (names := tuple(namings(view_of(r))))})
        self.sort()

    @property
    def has_sets(self) -> bool:
        """Whether there is an ApplicationSet among the objects."""
        return any(resource.id.kind == "ApplicationSet" for resource in self.resources)

    @property
    def generated(self) -> int:
        """How many of the objects stand in no file but are generated."""
        templates = self.templates
        return sum((r.document, r.prefix) in templates for r in self.resources) if templates else 0

    @property
    def templates(self) -> Mapping[Origin, bool]:
        """Where the templates of sets stand -> whether a fix can be made there."""
        return {made.template: made.rewritable for made in self.sets.values()}


def gather(feed: Iterable[Source | Problem | Incomplete]) -> Loaded:
    """Everything that a feed of sources gives, as it comes."""
    loaded = Loaded()
    for item in feed:
        if isinstance(item, Incomplete):
            loaded.incomplete.append(item)
        elif isinstance(item, Problem):
            loaded.problems.append(item)
            loaded.unread.add(item.at.document.source)
            loaded.undecodable.add(item.at.document.source)
        else:
            loaded.add(item)
    return loaded


class Files:
    """The candidates as sources: read once in order, and again by name for the documents that have findings."""

    def __init__(self, candidates: Mapping[str, Candidate], config_file: str) -> None:
        self._candidates = candidates
        self._config_file = config_file
        self._stdin: dict[str, Source] = {}

    def add(self, candidates: Iterable[Candidate]) -> None:
        """More files that are read."""
        self._candidates = {**self._candidates, **{candidate.name: candidate for candidate in candidates}}

    def behind(self, name: str, cwd: str) -> Source | None:
        """A file that something was rendered from, as text: it need not be a manifest."""
        path = os.path.join(cwd, name)
        raw = read(Candidate(name, path, "", False))
        source = decode(raw, name, path) if isinstance(raw, bytes) else None
        return source if isinstance(source, Source) else None

    def sources(self, candidates: Iterable[Candidate]) -> Iterator[Source | Problem | Incomplete]:
        """Each candidate read: a source, or what is wrong with it."""
        for candidate in candidates:
            yield self._read(candidate)

    def _read(self, candidate: Candidate) -> Source | Problem | Incomplete:
        raw = read(candidate)
        if isinstance(raw, Incomplete):
            return raw
        source = decode(raw, candidate.name, candidate.path)
        if isinstance(source, Problem):
            return source
        line = templated(source.text)
        if line is not None:
            message = f"line {line} is a template, no YAML yet: render it and lint the output"
            return Incomplete(candidate.name, "templated", message)
        if candidate.path == STDIN:
            self._stdin[candidate.name] = source
        return source

    def fetch(self, name: str) -> Source | None:
        """A source again, or `None` if it is gone or not readable any more; also the configuration file."""
        if name in self._stdin:
            return self._stdin[name]
        candidate = self._candidates.get(name)
        if candidate is None and name and name == self._config_file:
            candidate = Candidate(name, os.path.abspath(name), "", True)
        item = self._read(candidate) if candidate else None
        return item if isinstance(item, Source) else None


def layout_of(discovery: Discovery, loaded: Loaded, cwd: str) -> Layout:
    """The surroundings of what was loaded, as discovery found them; names count from `cwd` (absolute)."""
    graph = discovery.graph
    files = tuple(loaded.slices)
    overlays = {f: o for f in files if (o := graph.overlays_of(f))} if discovery.kustomizations else {}
    chains = {k.directory: graph.chain(k.directory) for k in discovery.kustomizations}
    # Only the sources of an Application are compared with the checkout's own repository.
    applications = any(r.group_kind in (APPLICATION, APPLICATION_SET) for r in loaded.resources)
    gaps = {"templated", "unreadable", "too-large", "component"}
    return Layout(
        roots={c.name: c.root for c in discovery.candidates},
        overlays=overlays,
        kustomizations={d: frozenset(f for k in chain for f in k.resources) for d, chain in chains.items()},
        open_roots=frozenset(
            d
            for d, chain in chains.items()
            if any(k.remote or k.missing or k.components or k.helm_charts for k in chain)
        ),
        charts=charts_of(discovery),
        unread=frozenset(loaded.unread) | {i.source for i in loaded.incomplete if i.reason in gaps},
        project_root=discovery.project_root.replace(os.sep, "/"),
        base=cwd.replace(os.sep, "/"),
        repository=repository_name(discovery.project_root) if applications else "",
    )


def charts_of(discovery: Discovery) -> frozenset[str]:
    """The directories of charts, none of which is read as it stands."""
    return frozenset(i.source for i in discovery.incomplete if i.reason == "chart")


def checkouts_of(layout: Layout) -> Callable[[str], Sequence[Repository]]:
    """The checkouts that an ApplicationSet in a file may mean: the project's, else the directory given as input."""
    from rolloutlint.inputs.checkout import Checkout

    known: dict[str, Checkout] = {}

    def repositories(file: str) -> Sequence[Repository]:
        root = layout.roots.get(file, "")
        inputs = (root, top_directory(file, root)) if root else ()
        places = [layout.project_root or layout.base, *(os.path.normpath(os.path.join(layout.base, i)) for i in inputs)]
        for number, place in enumerate(dict.fromkeys(places)):
            if place not in known:
                known[place] = Checkout(place, "" if number else layout.repository)
        return [known[place] for place in dict.fromkeys(places)]

    return repositories


def loose(loaded: Loaded, fetch: Callable[[str], Source | None]) -> Repository:
    """What an ApplicationSet may read of a checkout where there are only the texts that were loaded."""
    from rolloutlint.inputs.checkout import Loose

    def read(name: str) -> str | None:
        source = fetch(name)
        return None if source is None else source.text

    return Loose(tuple(loaded.slices), read)
