"""`fmt.Sprint`, `Sprintln` and `Sprintf` for plain values."""

from __future__ import annotations

import re
from typing import Any

from rolloutlint.lang.gotemplate.values import UnsupportedError, plain_text, quoted, type_name

_VERB = re.compile(r"%([-+# 0]*)([0-9]*)(?:(\.)([0-9]*))?(.)", re.DOTALL)
MAX_WIDTH = 1000


def sprint(*values: Any) -> str:
    """Values one after the other, with a space between two of which neither is a string."""
    out: list[str] = []
    for position, value in enumerate(values):
        if position and not isinstance(value, str) and not isinstance(values[position - 1], str):
            out.append(" ")
        out.append(plain_text(value))
    return "".join(out)


def sprintln(*values: Any) -> str:
    """Values with spaces between them and a line break behind."""
    return " ".join(map(plain_text, values)) + "\n"


def sprintf(pattern: str, *values: Any) -> str:
    """The pattern with its verbs filled in. Raises `UnsupportedError` for verbs and flags that are not modelled."""
    out: list[str] = []
    position = used = 0
    while True:
        percent = pattern.find("%", position)
        if percent < 0:
            out.append(pattern[position:])
            break
        out.append(pattern[position:percent])
        found = _VERB.match(pattern, percent)
        if found is None:
            raise UnsupportedError("such a verb")
        flags, width, dot, precision, verb = found.groups()
        position = found.end()
        if verb == "%":
            out.append("%")
            continue
        if verb in "*[" or "#" in flags or len(width) > 4 or len(precision or "") > 4 or int(width or 0) > MAX_WIDTH:
            raise UnsupportedError(f"the verb {found[0]}")
        if used >= len(values):
            out.append(f"%!{verb}(MISSING)")
            continue
        out.append(_verb(verb, flags, int(width or 0), int(precision or 0) if dot else None, values[used]))
        used += 1
    if used < len(values):
        extra = ", ".join(
            "<nil>" if value is None else f"{type_name(value)}={plain_text(value)}" for value in values[used:]
        )
        out.append(f"%!(EXTRA {extra})")
    return "".join(out)


def _verb(verb: str, flags: str, width: int, precision: int | None, value: Any) -> str:
    simple = not flags and not width and precision is None
    if isinstance(value, (list, dict)):
        if (verb == "v" and simple) or (verb == "s" and simple and _texts(value)):
            return plain_text(value)
        raise UnsupportedError(f"%{verb} of a list or map")
    if value is None:
        if verb == "v" and simple:
            return "<nil>"
        if simple:
            return f"%!{verb}(<nil>)"
        raise UnsupportedError(f"%{verb} of nil")
    if isinstance(value, str) and verb in "sv":
        return _pad(value if precision is None else value[:precision], flags.replace("0", ""), width)
    if isinstance(value, str) and verb == "q" and precision is None and not flags.strip("-"):
        return _pad(quoted(value), flags, width)
    if isinstance(value, bool) and verb in "tv" and precision is None:
        return _pad(plain_text(value), flags.replace("0", ""), width)
    number = isinstance(value, int) and not isinstance(value, bool)
    if number and verb in "dvxXob" and precision is None and not (set(flags) & {" "}):
        base = {"d": "d", "v": "d"}.get(verb, verb)
        return _signed(f"{abs(value):{base}}", value < 0, flags, width)
    if isinstance(value, float) and verb in "fF" and not (set(flags) & {" "}):
        return _signed(f"{abs(value):.{6 if precision is None else precision}f}", value < 0, flags, width)
    if isinstance(value, float) and verb in "vg" and simple:
        return plain_text(value)
    wrong = verb.isalpha() and (
        (isinstance(value, bool) and verb != "v")
        or (isinstance(value, str) and verb in "dtfF")
        or (number and verb in "stf")
        or (isinstance(value, float) and verb in "dst")
    )
    if wrong and simple:
        return f"%!{verb}({type_name(value)}={plain_text(value)})"
    raise UnsupportedError(f"%{flags}{verb} of {type_name(value)}")


def _texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in (value if isinstance(value, list) else value.values()))


def _signed(digits: str, negative: bool, flags: str, width: int) -> str:
    sign = "-" if negative else "+" if "+" in flags else ""
    if "0" in flags and "-" not in flags:
        return sign + digits.rjust(width - len(sign), "0")
    return _pad(sign + digits, flags, width)


def _pad(text: str, flags: str, width: int) -> str:
    if "0" in flags and width:
        raise UnsupportedError("zeros before a text")
    return text.ljust(width) if "-" in flags else text.rjust(width)
