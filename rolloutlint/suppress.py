"""Accepted findings: comments, annotations and waivers, and what is wrong with each of them (RL9).

One grammar serves comments (`# rolloutlint: ignore ...`) and the annotation `rolloutlint.dev/ignore`:
`RULES [until YYYY-MM-DD] -- REASON`. A suppression holds only if it can be read, has a reason and has not
expired; everything else about it is a finding, and so is one that suppresses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from rolloutlint.catalogue import Catalogue
from rolloutlint.config.globs import matcher, relative_to_config
from rolloutlint.config.plan import RulePlan, plan
from rolloutlint.config.values import is_date, suggest
from rolloutlint.finding import (
    Disposition,
    DocumentId,
    Edit,
    Finding,
    Fix,
    Path,
    Place,
    ResourceId,
    SettledFinding,
    Span,
)
from rolloutlint.settings import Settings, Waiver

ANNOTATION = "rolloutlint.dev/ignore"
"""The annotation that suppresses findings of the resource that carries it. Each line is one suppression."""

UNUSED, UNKNOWN, EXPIRED, REASONLESS, MALFORMED = "RL901", "RL902", "RL903", "RL904", "RL905"

Fault = Literal["", "verb", "colon", "no-rules", "blanket", "date", "words", "file-scope", "annotation"]
"""Why a suppression cannot be read: the variants of RL905's message."""

_MARK = re.compile(r"#+[ \t]*rolloutlint[ \t]*:", re.IGNORECASE)
_UNMARKED = re.compile(r"#+[ \t]*rolloutlint[ \t]+(?:ignore|disable)(?:-file)?[ \t:=]+RL\d", re.IGNORECASE)
_NEXT_COMMENT = re.compile(r"\s#\s")
_VERB = re.compile(r"\s*([A-Za-z_-]*)\s*")
_DASHES = re.compile(r"\s*(?:-{2,}|[—–])\s*")
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+\Z")
_RULE = re.compile(r"RL\w*\Z", re.IGNORECASE)


class Comment(Protocol):
    """What this module needs to know of a comment in a source."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def text(self) -> str:
        """From the `#` to the end of the line, without the line break."""

    @property
    def own_line(self) -> bool:
        """Whether nothing but white space stands before it."""


class Directive(NamedTuple):
    """One suppression as written. With a `fault` the other fields hold what could be read."""

    scope: Literal["line", "file"] = "line"
    selectors: tuple[str, ...] = ()
    until: str = ""
    """ISO date, the last day on which it holds; empty: for ever."""
    reason: str = ""
    fault: Fault = ""
    detail: str = ""
    """The part of the text that is at fault."""
    start: int = 0
    end: int = 0
    """Where it stands in the comment's text."""


class AnnotationSuppression(NamedTuple):
    """The text of a resource's `rolloutlint.dev/ignore` annotation, or a key that looks like a misspelling.

    It suppresses findings of `resource` in the document of `at`.
    """

    resource: ResourceId
    at: Place
    text: object


def parse_comment(text: str) -> Directive | None:
    """The suppression in a comment's text (from its `#` on), or `None` where it holds none. Never raises.

    The directive may follow other words of the comment, and ` # ` after it begins another comment.
    """
    mark = _MARK.search(text)
    if mark is None:
        bare = _UNMARKED.search(text)
        return bare and Directive(fault="colon", start=bare.start(), end=len(text))
    following = _NEXT_COMMENT.search(text, mark.end())
    end = following.start() if following else len(text.rstrip())
    body = text[mark.end() : end]
    verb = _VERB.match(body)
    word = verb[1].lower() if verb else ""
    if verb is None or word not in ("ignore", "ignore-file"):
        return Directive(fault="verb", detail=word or body.strip(), start=mark.start(), end=end)
    directive = parse_suppression(body[verb.end() :])
    return directive._replace(
        scope="file" if word == "ignore-file" else "line", start=mark.start(), end=max(end, mark.end())
    )


def parse_suppression(text: str) -> Directive:
    """Reads `RULES [until YYYY-MM-DD] -- REASON`. Never raises."""
    dashes = _DASHES.search(text)
    head, reason = (text[: dashes.start()], text[dashes.end() :].strip()) if dashes else (text, "")
    words = [w for w in re.split(r"[,\s]+", head) if w]
    until = ""
    for index, word in enumerate(words):
        if word.lower() == "until":
            until = " ".join(words[index + 1 :])
            words = words[:index]
            if not is_date(until):
                return Directive(selectors=tuple(words), reason=reason, fault="date", detail=until or "until")
            break
    made = Directive(selectors=tuple(dict.fromkeys(words)), until=until, reason=reason)
    if not words:
        return made._replace(fault="no-rules")
    for index, word in enumerate(words):
        if word.upper() in ("ALL", "*", "RL"):
            return made._replace(fault="blanket", detail=word)
        if not _RULE.match(word) and not _NAME.match(word):
            return made._replace(fault="words", detail=" ".join(words[index:]))
    return made


