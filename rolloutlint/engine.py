"""From sources to a report: load, link, check, settle.

`lint_sources` takes texts from any producer together with the layout they came in; `lint_paths` feeds it from the
file system. Rendered text is one more producer: a second pass, not a second path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from rolloutlint import __version__, suppress
from rolloutlint.catalogue import Catalogue, Rule
from rolloutlint.checks import Check, Context, check_of
from rolloutlint.config.plan import RulePlan, plan
from rolloutlint.finding import (
    Counts,
    DocumentId,
    Finding,
    Incomplete,
    Place,
    Related,
    SettledFinding,
)
from rolloutlint.graph import Layout, Naming, World
from rolloutlint.inputs.discover import Discovery, discover
from rolloutlint.inputs.options import RenderOptions
from rolloutlint.inputs.stdin import STDIN
from rolloutlint.loading import APPLICATION, Files, Loaded, charts_of, checkouts_of, gather, layout_of, loose
from rolloutlint.model import Resource, View
from rolloutlint.processes import cores, divided
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Version
from rolloutlint.settle import Texts, fingerprint, in_order, settle
from rolloutlint.source import Comment, Problem, Source, comments

if TYPE_CHECKING:
    from rolloutlint.change.objects import ChangedObject
    from rolloutlint.controllers.application_sets import Expansion
    from rolloutlint.graph.generated import Origin
    from rolloutlint.origins import Origins

RULE_CRASHED = "RL099"
WORTH_DIVIDING = 4_000
"""From so many objects on they are checked by several processes; below, forking takes longer than it saves."""
WORTH_DIVIDING_FILES = 2_000
"""From so many files on they are read by several processes."""
WARMING_UP = 64
"""So many objects are checked before forking: what they ask of the whole world, and import, is then made only once."""
USERS_SHOWN = 5
"""How many users of an object a finding about it lists."""


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
    loaded = gather(feed)
    loaded.sort()
    if loaded.has_sets:
        loaded.generate(layout(loaded), lambda _: (loose(loaded, fetch),))
    return Run(loaded, layout, fetch, settings, catalogue, debug)


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
    files = Files({c.name: c for c in discovery.candidates}, settings.config_file)

    def layout(loaded: Loaded) -> Layout:
        return layout_of(discovery, loaded, cwd or os.getcwd())._replace(together=together)

    workers = jobs or (cores() if len(discovery.candidates) >= WORTH_DIVIDING_FILES else 1)
    loaded = gather((*discovery.incomplete, *files.sources(c for c in discovery.candidates if c.path == STDIN)))
    others = [c for c in discovery.candidates if c.path != STDIN]  # standard input can be read by one process only
    for part in divided(lambda some: gather(files.sources(some)), others, workers):
        loaded.extend(part)
    loaded.sort()
    if loaded.has_sets:
        surroundings = layout(loaded)
        loaded.generate(surroundings, checkouts_of(surroundings))
    if render is not None and (render.given or discovery.given or discovery.jsonnet or charts_of(discovery)):
        run = _render(discovery, loaded, files, layout, render, settings, catalogue, debug, jobs)
    else:
        run = Run(loaded, layout, files.fetch, settings, catalogue, debug, jobs)
    if render is not None:
        run.name_absent_sources()
    return run


def _render(
    discovery: Discovery,
    loaded: Loaded,
    files: Files,
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
    loaded.extend(gather(files.sources(made.given)))
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
        loaded.generate(surroundings, checkouts_of(surroundings))  # those that came out of the rendering
    origins = Origins(made.renderings, lambda name: files.behind(name, before.base))

    def fetch(name: str) -> Source | None:
        return origins.source(name) or files.fetch(name)

    return Run(loaded, placed, fetch, settings, catalogue, debug, jobs, origins)
