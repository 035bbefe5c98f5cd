"""Loads a configuration file: values checked against the published schema, problems with their places."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

from rolloutlint.catalogue import Catalogue
from rolloutlint.config.globs import matcher
from rolloutlint.config.read import Written, read
from rolloutlint.config.values import is_date, nearest, parse_release, parse_seconds, parse_share, suggest
from rolloutlint.errors import UsageError
from rolloutlint.finding import Path, show_path
from rolloutlint.resources import data_dir
from rolloutlint.settings import Override, PlanPolicy, Version, Waiver

SCHEMA = "config-v1.json"


class ConfigFile(NamedTuple):
    """What one configuration file sets."""

    path: str
    """As shown to the user."""
    values: Mapping[str, Any] = MappingProxyType({})
    """Fields of `Settings`, only those that are written; `targets` maps product names to `Version`s."""
    origins: Mapping[str, str] = MappingProxyType({})
    """Key as written in the file (`fail-on`, `targets.istio`, `waivers[0]`) -> `file:line`."""


class _Problem(NamedTuple):
    line: int
    column: int
    text: str


def load_config(path: str, catalogue: Catalogue) -> ConfigFile:
    """Reads and checks the file at `path` (YAML, or a `pyproject.toml`).

    Raises `UsageError` with every problem on a line of its own: `config: FILE:LINE:COLUMN: what and what to do`.
    """
    written = read(path)
    problems = [_Problem(*where, text) for where, text in _problems(written, catalogue)]
    if problems:
        shown = dict.fromkeys(f"config: {path}:{p.line}:{p.column}: {p.text}" for p in sorted(problems))
        raise UsageError("\n".join(shown))
    return ConfigFile(path, _values(written), _origins(written, path))


def check_selectors(flag: str, selectors: Iterable[str], catalogue: Catalogue) -> None:
    """Raises `UsageError` where a rule selector given to `flag` (`--ignore`) means no rule."""
    unknown = [_unknown_rule(s, catalogue) for s in selectors if not catalogue.match(s)]
    if unknown:
        raise UsageError("\n".join(f"{flag}: {text}" for text in unknown))


def check_profile(flag: str, profile: str, catalogue: Catalogue) -> None:
    """Raises `UsageError` where there is no such profile."""
    if profile not in catalogue.profiles:
        raise UsageError(f"{flag}: {_unknown_profile(profile, catalogue)}")


_Found = tuple[tuple[int, int], str]


def _problems(written: Written, catalogue: Catalogue) -> Iterator[_Found]:
    broken: list[Path] = []
    for where, text, path in _schema_problems(written):
        broken.append(path)
        yield where, text
    for path, selectors in _selectors(written.values):
        for selector, place, part in selectors:
            if isinstance(selector, str) and selector and not catalogue.match(selector):
                yield written.locate((*path, place), part), _unknown_rule(selector, catalogue)
    profile = written.values.get("profile")
    if isinstance(profile, str) and profile and profile not in catalogue.profiles:
        yield written.locate(("profile",), "value"), _unknown_profile(profile, catalogue)
    yield from _value_problems(written, broken)


def _value_problems(written: Written, broken: Sequence[Path]) -> Iterator[_Found]:
    """What no schema can say: days that do not exist, and patterns that cannot be compiled."""
    for index, waiver in enumerate(_listed(written.values, "waivers")):
        at: Path = ("waivers", index, "expires")
        expires = waiver.get("expires")
        if isinstance(expires, str) and at not in broken and not is_date(expires):
            yield written.locate(at, "value"), f"`{expires}` is not a day of the calendar"
        yield from _bad_globs(written, ("waivers", index), {"path": waiver.get("path")})
    for index, override in enumerate(_listed(written.values, "overrides")):
        paths = override.get("paths")
        yield from _bad_globs(written, ("overrides", index, "paths"), dict(enumerate(_list(paths))))
    yield from _bad_globs(written, ("exclude",), dict(enumerate(_list(written.values.get("exclude")))))


def _bad_globs(written: Written, path: Path, globs: Mapping[Any, object]) -> Iterator[_Found]:
    for key, glob in globs.items():
        if isinstance(glob, str) and glob:
            try:
                matcher((glob,))
            except ValueError:
                yield written.locate((*path, key), "value"), f"`{glob}` is not a .gitignore pattern"


def _schema_problems(written: Written) -> Iterator[tuple[tuple[int, int], str, Path]]:
    from jsonschema import Draft202012Validator

    with open(os.path.join(data_dir("schemas"), "rolloutlint", SCHEMA), encoding="utf-8") as handle:
        schema = json.load(handle)
    for error in Draft202012Validator(schema).iter_errors(written.values):
        path: Path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            known = error.schema["properties"]
            for key in error.instance:
                if key not in known:
                    where = written.locate((*path, key), "key")
                    yield where, _unknown_key(str(key), path, known), (*path, key)
        elif error.validator == "required":
            for key in error.validator_value:
                if key not in error.instance:
                    yield written.locate(path, "value"), _missing(key, path), (*path, key)
        else:
            yield written.locate(path, "value"), _wrong(error, path, written), path


def _unknown_key(key: str, path: Path, known: Mapping[str, Any]) -> str:
    inside = f" in `{show_path(path)}`" if path else ""
    hint = nearest(key.lower().replace("_", "-"), known)
    if hint:
        return f"unknown key `{key}`{inside} (did you mean `{hint}`?)"
    return f"unknown key `{key}`{inside}: known are {_either(known, 'and')}"


def _missing(key: str, path: Path) -> str:
    what = {
        "reason": "add `reason:` and say why the findings are acceptable",
        "rules": "add `rules:` and list the rules that it waives",
        "paths": "add `paths:` and list the files that it is for",
    }
    return f"`{show_path(path)}` lacks `{key}`: {what[key]}"


_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "boolean": "true or false",
    "number": "a number",
}


_DURATION = "a Go duration such as 30m or 1h30m, or seconds"
_WANTED = {
    "max-pause": _DURATION,
    "max-first-share": "a percentage from 0 to 100 such as 20%",
    "max-exposure": "a number of percent-minutes above 0 such as 120, which is 20 % for 6 minutes",
    "min-evidence": "a whole number of measurements, 0 or more",
    "max-time-to-detect": _DURATION,
    "max-duration": _DURATION,
    "scrape-interval": _DURATION,
}
"""What the settings that are an amount look like."""


def _wrong(error: Any, path: Path, written: Written) -> str:
    """What is wrong with the value at `path`, and what to write instead."""
    name, value, raw = show_path(path) or "the configuration", error.instance, written.raw(path)
    if path[:1] == ("targets",) and len(path) == 2:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            number = f": {raw} is the number {value}" if raw and raw != str(value) else ""
            return f'`{name}`: quote it{number}; a release is written "{_release_like(raw or str(value))}"'
        return f'`{name}` must be a release such as "1.9", not {_shown(raw, value)}'
    if name in _WANTED:
        return f"`{name}` must be {_WANTED[name]}, not {_shown(raw, value)}"
    if path[-1:] == ("expires",):
        return f"`{name}` must be a date such as 2027-06-30, not {_shown(raw, value)}"
    if error.validator == "enum":
        hint = nearest(value.lower(), error.validator_value) if isinstance(value, str) else ""
        options = f" (did you mean `{hint}`?)" if hint else ""
        return f"`{name}` must be {_either(error.validator_value, 'or')}, not {_shown(raw, value)}{options}"
    if error.validator == "type":
        if error.validator_value == "array" and isinstance(value, str):
            return f"`{name}` must be a list: write [{value}]"
        wanted = _TYPES[error.validator_value]
        return f"`{name}` must be {wanted}, not {_kind(value)}"
    return f"`{name}` must not be empty"


def _shown(raw: str, value: object) -> str:
    return f"`{raw}`" if raw else _kind(value)


def _release_like(raw: str) -> str:
    return raw if "." in raw else f"{raw}.0"


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the string `{value}`"
    return "a list" if isinstance(value, list) else "a mapping"


def _either(words: Iterable[str], joint: str) -> str:
    quoted = [f"`{word}`" for word in words]
    return f"{', '.join(quoted[:-1])} {joint} {quoted[-1]}" if len(quoted) > 1 else quoted[0]


def _unknown_rule(selector: str, catalogue: Catalogue) -> str:
    hint = suggest(selector, catalogue)
    if hint:
        return f"unknown rule `{selector}` (did you mean `{hint}`?)"
    return f"unknown rule `{selector}`: `rolloutlint rules` lists them"


def _unknown_profile(profile: str, catalogue: Catalogue) -> str:
    hint = nearest(profile, catalogue.profiles)
    known = f"did you mean `{hint}`?" if hint else f"there are {_either(catalogue.profiles, 'and')}"
    return f"unknown profile `{profile}` ({known})"


_Entry = tuple[Any, Any, Any]


def _selectors(values: Mapping[str, Any]) -> Iterator[tuple[Path, list[_Entry]]]:
    """Every place where rules are named: (path of the collection, [(selector, key or index, part)])."""

    def entries(path: Path, holder: Mapping[str, Any], lists: Sequence[str], maps: Sequence[str]) -> Any:
        for key in lists:
            yield (*path, key), [(s, i, "value") for i, s in enumerate(_list(holder.get(key)))]
        for key in maps:
            value = holder.get(key)
            yield (*path, key), [(s, s, "key") for s in value] if isinstance(value, dict) else []

    yield from entries((), values, ("select", "extend-select", "ignore"), ("severity",))
    for index, override in enumerate(_listed(values, "overrides")):
        yield from entries(("overrides", index), override, ("ignore",), ("severity",))
    for index, waiver in enumerate(_listed(values, "waivers")):
        yield from entries(("waivers", index), waiver, ("rules",), ())


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _listed(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The entries of the list `values[key]`; an empty mapping stands for those that are none."""
    return [entry if isinstance(entry, dict) else {} for entry in _list(values.get(key))]


