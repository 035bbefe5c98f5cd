"""From sources to a report: load, link, check, settle.

`lint_sources` takes texts from any producer together with the layout they came in; `lint_paths` feeds it from the
file system. Rendered text is one more producer: a second pass, not a second path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutlint import __version__, suppress
from rolloutlint.catalogue import Catalogue, Rule
from rolloutlint.change.objects import ChangedObject
from rolloutlint.checks import Check, Context, check_of
from rolloutlint.config.plan import RulePlan, plan
from rolloutlint.finding import (
    Counts,
    DocumentId,
    Finding,
    Incomplete,
    Place,
    Related,
    ResourceId,
    SettledFinding,
)
from rolloutlint.graph import Layout, Naming, World, namings
from rolloutlint.graph.scopes import top_directory
from rolloutlint.inputs.discover import Candidate, Discovery, discover, read
from rolloutlint.inputs.git import repository_name
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.inputs.stdin import STDIN
from rolloutlint.inputs.templated import templated
from rolloutlint.model import Resource, View, view_of
from rolloutlint.model.resource import make_resource, objects
from rolloutlint.model.values import mapping
from rolloutlint.processes import cores, divided
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Version
from rolloutlint.settle import Texts, fingerprint, in_order, settle
from rolloutlint.source import Comment, Document, Problem, Source, comments, decode, load

if TYPE_CHECKING:
    from rolloutlint.controllers.application_set_parameters import Repository
    from rolloutlint.controllers.application_sets import Expansion
    from rolloutlint.graph.generated import Made, Origin
    from rolloutlint.origins import Origins

APPLICATION, APPLICATION_SET = ("argoproj.io", "Application"), ("argoproj.io", "ApplicationSet")
RULE_CRASHED = "RL099"
WORTH_DIVIDING = 4_000
"""From so many objects on they are checked by several processes; below, forking takes longer than it saves."""
WORTH_DIVIDING_FILES = 2_000
"""From so many files on they are read by several processes."""
WARMING_UP = 64
"""So many objects are checked before forking: what they ask of the whole world, and import, is then made only once."""
USERS_SHOWN = 5
"""How many users of an object a finding about it lists."""

_OBJECT_LIKE = re.compile(r"""^[ \t]*(?:-[ \t]+)?["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)


class Todo(NamedTuple):
    """A rule to ask about each object of a kind."""

    rule: Rule
    words: frozenset[bytes]
    """Objects without any of these words need not be asked; empty: all are."""


class Agenda(NamedTuple):
    """All that is to be asked about each object of a kind."""

    rules: tuple[Todo, ...]
    words: tuple[bytes, ...]
    """Those of all rules together: each is looked for once in an object."""


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


class Changes(NamedTuple):
    """What a sync changes, for the rules about that."""

    objects: Sequence[ChangedObject]
    prefix: str
    """What the names of previous files begin with in their places."""
    previous: Texts
    """The previous files, by their names without it."""


class _BothTexts(Texts):
    """The texts of a run, and those of the previous state under their prefix."""

    __slots__ = ("_prefix", "_previous")

    def __init__(self, own: Texts, changes: Changes) -> None:
        super().__init__(own.fetch, own.slices)
        self._prefix = changes.prefix
        self._previous = changes.previous

    def source(self, name: str) -> Source | None:
        if not name.startswith(self._prefix):
            return super().source(name)
        found = self._previous.source(name[len(self._prefix) :])
        return found._replace(name=name) if found is not None else None

    def part(self, document: DocumentId) -> tuple[int, int] | None:
        if not document.source.startswith(self._prefix):
            return super().part(document)
        return self._previous.part(document._replace(source=document.source[len(self._prefix) :]))


def lint_sources(
    feed: Iterable[Source | Problem | Incomplete],
    layout: Callable[[Loaded], Layout],
    fetch: Callable[[str], Source | None],
    settings: Settings,
    catalogue: Catalogue,
    *,
    debug: bool = False,
) -> Report:
    """Lint texts from any producer.

    `feed` gives the sources (and what could not be read) once, in any order of names; `layout` tells their
    surroundings after loading; `fetch` gives a source again by name, or `None` if it is gone or has changed.
    """
    return open_sources(feed, layout, fetch, settings, catalogue, debug=debug).report()


def open_sources(
    feed: Iterable[Source | Problem | Incomplete],
    layout: Callable[[Loaded], Layout],
    fetch: Callable[[str], Source | None],
    settings: Settings,
    catalogue: Catalogue,
    *,
    debug: bool = False,
) -> Run:
    """As `lint_sources`, but without checking anything yet."""
    loaded = _gather(feed)
    loaded.sort()
    if loaded.has_sets:
        loaded.generate(layout(loaded), lambda _: (_loose(loaded, fetch),))
    return Run(loaded, layout, fetch, settings, catalogue, debug)


def _gather(feed: Iterable[Source | Problem | Incomplete]) -> Loaded:
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


class Run:
    """One pass over loaded inputs: their `world`, and on demand the `report`. Only its own lists change."""

    def __init__(
        self,
        loaded: Loaded,
        layout: Callable[[Loaded], Layout],
        fetch: Callable[[str], Source | None],
        settings: Settings,
        catalogue: Catalogue,
        debug: bool,
        jobs: int = 0,
        origins: Origins | None = None,
    ) -> None:
        self.jobs = jobs
        self.origins = origins
        self.loaded = loaded
        self.settings = settings
        self.catalogue = catalogue
        self.debug = debug
        self.plan: RulePlan = plan(settings, catalogue)
        self.incomplete = list(loaded.incomplete)
        self.world = World(
            loaded.resources, loaded.namings, layout(loaded), loaded.slices, settings.closed, self._expansions()
        )
        self.texts = Texts(self._fetcher(fetch), origins.parts(loaded.slices) if origins else loaded.slices)
        self.ran: frozenset[str] = frozenset()
        self._functions: dict[str, Check[Any]] = {}

    def _expansions(self) -> Mapping[Origin, Expansion]:
        return {origin: made.expansion for origin, made in self.loaded.sets.items()}

    def _fetcher(self, fetch: Callable[[str], Source | None]) -> Callable[[str], Source | None]:
        def checked(name: str) -> Source | None:
            source = fetch(name)
            digest = self.loaded.digests.get(name)
            if digest is None or (source is not None and source.digest == digest):
                return source
            message = "changed while it was being linted: run again"
            self.incomplete.append(Incomplete(name, "changed", message, lost=True))
            return None

        return checked

    def name_absent_sources(self) -> None:
        """List what Applications take from elsewhere: from other repositories and from registries of charts."""
        for application, source in self.world.absent_sources():
            identity = application.id
            name = f"{identity.namespace}/{identity.name}" if identity.namespace else identity.name
            chart = source.value.get("chart")
            what = f"the chart `{chart}`" if chart else f"`{source.directory}`"
            if chart or source.directory:
                file = application.document.source
                if self.origins is not None and file in self.origins.renderings:
                    file = self.origins.places(application.place(), self.texts)[0].place.document.source
                message = f"Application {name}: {what} of {source.repo_url} is not among the inputs"
                self.incomplete.append(Incomplete(file, "unrendered", f"{message}; pass its output with `--rendered`"))

    def report(self, changes: Changes | None = None, only: Set[str] | None = None) -> Report:
        """Check, settle, judge, order. The rules about changes are asked where `changes` are given.

        With `only`, the objects of these files alone are checked.
        """
        rules = self._applicable(changes is not None)
        settled = [*self._settled(self._problem_findings(rules)), *self._findings(rules, only)]
        if changes is not None:
            self.texts = _BothTexts(self.texts, changes)
            settled += self._settled(self._change_findings(rules, changes))
        if self.loaded.sets:
            from rolloutlint.graph.generated import one_per_place

            own = frozenset(i for i, r in self.catalogue.rules.items() if "argoproj.io/ApplicationSet" in r.applies_to)
            settled = one_per_place(settled, self.loaded.templates, own)
        judged, about = self._judge(settled)
        named_notes = [(f, self._fingerprint_of_note(f)) for f in about]
        notes = self._settled(named_notes)
        findings = in_order([*judged, *notes])
        named = {f.finding.rule for f in findings}
        return Report(
            findings=findings,
            incomplete=tuple(sorted(set(self.incomplete), key=lambda i: (i.source, i.reason, i.message))),
            counts=Counts(
                files=len(self.loaded.slices)
                + len(self.loaded.undecodable)
                - (len(self.origins.renderings) if self.origins else 0),
                documents=self.loaded.documents,
                resources=len(self.loaded.resources) - self.loaded.generated,
                unknown_references=self.world.unknown_references,
            ),
            rules={i: r for i, r in self.catalogue.rules.items() if i in self.ran or i in named},
            tool_version=__version__,
            fail_on=self.settings.fail_on,
            exit_zero=self.settings.exit_zero,
            sources=self._shown_texts(findings),
        )

    def judged(self, findings: Iterable[tuple[Finding, View]]) -> tuple[SettledFinding, ...]:
        """Findings that were made outside of `report`, each about an object of this run: placed, weighed, judged and
        in order, those of rules that are off left out."""
        kept = ((finding, view) for finding, view in findings if not self._patched(view.resource, finding))
        settled = self._settled((finding, self._fingerprint(finding, view)) for finding, view in kept)
        judged, _ = self._judge(settled)
        return in_order(judged)

    def _settled(self, findings: Iterable[tuple[Finding, str]]) -> list[SettledFinding]:
        if self.origins is not None:
            traced = self.origins.traced
            findings = [(traced(finding, self.texts), identity) for finding, identity in findings]
        return settle(findings, self.plan.for_file, self.catalogue, self.texts)

    def _judge(self, settled: Sequence[SettledFinding]) -> tuple[Sequence[SettledFinding], Sequence[Finding]]:
        """The findings with their dispositions, and what is wrong with the suppressions (see `suppress.judge`)."""
        inline = self.settings.inline_suppressions
        comments = self._comments(settled) if inline else {}
        annotations = self.loaded.annotations if inline else []
        if not comments and not annotations and not self.settings.waivers:
            return settled, ()
        lost = {i.source for i in self.incomplete if i.reason in ("rule-crashed", "changed", "patch")}
        return suppress.judge(
            settled,
            comments,
            annotations,
            self.settings,
            self.catalogue,
            self.ran,
            covers={
                index: extent
                for index, one in enumerate(settled)
                if one.file in comments and (extent := self.texts.lines_of_scalar(one.finding.at)) is not None
            },
            seen={(r.document.source, r.id) for r in self.loaded.resources},
            partial=self.loaded.unread | lost.intersection(self.loaded.slices),
        )

    def _comments(self, settled: Sequence[SettledFinding]) -> Mapping[str, Sequence[Comment]]:
        """The comments of everything that was read, and of the files behind rendered text that have findings."""
        if self.origins is None:
            return self.loaded.comments
        behind = {f.file for f in settled}.intersection(self.origins.inputs).difference(self.loaded.slices)
        texts = (source for name in sorted(behind) if (source := self.texts.source(name)) is not None)
        return {**self.loaded.comments, **{t.name: comments(t) for t in texts if "rolloutlint" in t.text.lower()}}

    def _fingerprint_of_note(self, finding: Finding) -> str:
        """A finding about an annotation is known by its object, any other about a suppression by its file."""
        key = (finding.at.document, finding.resource)
        number = self.loaded.annotated.get(key) if finding.resource else None  # type: ignore[arg-type]
        if number is None:
            return fingerprint(finding, {})
        return self._fingerprint(finding, self.world.view(self.loaded.resources[number]))

    def _shown_texts(self, findings: Iterable[SettledFinding]) -> Mapping[str, str]:
        """The text of every file that has a finding or that a fix of one changes."""
        names = {name for f in findings for name in (f.file, *(e.source for e in f.edits))}
        return {name: source.text for name in sorted(names) if (source := self.texts.source(name)) is not None}

    def _applicable(self, changes: bool) -> Mapping[str, Sequence[Rule]]:
        """`group/Kind`, `*`, `problem`, `change`, `settled` -> the rules that run there, for the targeted versions."""
        table: dict[str, list[Rule]] = {}
        ran = set()
        for rule in self.catalogue.rules.values():
            if "backtest" in rule.applies_to or ("change" in rule.applies_to and not changes):
                continue
            if rule.id in self.plan.rules and ("settled" in rule.applies_to or _in_range(rule, self.settings)):
                ran.add(rule.id)
                for kind in rule.applies_to:
                    table.setdefault(kind, []).append(rule)
        self.ran = frozenset(ran)
        return table

    def _problem_findings(self, rules: Mapping[str, Sequence[Rule]]) -> Iterator[tuple[Finding, str]]:
        for problem in self.loaded.problems:
            told = False
            levels = self.plan.for_file(problem.at.document.source)
            for rule in rules.get("problem", ()):
                context: Context[Any] = Context(problem, self.world, self.settings, rule)
                for finding in self._run(rule, self._function(rule.id), context, problem.at):
                    told = told or finding.rule in levels
                    yield finding, fingerprint(finding, {})
            if problem.fatal and not told:
                # The rule that would say so is off; what could not be read must not pass for clean.
                where = f"line {problem.at.span.line}: " if problem.at.span else ""
                message = f"{where}{problem.message}"
                self.incomplete.append(Incomplete(problem.at.document.source, "unreadable", message, lost=True))

    def _change_findings(self, rules: Mapping[str, Sequence[Rule]], changes: Changes) -> Iterator[tuple[Finding, str]]:
        for one in changes.objects:
            for rule in rules.get("change", ()):
                context = Context(one, self.world, self.settings, rule)
                for finding in self._run(rule, self._function(rule.id), context, one.place()):
                    if one.after is None or not self._patched(one.resource, finding):
                        yield finding, self._fingerprint(finding, one)

    def _findings(self, rules: Mapping[str, Sequence[Rule]], only: Set[str] | None) -> Iterator[SettledFinding]:
        resources = self._neighbours_together()
        if only is not None:
            resources = [resource for resource in resources if resource.document.source in only]
        workers = self.jobs or (cores() if len(resources) >= WORTH_DIVIDING else 1)
        todo = {
            (group, kind): _agenda((*rules.get("*", ()), *rules.get(f"{group or 'core'}/{kind}", ())))
            for group, kind in {resource.group_kind for resource in resources}
        }
        for each in (each for agenda in todo.values() if workers > 1 for each in agenda.rules):
            self._function(each.rule.id)  # imported before the work is divided: once, and not by every worker

        def work(share: Sequence[Resource]) -> tuple[list[SettledFinding], list[Incomplete]]:
            before = len(self.incomplete)
            found = self._settled(finding for r in share for finding in self._check(r, todo[r.group_kind]))
            told = self.incomplete[before:]
            del self.incomplete[before:]
            return found, told

        first, others = resources[:WARMING_UP], resources[WARMING_UP:]
        for found, told in (work(first), *divided(work, others, workers)):
            self.incomplete += told
            yield from found

    def _neighbours_together(self) -> Sequence[Resource]:
        """All objects, each Application beside the first object it delivers, wherever its own file is.

        Its rules ask about those objects, and what is remembered about an object goes with its view.
        """

        def place(resource: Resource) -> float:
            if resource.group_kind != APPLICATION:
                return resource.number
            first = next(iter(self.world.delivered(resource)), None)
            return resource.number if first is None else first.number + 0.5

        return sorted(self.loaded.resources, key=place)

    def _check(self, resource: Resource, agenda: Agenda) -> Iterator[tuple[Finding, str]]:
        if not agenda.rules:
            return
        view, world, settings, whole = self.world.view(resource), self.world, self.settings, resource.place()
        users: tuple[Related, ...] | None = None
        held = frozenset(filter(resource.frozen.__contains__, agenda.words))
        functions = self._functions
        generator = world.generator(resource)
        for rule, words in agenda.rules:
            if words and words.isdisjoint(held):
                continue
            function = functions.get(rule.id) or self._function(rule.id)
            for finding in self._run(rule, function, Context(view, world, settings, rule), whole):
                if self._patched(resource, finding):
                    continue
                if not finding.trail:
                    users = self._users(resource) if users is None else users
                    named = {r.resource for r in finding.related}
                    added = tuple(u for u in users if u.resource not in named)
                    finding = finding._replace(related=(*finding.related, *added))
                if generator is not None and finding.resource == resource.id:  # a person edits the set
                    finding = finding._replace(resource=generator.id)
                    yield finding, self._fingerprint(finding, world.view(generator))
                else:
                    yield finding, self._fingerprint(finding, view)

    def _function(self, rule_id: str) -> Check[Any]:
        """The check of a rule, imported when an object is first asked: a small input mentions little of all."""
        function = self._functions.get(rule_id)
        if function is None:
            function = self._functions[rule_id] = check_of(rule_id)
        return function

    def _fingerprint(self, finding: Finding, view: View) -> str:
        depth = len(view.resource.prefix)
        inner = _inside(finding, depth) if finding.resource == view.id else finding
        return fingerprint(inner, view.value)

    def _patched(self, resource: Resource, finding: Finding) -> bool:
        """Drop what a kustomization patches away or adds: the file alone does not tell what is applied."""
        path = finding.at.path[len(resource.prefix) :]
        if finding.at.document != resource.document or not self.world.patched(resource, path):
            return False
        message = f"{resource.id}: a kustomization patches it, so what is applied there is unknown until it is rendered"
        self.incomplete.append(Incomplete(resource.document.source, "patch", message))
        return True

    def _users(self, resource: Resource) -> tuple[Related, ...]:
        users = []
        for reference in self.world.referrers(resource)[:USERS_SHOWN]:
            place = reference.origin.place(reference.naming.path)
            users.append(Related(place, f"used by {_role(reference.naming)}", reference.origin.id))
        return tuple(users)

    def _run(self, rule: Rule, function: Check[Any], context: Context[Any], at: Place) -> Sequence[Finding]:
        """The findings of one check; a crash becomes a finding of its own, and the others go on."""
        found: list[Finding] = []
        try:
            for finding in function(context):
                found.append(finding)  # noqa: PERF402 - what was found before a crash is kept
        except Exception as error:
            if self.debug:
                import traceback

                traceback.print_exc(file=sys.stderr)
            found.append(self._crash(rule, context, at, error))
        return found

    def _crash(self, rule: Rule, context: Context[Any], at: Place, error: Exception) -> Finding:
        resource = context.resource.id if isinstance(context.resource, View) else None
        what = f"{rule.id} ({rule.name}) raised {type(error).__name__} on {resource or at.document.source}"
        self.incomplete.append(Incomplete(at.document.source, "rule-crashed", what, lost=True))
        crash = self.catalogue.rules[RULE_CRASHED]
        values = {"rule": rule.id, "name": rule.name, "error": type(error).__name__}
        texts = crash.messages[""]
        return Finding(
            rule=RULE_CRASHED,
            at=at,
            message=texts.message.format_map(values),
            consequence=texts.consequence.format_map(values),
            remedy=texts.remedy.format_map(values),
            resource=resource,
            discriminator=rule.id,
        )


def _agenda(rules: Sequence[Rule]) -> Agenda:
    todo = tuple(Todo(rule, frozenset(word.encode() for word in rule.mentions)) for rule in rules)
    return Agenda(todo, tuple(sorted(frozenset().union(*(each.words for each in todo)))))


def _inside(finding: Finding, depth: int) -> Finding:
    """The finding with its path counted from the object's root, not the document's (for `kind: List`)."""
    return finding._replace(at=finding.at._replace(path=finding.at.path[depth:])) if depth else finding


def _role(naming: Naming) -> str:
    """How an object uses another, in words: `step 3 (analysis)`, `canaryService`."""
    step = next((i for i, p in zip(naming.path[1:], naming.path, strict=False) if p == "steps"), None)
    return f"step {int(step) + 1} ({naming.role})" if isinstance(step, int) else naming.role


def _in_range(rule: Rule, settings: Settings) -> bool:
    """True where the rule holds for the targeted product versions (`">=1.5"`, `"<1.9"`, `">=1.5,<1.9"`)."""
    for product, wanted in rule.targets.items():
        target: Version = getattr(settings.targets, product)
        for condition in wanted.split(","):
            operator = condition.strip().rstrip("0123456789.")
            major, minor = condition.strip()[len(operator) :].split(".")
            version = Version(int(major), int(minor))
            holds = {">=": target >= version, "<": target < version, "<=": target <= version, ">": target > version}
            if not holds[operator]:
                return False
    return True


def lint_paths(
    paths: Sequence[str],
    settings: Settings,
    catalogue: Catalogue,
    *,
    force_exclude: bool = False,
    use_gitignore: bool = True,
    stdin_filename: str = "",
    debug: bool = False,
    jobs: int = 0,
    render: RenderOptions | None = None,
) -> Report:
    """Lint files, directories, globs and `-`. Raises `UsageError` for a path that does not exist.

    A report whose counts say no file was read had nothing to lint. `jobs` processes check the objects; 0 chooses.
    With `render` kustomizations and charts are rendered where a program for it is there.
    """
    return open_paths(
        paths,
        settings,
        catalogue,
        force_exclude=force_exclude,
        use_gitignore=use_gitignore,
        stdin_filename=stdin_filename,
        debug=debug,
        jobs=jobs,
        render=render,
    ).report()


def open_paths(
    paths: Sequence[str],
    settings: Settings,
    catalogue: Catalogue,
    *,
    force_exclude: bool = False,
    use_gitignore: bool = True,
    stdin_filename: str = "",
    debug: bool = False,
    jobs: int = 0,
    together: bool = False,
    cwd: str = "",
    render: RenderOptions | None = None,
) -> Run:
    """As `lint_paths`, but without checking anything yet: for those who ask the world.

    With `together` objects in different directories can mean each other, as long as none is there twice. Paths and
    names count from `cwd` (absolute; empty: the working directory).
    """
    discovery = discover(
        paths,
        exclude=settings.exclude,
        force_exclude=force_exclude,
        use_gitignore=use_gitignore,
        stdin_filename=stdin_filename,
        cwd=cwd or None,
    )
    files = _Files({c.name: c for c in discovery.candidates}, settings.config_file)

    def layout(loaded: Loaded) -> Layout:
        return _layout(discovery, loaded, cwd or os.getcwd())._replace(together=together)

    workers = jobs or (cores() if len(discovery.candidates) >= WORTH_DIVIDING_FILES else 1)
    loaded = _gather((*discovery.incomplete, *files.sources(c for c in discovery.candidates if c.path == STDIN)))
    others = [c for c in discovery.candidates if c.path != STDIN]  # standard input can be read by one process only
    for part in divided(lambda some: _gather(files.sources(some)), others, workers):
        loaded.extend(part)
    loaded.sort()
    if loaded.has_sets:
        surroundings = layout(loaded)
        loaded.generate(surroundings, _checkouts(surroundings))
    if render is not None and (render.given or discovery.given or discovery.jsonnet or _charts(discovery)):
        run = _render(discovery, loaded, files, layout, render, settings, catalogue, debug, jobs)
    else:
        run = Run(loaded, layout, files.fetch, settings, catalogue, debug, jobs)
    if render is not None:
        run.name_absent_sources()
    return run


def _render(
    discovery: Discovery,
    loaded: Loaded,
    files: _Files,
    layout: Callable[[Loaded], Layout],
    options: RenderOptions,
    settings: Settings,
    catalogue: Catalogue,
    debug: bool,
    jobs: int,
) -> Run:
    """The run over what kustomizations and charts give, in place of the files that they are made of."""
    from rolloutlint.origins import Origins
    from rolloutlint.rendering import render_inputs

    before = layout(loaded)
    made = render_inputs(loaded.resources, tuple(loaded.slices), before, discovery, options)
    loaded.drop(made.replaced)
    loaded.incomplete = [*(entry for entry in loaded.incomplete if not made.settles(entry)), *made.incomplete]
    files.add(made.given)
    loaded.extend(_gather(files.sources(made.given)))
    for rendering in made.renderings:
        loaded.add(rendering.source, rendered=True)
    loaded.sort()

    def placed(loaded: Loaded) -> Layout:
        after = layout(loaded)
        return after._replace(
            roots={**after.roots, **made.roots},
            charts=after.charts - made.directories,
            overlays={
                file: [overlay for overlay in overlays if overlay.root not in made.directories]
                for file, overlays in after.overlays.items()
            },
            rendered=made.rendered,
            deliveries=made.deliveries,
        )

    if loaded.has_sets:
        surroundings = placed(loaded)
        loaded.generate(surroundings, _checkouts(surroundings))  # those that came out of the rendering
    origins = Origins(made.renderings, lambda name: files.behind(name, before.base))

    def fetch(name: str) -> Source | None:
        return origins.source(name) or files.fetch(name)

    return Run(loaded, placed, fetch, settings, catalogue, debug, jobs, origins)


class _Files:
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


def _layout(discovery: Discovery, loaded: Loaded, cwd: str) -> Layout:
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
        charts=_charts(discovery),
        unread=frozenset(loaded.unread) | {i.source for i in loaded.incomplete if i.reason in gaps},
        project_root=discovery.project_root.replace(os.sep, "/"),
        base=cwd.replace(os.sep, "/"),
        repository=repository_name(discovery.project_root) if applications else "",
    )


def _charts(discovery: Discovery) -> frozenset[str]:
    return frozenset(i.source for i in discovery.incomplete if i.reason == "chart")


def _checkouts(layout: Layout) -> Callable[[str], Sequence[Repository]]:
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


def _loose(loaded: Loaded, fetch: Callable[[str], Source | None]) -> Repository:
    from rolloutlint.inputs.checkout import Loose

    def read(name: str) -> str | None:
        source = fetch(name)
        return None if source is None else source.text

    return Loose(tuple(loaded.slices), read)
