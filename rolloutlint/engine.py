"""From sources to a report: load, link, check, settle.

`lint_sources` takes texts from any producer together with the layout they came in; `lint_paths` feeds it from the
file system. Rendered text is one more producer: a second pass, not a second path.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rolloutlint import __version__, suppress
from rolloutlint.catalogue import Catalogue, Rule
from rolloutlint.checks import Check, Context, all_checks
from rolloutlint.config.plan import RulePlan, plan
from rolloutlint.finding import Counts, Finding, Incomplete, Place, Related
from rolloutlint.graph import Layout, Naming, World, namings
from rolloutlint.inputs.discover import Candidate, Discovery, discover, read
from rolloutlint.inputs.git import repository_name
from rolloutlint.inputs.stdin import STDIN
from rolloutlint.inputs.templated import templated
from rolloutlint.model import Resource, View, view_of
from rolloutlint.model.resource import make_resource, objects
from rolloutlint.model.values import mapping
from rolloutlint.result import Report
from rolloutlint.settings import Settings, Version
from rolloutlint.settle import Texts, fingerprint, in_order, settle
from rolloutlint.source import KUSTOMIZE, Comment, Document, Problem, Source, comments, decode, load

RULE_CRASHED = "RL099"
ANNOTATION = "rolloutlint.dev/ignore"
USERS_SHOWN = 5
"""How many users of an object a finding about it lists."""

_OBJECT_LIKE = re.compile(r"""^[ \t]*(?:-[ \t]+)?["']?(?:apiVersion|kind)["']?[ \t]*:""", re.MULTILINE)


@dataclass(slots=True)
class Loaded:
    """What came out of the texts: objects without their trees, and where every document stands."""

    resources: list[Resource] = field(default_factory=list)
    namings: dict[int, tuple[Naming, ...]] = field(default_factory=dict)
    slices: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    incomplete: list[Incomplete] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    comments: dict[str, list[Comment]] = field(default_factory=dict)
    annotations: list[suppress.AnnotationSuppression] = field(default_factory=list)
    documents: int = 0

    def add(self, source: Source) -> None:
        """Read one source: its documents, objects, problems and suppressions."""
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
        if "rolloutlint" in source.text:
            self.comments[name] = comments(source)

    def _add_object(self, document: Document, prefix: tuple[str | int, ...], value: dict[str, Any]) -> None:
        number = len(self.resources)
        resource = make_resource(number, document.id, prefix, value)
        self.resources.append(resource)
        names = tuple(namings(view_of(resource, value)))
        if names:
            self.namings[number] = names
        note = mapping(mapping(value.get("metadata")).get("annotations")).get(ANNOTATION)
        if note is not None:
            place = resource.place(("metadata", "annotations", ANNOTATION))
            self.annotations.append(suppress.AnnotationSuppression(resource.id, place, str(note)))

    def _add_problem(self, source: Source, problem: Problem, foreign: set[int]) -> None:
        """Keep a problem that concerns a Kubernetes object; text that is none is left alone, but listed."""
        if not problem.fatal:
            if problem.at.document.number not in foreign:
                self.problems.append(problem)
            return
        self.unread.add(source.name)
        if _OBJECT_LIKE.search(source.text):
            self.problems.append(problem)
            return
        self.unread.discard(source.name)
        message = f"is not valid YAML ({problem.message}) and names no apiVersion or kind: left alone"
        self.incomplete.append(Incomplete(source.name, "not-kubernetes", message))


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
    loaded = Loaded()
    for item in feed:
        if isinstance(item, Incomplete):
            loaded.incomplete.append(item)
        elif isinstance(item, Problem):
            loaded.problems.append(item)
            loaded.unread.add(item.at.document.source)
        else:
            loaded.add(item)
    return _Run(loaded, layout(loaded), fetch, settings, catalogue, debug).report()


class _Run:
    """One pass over loaded inputs. Only its own lists change; what it returns is frozen."""

    def __init__(
        self,
        loaded: Loaded,
        layout: Layout,
        fetch: Callable[[str], Source | None],
        settings: Settings,
        catalogue: Catalogue,
        debug: bool,
    ) -> None:
        self.loaded = loaded
        self.settings = settings
        self.catalogue = catalogue
        self.debug = debug
        self.plan: RulePlan = plan(settings, catalogue)
        self.incomplete = list(loaded.incomplete)
        self.world = World(loaded.resources, loaded.namings, layout, loaded.slices, settings.closed)
        self.texts = Texts(self._fetcher(fetch), loaded.slices)
        self.ran: frozenset[str] = frozenset()

    def _fetcher(self, fetch: Callable[[str], Source | None]) -> Callable[[str], Source | None]:
        def checked(name: str) -> Source | None:
            source = fetch(name)
            if source is not None and source.digest == self.loaded.digests.get(name, source.digest):
                return source
            self.incomplete.append(
                Incomplete(name, "changed", "changed while it was being linted: run again", lost=True)
            )
            return None

        return checked

    def report(self) -> Report:
        """Check, settle, judge, order."""
        checks = self._applicable()
        raw = [*self._problem_findings(checks), *self._findings(checks)]
        settled = settle(raw, self.plan.for_file, self.catalogue, self.texts)
        judged, about = suppress.judge(
            settled,
            self.loaded.comments if self.settings.inline_suppressions else {},
            self.loaded.annotations if self.settings.inline_suppressions else (),
            self.settings,
            self.catalogue,
            self.ran,
        )
        notes = settle([(f, fingerprint(f, {})) for f in about], self.plan.for_file, self.catalogue, self.texts)
        findings = in_order([*judged, *notes])
        named = {f.finding.rule for f in findings}
        return Report(
            findings=findings,
            incomplete=tuple(sorted(set(self.incomplete), key=lambda i: (i.source, i.reason, i.message))),
            counts=Counts(
                files=len(self.loaded.slices),
                documents=self.loaded.documents,
                resources=len(self.loaded.resources),
                unknown_references=self.world.unknown_references,
            ),
            rules={i: r for i, r in self.catalogue.rules.items() if i in self.ran or i in named},
            tool_version=__version__,
            fail_on=self.settings.fail_on,
            exit_zero=self.settings.exit_zero,
            sources={f.file: s.text for f in findings if (s := self.texts.source(f.file)) is not None},
        )

    def _applicable(self) -> Mapping[str, Sequence[tuple[Rule, Check[Any]]]]:
        """`group/Kind`, `*` or `problem` -> the rules that run there, for the targeted versions."""
        table: dict[str, list[tuple[Rule, Check[Any]]]] = {}
        ran = set()
        for rule_id, function in all_checks().items():
            rule = self.catalogue.rules[rule_id]
            if rule_id not in self.plan.rules or not _in_range(rule, self.settings):
                continue
            ran.add(rule_id)
            for kind in rule.applies_to:
                table.setdefault(kind, []).append((rule, function))
        self.ran = frozenset(ran) | {i for i in self.plan.rules if "settled" in self.catalogue.rules[i].applies_to}
        return table

    def _problem_findings(
        self, checks: Mapping[str, Sequence[tuple[Rule, Check[Any]]]]
    ) -> Iterator[tuple[Finding, str]]:
        for problem in self.loaded.problems:
            for rule, function in checks.get("problem", ()):
                context: Context[Any] = Context(problem, self.world, self.settings, rule)
                for finding in self._run(rule, function, context, problem.at):
                    yield finding, fingerprint(finding, {})

    def _findings(self, checks: Mapping[str, Sequence[tuple[Rule, Check[Any]]]]) -> Iterator[tuple[Finding, str]]:
        everywhere = tuple(checks.get("*", ()))
        by_kind: dict[tuple[str, str], tuple[tuple[Rule, Check[Any]], ...]] = {}
        for resource in self.loaded.resources:
            group, kind = resource.group_kind
            todo = by_kind.get((group, kind))
            if todo is None:
                todo = by_kind[group, kind] = (*everywhere, *checks.get(f"{group or 'core'}/{kind}", ()))
            if todo:
                yield from self._check(resource, todo)

    def _check(self, resource: Resource, todo: Sequence[tuple[Rule, Check[Any]]]) -> Iterator[tuple[Finding, str]]:
        view = self.world.view(resource)
        users: tuple[Related, ...] | None = None
        for rule, function in todo:
            context: Context[Any] = Context(view, self.world, self.settings, rule)
            for finding in self._run(rule, function, context, resource.place()):
                if self._patched(resource, finding):
                    continue
                if not finding.trail:
                    users = self._users(resource) if users is None else users
                    finding = replace(finding, trail=users)
                yield finding, self._fingerprint(finding, view)

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
            users.append(Related(place, f"{_role(reference.naming)}", reference.origin.id))
        return tuple(users)

    def _run(self, rule: Rule, function: Check[Any], context: Context[Any], at: Place) -> Sequence[Finding]:
        """The findings of one check; a crash becomes a finding of its own, and the others go on."""
        found: list[Finding] = []
        try:
            found.extend(function(context))
        except Exception as error:
            if self.debug:
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


def _inside(finding: Finding, depth: int) -> Finding:
    """The finding with its path counted from the object's root, not the document's (for `kind: List`)."""
    return replace(finding, at=replace(finding.at, path=finding.at.path[depth:])) if depth else finding


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
) -> Report:
    """Lint files, directories, globs and `-`. Raises `UsageError` for a path that does not exist.

    A report whose counts say no file was read had nothing to lint.
    """
    discovery = discover(
        paths,
        exclude=settings.exclude,
        force_exclude=force_exclude,
        use_gitignore=use_gitignore,
        stdin_filename=stdin_filename,
        parse=_plain_documents,
    )
    files = _Files({c.name: c for c in discovery.candidates})

    def feed() -> Iterator[Source | Problem | Incomplete]:
        yield from discovery.incomplete
        yield from files.sources()

    return lint_sources(
        feed(), lambda loaded: _layout(discovery, loaded), files.fetch, settings, catalogue, debug=debug
    )