def _seconds(value: str | float) -> float | None:
    """Seconds of a Go duration or a number."""
    return parse_seconds(value) if isinstance(value, str) else float(value)


def _share(value: str | float) -> Fraction | None:
    """The share of 1 that a percentage is."""
    return parse_share(value) if isinstance(value, str) else _exact(value) / 100


def _exact(value: float) -> Fraction:
    """The number as it is written: 0.1 is a tenth."""
    return Fraction(str(value))


def _values(written: Written) -> dict[str, Any]:
    """The fields of `Settings` that a valid file sets."""
    convert: dict[str, Callable[[Any], Any]] = {
        "select": tuple,
        "extend-select": tuple,
        "ignore": tuple,
        "exclude": tuple,
        "severity": lambda levels: tuple(levels.items()),
        "max-pause": _seconds,
        "max-first-share": _share,
        "max-exposure": _exact,
        "min-evidence": int,
        "max-time-to-detect": _seconds,
        "max-duration": _seconds,
        "scrape-interval": _seconds,
        "targets": _targets,
        "plan": lambda plan: PlanPolicy(**{key.replace("-", "_"): tuple(events) for key, events in plan.items()}),
        "overrides": lambda overrides: tuple(_override(o) for o in overrides),
        "waivers": lambda waivers: tuple(_waiver(w, i, written) for i, w in enumerate(waivers)),
    }
    return {
        key.replace("-", "_"): convert[key](value) if key in convert else value for key, value in written.values.items()
    }


