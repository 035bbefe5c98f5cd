"""Which rules run and how severe their findings are, everywhere and in one file, and why.

Selection is ruff's: a profile or `select` gives the start, and of all selectors that speak of a rule the most
specific decides (`RL405` beats `RL4` beats `ALL`); between equals `ignore` wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rolloutlint.catalogue import Catalogue
from rolloutlint.config.globs import matcher, relative_to_config
from rolloutlint.finding import Severity
from rolloutlint.settings import Override, Settings


class Decision(NamedTuple):
    """One step of the way to whether a rule runs, and with which severity, after it."""

    setting: str
    """What decided: `profile`, `select`, `extend-select`, `ignore`, `severity`, `overrides`."""
    says: str
    """The entry that decided, e.g. `RL4` or `RL405: note`."""
    runs: bool
    severity: Severity


class _Exception(NamedTuple):
    """An `Override` with its selectors resolved."""

    matches: Callable[[str], bool]
    ignored: frozenset[str]
    severity: Mapping[str, Severity]


class RulePlan(NamedTuple):
    """The rules that run, with their severities."""

    severity: Mapping[str, Severity]
    """Rule id -> severity, for the rules that run, in id order."""
    settings: Settings
    exceptions: tuple[_Exception, ...] = ()

    @property
    def rules(self) -> frozenset[str]:
        """The ids of the rules that run. An override turns a rule off in some files, never on."""
        return frozenset(self.severity)

    def for_file(self, file: str) -> Mapping[str, Severity]:
        """Rule id -> severity for findings in `file` (a display path); rules that are off there are absent."""
        if not self.exceptions:
            return self.severity
        path = relative_to_config(self.settings, file)
        here = [e for e in self.exceptions if e.matches(path)]
        if not here:
            return self.severity
        changed = dict(self.severity)
        for exception in here:
            for rule in exception.ignored:
                changed.pop(rule, None)
            changed.update((r, s) for r, s in exception.severity.items() if r in changed)
        return changed


def plan(settings: Settings, catalogue: Catalogue) -> RulePlan:
    """What runs under `settings`. Selectors that mean no rule are without effect: loading refuses them."""
    chosen = _chosen(settings, catalogue)
    levels = _levels(settings.severity, catalogue)
    severity = {r.id: levels.get(r.id, r.severity) for r in catalogue.rules.values() if chosen[r.id]}
    return RulePlan(severity, settings, tuple(_exception(o, catalogue) for o in settings.overrides))


def decisions(settings: Settings, catalogue: Catalogue, rule: str, file: str = "") -> tuple[Decision, ...]:
    """Every setting that had a say about the rule with id `rule` (and in `file`, if given), in order of effect.

    The last one tells the outcome. Raises `KeyError` for an id that the catalogue lacks.
    """
    level = catalogue.rules[rule].severity
    runs = not settings.select and rule in catalogue.in_profile(settings.profile)
    start = "replaced by select" if settings.select else settings.profile
    steps = [Decision("profile", start, runs, level)]
    for setting, selector, turns in _ordered(settings, catalogue):
        if rule in catalogue.match(selector):
            runs = turns
            steps.append(Decision(setting, selector, runs, level))
    for selector, severity in settings.severity:
        if rule in catalogue.match(selector):
            level = severity
            steps.append(Decision("severity", f"{selector}: {severity}", runs, level))
    for override in settings.overrides if file else ():
        exception = _exception(override, catalogue)
        if not exception.matches(relative_to_config(settings, file)):
            continue
        if rule in exception.ignored:
            runs = False
            steps.append(Decision("overrides", f"{', '.join(override.paths)}: ignore", runs, level))
        if rule in exception.severity:
            level = exception.severity[rule]
            steps.append(Decision("overrides", f"{', '.join(override.paths)}: {level}", runs, level))
    return tuple(steps)


def _chosen(settings: Settings, catalogue: Catalogue) -> dict[str, bool]:
    start = frozenset() if settings.select else catalogue.in_profile(settings.profile)
    chosen = {rule: rule in start for rule in catalogue.rules}
    for _, selector, turns in _ordered(settings, catalogue):
        chosen.update(dict.fromkeys(catalogue.match(selector), turns))
    return chosen


def _ordered(settings: Settings, catalogue: Catalogue) -> Iterator[tuple[str, str, bool]]:
    """(setting, selector, on or off) in the order in which they take effect: the last one decides."""
    entries = [("select", s, True) for s in settings.select]
    entries += [("extend-select", s, True) for s in settings.extend_select]
    entries += [("ignore", s, False) for s in settings.ignore]
    yield from sorted(entries, key=lambda entry: _specificity(entry[1], catalogue))


def _specificity(selector: str, catalogue: Catalogue) -> int:
    if selector == "ALL":
        return 0
    if selector in catalogue.rules or not selector.startswith("RL"):
        return 99
    return len(selector)


def _levels(severity: tuple[tuple[str, Severity], ...], catalogue: Catalogue) -> dict[str, Severity]:
    return {rule: level for selector, level in severity for rule in catalogue.match(selector)}


def _exception(override: Override, catalogue: Catalogue) -> _Exception:
    ignored = frozenset(rule for selector in override.ignore for rule in catalogue.match(selector))
    return _Exception(matcher(override.paths), ignored, _levels(override.severity, catalogue))