def _plain_documents(text: str) -> Sequence[Any]:
    """The documents of a kustomization file. Raises `ValueError` where it is broken."""
    values = []
    for item in load(Source("kustomization.yaml", text, typing=KUSTOMIZE)):
        if isinstance(item, Document):
            values.append(item.value)
        elif item.fatal:
            raise ValueError(item.message)
    return values


class _Files:
    """The candidates as sources: read once in order, and again by name for the documents that have findings."""

    def __init__(self, candidates: Mapping[str, Candidate]) -> None:
        self._candidates = candidates
        self._stdin: dict[str, Source] = {}

    def sources(self) -> Iterator[Source | Problem | Incomplete]:
        for candidate in self._candidates.values():
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
        """A source again, or `None` if it is gone or not readable any more."""
        if name in self._stdin:
            return self._stdin[name]
        candidate = self._candidates.get(name)
        item = self._read(candidate) if candidate else None
        return item if isinstance(item, Source) else None


def _layout(discovery: Discovery, loaded: Loaded) -> Layout:
    graph = discovery.graph
    files = tuple(loaded.slices)
    overlays = {f: o for f in files if (o := graph.overlays_of(f))} if discovery.kustomizations else {}
    chains = {k.directory: graph.chain(k.directory) for k in discovery.kustomizations}
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
        charts=frozenset(i.source for i in discovery.incomplete if i.reason == "chart"),
        unread=frozenset(loaded.unread) | {i.source for i in loaded.incomplete if i.reason in gaps},
        project_root=discovery.project_root.replace(os.sep, "/"),
        base=os.getcwd().replace(os.sep, "/"),
        repository=repository_name(discovery.project_root),
    )
