"""Which names the API server takes (apimachinery `pkg/util/validation/validation.go`), and did-you-mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

_DNS1123_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_DNS1123_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_DNS1035_LABEL = re.compile(r"[a-z](?:[-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")


def is_dns1123_label(name: object) -> bool:
    """Lower-case letters, digits and inner hyphens, 63 characters at most (`IsDNS1123Label`)."""
    return isinstance(name, str) and len(name) <= 63 and _DNS1123_LABEL.fullmatch(name) is not None


def is_dns1123_subdomain(name: object) -> bool:
    """DNS-1123 words joined by dots, 253 characters at most (`IsDNS1123Subdomain`)."""
    return isinstance(name, str) and len(name) <= 253 and _DNS1123_SUBDOMAIN.fullmatch(name) is not None


def is_dns1035_label(name: object) -> bool:
    """A DNS-1123 label that starts with a letter (`IsDNS1035Label`): the name of a Service."""
    return isinstance(name, str) and len(name) <= 63 and _DNS1035_LABEL.fullmatch(name) is not None


def is_port_name(name: object) -> bool:
    """A port name (`IsValidPortName`): 15 lower-case letters, digits and single hyphens, a letter."""
    return (
        isinstance(name, str)
        and len(name) <= 15
        and _PORT_NAME.fullmatch(name) is not None
        and "--" not in name
        and any("a" <= c <= "z" for c in name)
    )


def is_label_value(value: object) -> bool:
    """A label's value (`IsValidLabelValue`): empty, or 63 characters between letters or digits."""
    if not isinstance(value, str) or len(value) > 63:
        return False
    return not value or _QUALIFIED.fullmatch(value) is not None


def is_qualified_name(name: object) -> bool:
    """The key of a label or annotation (`IsQualifiedName`): `name` or `dns-subdomain/name`."""
    if not isinstance(name, str):
        return False
    prefix, slash, rest = name.rpartition("/")
    if slash and not is_dns1123_subdomain(prefix):
        return False
    return len(rest) <= 63 and _QUALIFIED.fullmatch(rest) is not None


_ALPHANUMERIC = "must consist of alphanumeric characters, '-', '_' or '.'"
_LABEL_WORDS = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_SUBDOMAIN_WORDS = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"


def label_fault(name: str) -> str:
    """Why `IsDNS1123Label` refuses a name, in the first of its words; `""` where it accepts it."""
    if is_dns1123_label(name):
        return ""
    if len(name) > 63:
        return "must be no more than 63 characters"
    return "must not contain dots" if is_dns1123_subdomain(name) else _LABEL_WORDS


def subdomain_fault(name: str) -> str:
    """Why `IsDNS1123Subdomain` refuses a name, in the first of its words; `""` where it accepts it."""
    if is_dns1123_subdomain(name):
        return ""
    return _SUBDOMAIN_WORDS if len(name) <= 253 else "must be no more than 253 characters"


def qualified_name_fault(name: str) -> str:
    """Why `IsQualifiedName` refuses the key of a label or annotation; `""` where it accepts it."""
    if is_qualified_name(name):
        return ""
    prefix, slash, rest = name.rpartition("/")
    if "/" in prefix:
        return f"a qualified name {_ALPHANUMERIC}"
    if slash and not is_dns1123_subdomain(prefix):
        return f"prefix part {subdomain_fault(prefix)}" if prefix else "prefix part must be non-empty"
    if not rest:
        return "name part must be non-empty"
    return f"name part {_ALPHANUMERIC if len(rest) <= 63 else 'must be no more than 63 characters'}"


def label_value_fault(value: str) -> str:
    """Why `IsValidLabelValue` refuses the value of a label; `""` where it accepts it."""
    if is_label_value(value):
        return ""
    if len(value) > 63:
        return "must be no more than 63 characters"
    return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"


def port_name_fault(name: str) -> str:
    """Why `IsValidPortName` refuses the name of a port; `""` where it accepts it."""
    if is_port_name(name):
        return ""
    if len(name) > 15:
        return "must be no more than 15 characters"
    if re.fullmatch("[-a-z0-9]+", name) is None:
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if re.search("[a-z]", name) is None:
        return "must contain at least one letter (a-z)"
    return "must not contain consecutive hyphens" if "--" in name else "must not begin or end with a hyphen"


def near(word: object, candidates: Iterable[str]) -> str | None:
    """The one candidate a writer of `word` most likely meant, or `None` where none is near or two are
    equally near.

    Another case wins over every edit. Otherwise one edit (insert, delete, replace, swap neighbours) is
    allowed from three characters on and two from eight on.
    """
    if not isinstance(word, str) or not word:
        return None
    known = [c for c in dict.fromkeys(candidates) if c != word]
    folded = word.casefold()
    same = [c for c in known if c.casefold() == folded]
    if same:
        return same[0] if len(same) == 1 else None
    if not 3 <= len(word) <= 100:
        return None
    limit = 2 if len(word) >= 8 else 1
    best: list[str] = []
    for candidate in known:
        distance = edit_distance(folded, candidate.casefold(), limit)
        if distance < limit or (distance == limit and not best):
            if distance < limit:
                limit, best = distance, []
            best.append(candidate)
        elif distance == limit:
            best.append(candidate)
    return best[0] if len(best) == 1 else None


def edit_distance(left: str, right: str, limit: int) -> int:
    """Edit distance with swaps of neighbours; anything above `limit` may come back as `limit + 1`."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if before and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return above[-1]