def _targets(written: Mapping[str, str]) -> dict[str, Version]:
    releases = {product: parse_release(text) for product, text in written.items()}
    return {product: release for product, release in releases.items() if release is not None}


def _override(written: Mapping[str, Any]) -> Override:
    severity = tuple(written.get("severity", {}).items())
    return Override(tuple(written["paths"]), tuple(written.get("ignore", ())), severity)


def _waiver(entry: Mapping[str, Any], index: int, written: Written) -> Waiver:
    line, column = written.locate(("waivers", index), "value")
    return Waiver(
        rules=tuple(entry["rules"]),
        reason=entry["reason"].strip(),
        **{key: entry[key] for key in ("kind", "namespace", "name", "path", "expires") if key in entry},
        line=line,
        column=column,
        end_line=line,
        end_column=max(written.line_end(line), column + 1),
    )


def _origins(written: Written, path: str) -> dict[str, str]:
    places: list[Path] = []
    for key, value in written.values.items():
        if key in ("targets", "plan"):
            places += [(key, inner) for inner in value]
        elif key in ("overrides", "waivers"):
            places += [(key, index) for index in range(len(value))]
        else:
            places.append((key,))
    return {
        show_path(p): f"{path}:{written.locate(p, 'value' if isinstance(p[-1], int) else 'key')[0]}" for p in places
    }
