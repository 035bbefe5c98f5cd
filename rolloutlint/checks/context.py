"""What a check sees: one object, the world around it, the settings, and a way to say what it found.

Checks are generators of findings without I/O, clock or severity. Their sentences stand in the rule's page; a
check only fills in the placeholders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from rolloutlint.catalogue import Rule
from rolloutlint.finding import Edit, Finding, Fix, Part, Path, Place, Related, Safety
from rolloutlint.graph import Reference, World
from rolloutlint.model import View
from rolloutlint.settings import Settings

V = TypeVar("V")

Check = Callable[["Context[V]"], Iterator[Finding]]


def check(rule_id: str) -> Callable[[Check[V]], Check[V]]:
    """Declare which rule a generator implements. What it applies to stands in the rule's front matter."""

    def mark(function: Check[V]) -> Check[V]:
        function.rule_id = rule_id  # type: ignore[attr-defined]
        return function

    return mark


class Context(Generic[V]):
    """One check's look at one object (`resource`) in its `world`."""

    __slots__ = ("resource", "rule", "settings", "world")

    def __init__(self, resource: V, world: World, settings: Settings, rule: Rule) -> None:
        self.resource = resource
        self.world = world
        self.settings = settings
        self.rule = rule

    @property
    def _view(self) -> View:
        assert isinstance(self.resource, View)
        return self.resource

    def refs(self, *roles: str) -> tuple[Reference, ...]:
        """The references of this object, optionally only those of the given roles."""
        return self.world.references(self._view.resource, *roles)

    def target(self, role: str) -> View | None:
        """The view of the one object named in `role`, where it is certain."""
        for reference in self.refs(role):
            if reference.target is not None:
                return self.world.view(reference.target)
        return None

    def finding(
        self,
        at: Path | Place,
        part: Part = "value",
        *,
        piece: tuple[int, int] | None = None,
        variant: str = "",
        related: Sequence[Related] = (),
        trail: Sequence[Related] = (),
        fix: Fix | None = None,
        discriminator: str = "",
        **params: object,
    ) -> Finding:
        """A finding of this rule at a path of this object (or any `Place`).

        `params` fill the placeholders of the page's `message`, `consequence` and `remedy` (of `variant`, if
        given). Raises `KeyError` for a placeholder that is not given, which the catalogue test would show.
        """
        texts = self.rule.messages[variant]
        values = {key: _neutral(value) for key, value in params.items()}
        view = self.resource if isinstance(self.resource, View) else None
        return Finding(
            rule=self.rule.id,
            at=at if isinstance(at, Place) else self._view.place(at, part, piece),
            message=texts.message.format_map(values),
            consequence=texts.consequence.format_map(values),
            remedy=texts.remedy.format_map(values),
            resource=view.id if view else None,
            related=tuple(related),
            trail=tuple(trail),
            fix=fix,
            discriminator=discriminator,
        )

    def edit(self, op: str, at: Path, value: object = None, *, piece: tuple[int, int] | None = None) -> Edit:
        """A symbolic edit of this object; see `finding.Edit` for the operations."""
        return Edit(op, self._view.place(at, piece=piece), value)  # type: ignore[arg-type]

    def fix(self, title: str, *edits: Edit, safety: Safety = "safe") -> Fix:
        """A fix made of symbolic edits."""
        return Fix(title, safety, edits)


def _neutral(value: object) -> object:
    """Names from manifests as they may stand in a message: on one line and not endless."""
    if isinstance(value, str):
        line = " ".join(value.split())
        return line if len(line) <= 120 else line[:117] + "..."
    return value
