"""The rule catalogue: what each rule is, read from its page in `rules/`.

The page is the only place where a rule's metadata and prose live. Its front matter becomes a `Rule`; its body
is the documentation, the `explain` text and the SARIF help, read only when asked for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

from rolloutlint.finding import Severity
from rolloutlint.resources import data_dir
from rolloutlint.source import Document, Source, load


class Message(NamedTuple):
    """The three sentences of a finding, with `{placeholders}` that the check fills in."""

    message: str
    consequence: str
    remedy: str


class Rule(NamedTuple):
    """Front matter of one rule page."""

    id: str
    name: str
    summary: str
    severity: Severity
    precision: Literal["very-high", "high", "medium"]
    stability: Literal["preview", "stable"]
    since: str
    applies_to: tuple[str, ...]
    """`group/Kind` (`core/Service`), `*` (every object), `problem` (of loading), `change` (an object of a sync, with
    both its states), `backtest` (a metric with its past), or `settled`."""
    needs: tuple[str, ...]
    """Kinds whose absence from the inputs makes the answer unknown."""
    targets: Mapping[str, str]
    """Product -> version range the finding holds for, e.g. `{"rollouts": ">=1.5"}`."""
    profiles: tuple[str, ...]
    fix: Literal["none", "safe", "unsafe"]
    messages: Mapping[str, Message]
    """Variant name (`""` for the default) -> texts."""
    page: str
    """Absolute path of the page."""
    mirrors: tuple[str, ...] = ()
    """The checks of the controller that the rule reports, by the numbers of `rules/controller-parity.md`."""
    mentions: tuple[str, ...] = ()
    """Words of which an object must hold one for the rule to have anything to say about it; empty: always asked."""


class Profile(NamedTuple):
    """A named set of rules; `extends` names the one it builds on."""

    name: str
    summary: str
    extends: str


class Catalogue(NamedTuple):
    """All rules by id, in order, and the profiles."""

    rules: Mapping[str, Rule]
    profiles: Mapping[str, Profile]

    def in_profile(self, profile: str) -> frozenset[str]:
        """The ids of the rules that `profile` turns on, with those of the profiles it extends."""
        names: set[str] = set()
        while profile:
            names.add(profile)
            profile = self.profiles[profile].extends
        return frozenset(r.id for r in self.rules.values() if names.intersection(r.profiles))

    def match(self, selector: str) -> tuple[str, ...]:
        """The ids a selector means: an id, a name, a prefix (`RL`, `RL1`, `RL10`) or `ALL`; `()` if none."""
        if selector == "ALL":
            return tuple(self.rules)
        if selector in self.rules:
            return (selector,)
        named = tuple(r.id for r in self.rules.values() if r.name == selector)
        if named:
            return named
        return tuple(i for i in self.rules if selector.startswith("RL") and i.startswith(selector))


def _mapping(text: str, file: str) -> Mapping[str, Any]:
    """The mapping that is all of a text, by our own reader: importing PyYAML costs more than reading every page."""
    documents = list(load(Source(file, text)))
    if len(documents) == 1 and isinstance(documents[0], Document) and isinstance(documents[0].value, dict):
        return documents[0].value
    raise ValueError(f"{file}: not one YAML mapping")


def _message(front: Mapping[str, Any], page: str) -> Message:
    try:
        return Message(front["message"], front["consequence"], front["remedy"])
    except KeyError as missing:
        raise ValueError(f"{page}: front matter lacks {missing}") from None


class _Messages(Mapping[str, Message]):
    """The sentences of a page, read when the first finding needs them: most pages of a run have none."""

    def __init__(self, text: str, page: str) -> None:
        self._text = text
        self._page = page

    @cached_property
    def _read(self) -> Mapping[str, Message]:
        front = _mapping(self._text, self._page)
        found = {"": _message(front, self._page)}
        for name, variant in (front.get("variants") or {}).items():
            found[name] = _message({**front, **variant}, self._page)
        return found

    def __getitem__(self, variant: str) -> Message:
        return self._read[variant]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def parse_front_matter(text: str, page: str) -> Rule:
    """The `Rule` a page's text declares, the sentences of which come last and are read when asked for.

    Raises `ValueError` naming `page` when it is not a rule page.
    """
    if not text.startswith("---\n") or "\n---\n" not in text:
        raise ValueError(f"{page}: no front matter")
    end = text.index("\n---\n") + 1
    start = text.find("\nmessage:", 0, end) + 1
    if not start:
        raise ValueError(f"{page}: front matter lacks 'message'")
    front = _mapping(text[4:start], page)
    try:
        return Rule(
            id=front["id"],
            name=front["name"],
            summary=front["summary"],
            severity=cast("Severity", front["severity"]),
            precision=front["precision"],
            stability=front["stability"],
            since=str(front["since"]),
            applies_to=tuple(front["applies-to"]),
            mentions=tuple(front.get("mentions") or ()),
            needs=tuple(front.get("needs") or ()),
            targets=dict(front.get("targets") or {}),
            profiles=tuple(front["profiles"]),
            fix=front["fix"],
            messages=_Messages(text[start:end], page),
            page=page,
            mirrors=tuple(front.get("mirrors") or ()),
        )
    except KeyError as missing:
        raise ValueError(f"{page}: front matter lacks {missing}") from None


def page_body(rule: Rule) -> str:
    """The Markdown of the page below its front matter."""
    with open(rule.page, encoding="utf-8") as page:
        text = page.read()
    return text[text.index("\n---\n") + 5 :].lstrip("\n")


def _pages(directory: str) -> Iterable[str]:
    for family in sorted(os.listdir(directory)):
        folder = os.path.join(directory, family)
        if os.path.isdir(folder):
            yield from (os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.startswith("RL"))


def load_catalogue(directory: str = "") -> Catalogue:
    """Every page below `directory` (default: the shipped `rules/`). Raises `ValueError` on a broken page."""
    directory = directory or data_dir("rules")
    rules: list[Rule] = []
    for page in _pages(directory):
        with open(page, encoding="utf-8") as handle:
            rules.append(parse_front_matter(handle.read(), page))
    profiles_file = os.path.join(directory, "profiles.yaml")
    with open(profiles_file, encoding="utf-8") as handle:
        declared = _mapping(handle.read(), profiles_file)["profiles"]
    profiles = {p["name"]: Profile(p["name"], p["summary"], p.get("extends") or "") for p in declared}
    return Catalogue({r.id: r for r in sorted(rules, key=lambda r: r.id)}, profiles)