def read_annotations(
    resource: ResourceId,
    document: DocumentId,
    annotations: Mapping[str, object],
    path: Path = ("metadata", "annotations"),
) -> tuple[AnnotationSuppression, ...]:
    """The suppressions among the annotations of `resource`, which stand at `path` in `document`."""
    return tuple(
        AnnotationSuppression(resource, Place(document, (*path, key), "value" if key == ANNOTATION else "key"), value)
        for key, value in annotations.items()
        if isinstance(key, str) and key.startswith(ANNOTATION)
    )


class _Suppression(NamedTuple):
    """A suppression that can be read, wherever it came from."""

    at: Place
    kind: Literal["comment", "annotation", "waiver"]
    rules: tuple[tuple[str, frozenset[str]], ...]
    """Each selector as written, with the ids it means."""
    reason: str
    resource: ResourceId | None = None
    removal: Callable[[Collection[str]], Fix | None] = lambda unused: None
    """Makes the fix that takes the given selectors out (all of them: the whole suppression)."""

    def covers(self, rule: str) -> bool:
        return any(rule in ids for _, ids in self.rules)


class _Reader:
    """Turns suppressions as written into those that hold, and collects the findings about the others."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.findings: list[Finding] = []
        self._plan: RulePlan | None = None

    @property
    def plan(self) -> RulePlan:
        if self._plan is None:
            self._plan = plan(self.settings, self.catalogue)
        return self._plan

    def report(
        self, rule: str, variant: str, at: Place, resource: ResourceId | None, fix: Fix | None = None, **texts: str
    ) -> None:
        """Adds a finding of `rule`, if it is on for that file, in the words of its page."""
        if rule not in self.plan.for_file(at.document.source):
            return
        said = self.catalogue.rules[rule].messages[variant]
        self.findings.append(
            Finding(
                rule,
                at,
                said.message.format(**texts),
                said.consequence.format(**texts),
                said.remedy.format(**texts),
                resource=resource,
                fix=fix,
                discriminator=" ".join((variant, *texts.values())).strip(),
            )
        )

    def read(
        self,
        directive: Directive,
        at: Place,
        kind: Literal["comment", "annotation", "waiver"],
        resource: ResourceId | None = None,
        removal: Callable[[Collection[str]], Fix | None] = lambda unused: None,
    ) -> _Suppression | None:
        """The suppression, if it holds; what is wrong with it is reported, the gravest fault only."""
        if directive.fault:
            variant = "" if directive.fault == "words" else directive.fault
            self.report(MALFORMED, variant, at, resource, kind=kind, detail=_shorten(directive.detail))
            return None
        known: list[tuple[str, frozenset[str]]] = []
        for selector in directive.selectors:
            ids = frozenset(self.catalogue.match(selector))
            if ids:
                known.append((selector, ids))
            else:
                hint = suggest(selector, self.catalogue)
                wording = "near-miss" if hint else ""
                self.report(UNKNOWN, wording, at, resource, kind=kind, selector=_shorten(selector), hint=hint)
        listed = ", ".join(directive.selectors)
        if directive.until and self.settings.today and self.settings.today > directive.until:
            self.report(EXPIRED, "", at, resource, kind=kind, rules=_shorten(listed), until=directive.until)
            return None
        if not known:
            return None
        if not directive.reason:
            self.report(REASONLESS, "", at, resource, kind=kind, rules=_shorten(listed))
            return None
        return _Suppression(at, kind, tuple(known), directive.reason, resource, removal)


def judge(
    findings: Sequence[SettledFinding],
    comments: Mapping[str, Sequence[Comment]],
    annotations: Iterable[AnnotationSuppression],
    settings: Settings,
    catalogue: Catalogue,
    ran: Collection[str],
    *,
    covers: Mapping[int, tuple[int, int]] | None = None,
    seen: Collection[tuple[str, ResourceId]] = (),
    partial: Collection[str] = (),
) -> tuple[tuple[SettledFinding, ...], tuple[Finding, ...]]:
    """Gives every finding its disposition and reason, and the findings about the suppressions themselves.

    * `comments`: those of each source that has any, in the order in which they stand. One that shares its line
      with YAML applies to the findings that start on it, one on its own line to those that start on the next
      line that is no such comment; `ignore-file` applies to its file.
    * `covers`: index of a finding -> first and last line of the scalar it lies in, key included, where the
      scalar has several lines: comments for the first line, or after the last, apply to the whole.
    * `ran`: the rules that ran. A suppression is called unused only where all its rules ran and could know
      the answer: a rule that `needs` a kind which the inputs lack could not, unless they are `closed`.
    * `seen`: every (file, resource) of the run. A waiver is called unused only where it matches one of them,
      or where the inputs are `closed`: the others may be in files that this run does not read.
    * `partial`: files of which only a part was understood; nothing in them is called unused.

    The findings keep their order; those about suppressions come in no particular one.
    """
    reader = _Reader(settings, catalogue)
    lines: dict[tuple[str, int], list[_Suppression]] = {}
    files: dict[str, list[_Suppression]] = {}
    owned: dict[tuple[DocumentId, ResourceId], list[_Suppression]] = {}
    if settings.inline_suppressions:
        for source, listed in comments.items():
            _read_comments(reader, source, listed, lines, files)
        for annotation in annotations:
            _read_annotation(reader, annotation, owned)
    waivers = [(w, s) for w in settings.waivers if (s := _read_waiver(reader, w)) is not None]
    matches = {id(s): _waiver_matcher(w, settings) for w, s in waivers}

    used: set[tuple[int, str]] = set()
    judged: list[SettledFinding] = []
    for index, settled in enumerate(findings):
        finding = settled.finding
        starts = sorted({settled.span.line, *((covers or {}).get(index, ()))})
        candidates = [s for line in starts for s in lines.get((settled.file, line), ())]
        candidates += files.get(settled.file, ())
        if finding.resource is not None:
            candidates += owned.get(((finding.rendered or finding.at).document, finding.resource), ())
        candidates += [s for _, s in waivers if matches[id(s)](settled.file, finding.resource)]
        holding = [s for s in candidates if s.covers(finding.rule)]
        for suppression in holding:
            used.update((id(suppression), text) for text, ids in suppression.rules if finding.rule in ids)
        if holding:
            disposition: Disposition = "waived" if holding[0].kind == "waiver" else "suppressed"
            settled = settled._replace(disposition=disposition, reason=holding[0].reason)
        judged.append(settled)

    inline = [s for group in (lines, files, owned) for listed in group.values() for s in listed]
    if inline or waivers:
        _report_unused(reader, inline, waivers, matches, used, frozenset(ran), seen, partial)
    return tuple(judged), tuple(reader.findings)


def _read_comments(
    reader: _Reader,
    source: str,
    comments: Sequence[Comment],
    lines: dict[tuple[str, int], list[_Suppression]],
    files: dict[str, list[_Suppression]],
) -> None:
    alone: frozenset[int] | None = None
    for comment in comments:
        if "rolloutlint" not in comment.text.lower():
            continue
        directive = parse_comment(comment.text)
        if directive is None:
            continue
        if directive.scope == "file" and not comment.own_line and not directive.fault:
            directive = directive._replace(fault="file-scope", detail="ignore-file")
        place = _comment_place(source, comment, directive)
        suppression = reader.read(directive, place, "comment", removal=_comment_removal(place, comment, directive))
        if suppression is None:
            continue
        if directive.scope == "file":
            files.setdefault(source, []).append(suppression)
            continue
        line = comment.line
        if comment.own_line:
            alone = alone or frozenset(c.line for c in comments if c.own_line)
            while line in alone:
                line += 1
        lines.setdefault((source, line), []).append(suppression)


def _comment_place(source: str, comment: Comment, directive: Directive) -> Place:
    start, end = comment.column + directive.start, comment.column + directive.end
    return Place(DocumentId(source, 0), span=Span(comment.line, start, comment.line, end))


def _comment_removal(place: Place, comment: Comment, directive: Directive) -> Callable[[Collection[str]], Fix | None]:
    def removal(unused: Collection[str]) -> Fix | None:
        span = place.span
        assert span is not None
        kept = tuple(s for s in directive.selectors if s not in unused)
        if kept:
            verb = "ignore-file" if directive.scope == "file" else "ignore"
            text = f"# rolloutlint: {verb} {_render(directive, kept)}"
        else:
            text = ""
            whole = not comment.text[: directive.start].strip() and not comment.text[directive.end :].strip()
            if whole and comment.own_line:
                span = Span(span.line, 1, span.line + 1, 1)
        return Fix("Remove the unused suppression", "safe", (Edit("text", place._replace(span=span), text),))

    return removal


def _render(directive: Directive, selectors: Sequence[str]) -> str:
    until = f" until {directive.until}" if directive.until else ""
    return f"{', '.join(selectors)}{until} -- {directive.reason}"


def _read_annotation(
    reader: _Reader,
    annotation: AnnotationSuppression,
    owned: dict[tuple[DocumentId, ResourceId], list[_Suppression]],
) -> None:
    resource, at, text = annotation
    if at.path[-1:] != (ANNOTATION,):
        detail = str(at.path[-1]) if at.path else ""
        reader.read(Directive(fault="annotation", detail=detail), at, "annotation", resource)
        return
    if not isinstance(text, str) or not text.strip():
        reader.read(Directive(fault="no-rules"), at, "annotation", resource)
        return
    written = [line.strip() for line in text.split("\n")]
    for number, line in enumerate(written):
        if line:
            directive = parse_suppression(line)
            removal = _annotation_removal(at, written, number, directive)
            suppression = reader.read(directive, at, "annotation", resource, removal)
            if suppression is not None:
                owned.setdefault((at.document, resource), []).append(suppression)


def _annotation_removal(
    at: Place, written: Sequence[str], number: int, directive: Directive
) -> Callable[[Collection[str]], Fix | None]:
    def removal(unused: Collection[str]) -> Fix | None:
        kept = tuple(s for s in directive.selectors if s not in unused)
        rest = [line for i, line in enumerate(written) if line and i != number]
        if kept:
            rest.insert(sum(1 for line in written[:number] if line), _render(directive, kept))
        if rest:
            edit = Edit("replace", at, "\n".join(rest))
        else:
            edit = Edit("remove", at._replace(part="item"))
        return Fix("Remove the unused suppression", "safe", (edit,))

    return removal


def _read_waiver(reader: _Reader, waiver: Waiver) -> _Suppression | None:
    at = Place(
        DocumentId(reader.settings.config_file, 0),
        span=Span(
            max(waiver.line, 1),
            max(waiver.column, 1),
            max(waiver.end_line, waiver.line, 1),
            max(waiver.end_column, waiver.column + 1, 2),
        ),
    )
    return reader.read(Directive("line", waiver.rules, waiver.expires, waiver.reason), at, "waiver")


def _waiver_matcher(waiver: Waiver, settings: Settings) -> Callable[[str, ResourceId | None], bool]:
    from fnmatch import fnmatchcase

    in_path = matcher((waiver.path,)) if waiver.path else None
    globs = (waiver.kind, waiver.namespace, waiver.name)

    def match(file: str, resource: ResourceId | None) -> bool:
        if resource is None:
            if globs != ("*", "*", "*"):
                return False
        elif not (
            fnmatchcase(resource.kind, waiver.kind)
            and fnmatchcase(resource.namespace, waiver.namespace)
            and fnmatchcase(resource.name, waiver.name)
        ):
            return False
        return in_path is None or in_path(relative_to_config(settings, file))

    return match


def _report_unused(
    reader: _Reader,
    inline: Sequence[_Suppression],
    waivers: Sequence[tuple[Waiver, _Suppression]],
    matches: Mapping[int, Callable[[str, ResourceId | None], bool]],
    used: Collection[tuple[int, str]],
    ran: frozenset[str],
    seen: Collection[tuple[str, ResourceId]],
    partial: Collection[str],
) -> None:
    closed = reader.settings.closed
    kinds: frozenset[str] | None = None

    def could_know(rule: str) -> bool:
        nonlocal kinds
        needs = reader.catalogue.rules[rule].needs
        if not needs or closed:
            return True
        if kinds is None:
            kinds = frozenset(resource.kind for _, resource in seen)
        return all(kind.rpartition("/")[2] in kinds for kind in needs)

    def unused(suppression: _Suppression, on: Collection[str]) -> tuple[str, ...]:
        return tuple(
            text
            for text, ids in suppression.rules
            if (id(suppression), text) not in used
            and all(rule in ran and rule in on and could_know(rule) for rule in ids)
        )

    for suppression in inline:
        source = suppression.at.document.source
        if source not in partial:
            _report_one(reader, suppression, unused(suppression, reader.plan.for_file(source)))
    for waiver, suppression in waivers:
        idle = unused(suppression, ran)
        if idle and not partial and (closed or any(matches[id(suppression)](f, r) for f, r in seen)):
            _report_one(reader, suppression, idle, waiver.reason)


def _report_one(reader: _Reader, suppression: _Suppression, idle: Sequence[str], reason: str = "") -> None:
    if not idle:
        return
    variant = "in-part" if len(idle) < len(suppression.rules) else ""
    texts: dict[str, Any] = {"kind": suppression.kind, "rules": _shorten(", ".join(idle))}
    fix = suppression.removal(idle)
    reader.report(UNUSED, variant, suppression.at, suppression.resource, fix, **texts)


def _shorten(text: str, limit: int = 48) -> str:
    """`text` on one line that fits into a message."""
    flat = " ".join(text.split()).replace("`", "'")
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
