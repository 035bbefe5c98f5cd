"""The functions of ApplicationSet templates: Go's own, sprig's, and Argo CD's.

A function is here only as far as its answer is exact; the others are known by name, so that a template with one of them
is unsupported and not refused. Mirrors `text/template/funcs.go`, sprig v3.3 `functions.go` and argo-cd
`applicationset/utils/{utils,template_functions}.go`. Where sprig has a name of Go's, sprig's function counts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import posixpath
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from rolloutlint.lang.gotemplate.formatting import sprint, sprintf, sprintln
from rolloutlint.lang.gotemplate.values import (
    INVALID,
    NO_VALUE,
    GoError,
    Int64,
    IntList,
    StringList,
    StringMap,
    UnsupportedError,
    byte_order,
    empty,
    go_value,
    json_text,
    kind_name,
    plain_text,
    quoted,
    same,
    type_name,
)
from rolloutlint.lang.gotemplate.yaml import from_yaml, to_yaml
from rolloutlint.lang.regexp import go_regexp

MAX_ITEMS = 10_000
"""Items of a list, or copies of a text, that a function makes at most."""


class Function(NamedTuple):
    """A function and the types of its parameters, one letter each.

    `s` string, `i` int, `b` bool, `f` float64, `m` map[string]any, `a` any, `v` a value as it is, even none.
    """

    run: Callable[..., Any] | None
    """`None`: known by name only."""
    fixed: str = ""
    rest: str = ""
    """The type of any further arguments; `""` where there are none."""

    def parameter(self, position: int) -> str:
        """The type of an argument."""
        return self.fixed[position] if position < len(self.fixed) else self.rest


# ---- Go's own ----------------------------------------------------------------------------------------------


def _basic_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    for kind, name in ((str, "string"), (int, "int"), (float, "float")):
        if isinstance(value, kind):
            return name
    return ""


def _eq(first: Any, *others: Any) -> bool:
    if not others:
        raise GoError("missing argument for comparison")
    kind = _basic_kind(first)
    for other in others:
        if kind != _basic_kind(other):
            if not (_nil(first) or _nil(other)):
                raise GoError("incompatible types for comparison")
            continue
        if kind:
            if first == other:
                return True
            continue
        if _nil(first) and _nil(other):
            return True
        if not (_nil(first) or _nil(other)):
            raise GoError("non-comparable types")
    return False


def _nil(value: Any) -> bool:
    return value is INVALID or value is None


def _less(first: Any, other: Any) -> bool:
    kind, against = _basic_kind(first), _basic_kind(other)
    if not kind or not against:
        raise GoError("invalid type for comparison")
    if kind != against:
        raise GoError("incompatible types for comparison")
    if kind == "bool":
        raise GoError("invalid type for comparison")
    if kind == "string":
        return bool(first.encode("utf-8", "surrogatepass") < other.encode("utf-8", "surrogatepass"))
    return bool(first < other)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, (list, dict)):
        return len(value)
    raise GoError(f"len of type {type_name(value)}")


def _index(item: Any, *keys: Any) -> Any:
    if _nil(item):
        raise GoError("index of untyped nil")
    for key in keys:
        if _nil(item):
            raise GoError("index of nil pointer")
        if isinstance(item, dict):
            if not isinstance(key, str):
                raise GoError(f"value has type {type_name(key)}; should be string")
            item = item.get(key, "" if isinstance(item, StringMap) else None)
        elif isinstance(item, (list, str)):
            if isinstance(key, bool) or not isinstance(key, int):
                raise GoError("cannot index slice/array with that type")
            if isinstance(item, str):
                raise UnsupportedError("a byte of a text")
            if not 0 <= key < len(item):
                raise GoError(f"error calling index: index out of range: {int(key)}")
            item = item[key]
        else:
            raise GoError(f"can't index item of type {type_name(item)}")
    return item


def _html(*values: Any) -> str:
    replaced = {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return "".join(replaced.get(char, char) for char in _all_text(values))


def _all_text(values: tuple[Any, ...]) -> str:
    values = tuple(NO_VALUE if value is None else value for value in values)
    return values[0] if len(values) == 1 and isinstance(values[0], str) else sprint(*values)


# ---- numbers -----------------------------------------------------------------------------------------------

_DECIMAL = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.0*)?")


def _int64(value: Any) -> int:
    """`cast.ToInt64`: 0 for whatever is no number."""
    if value is None:
        return 0
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= 2**63:
            raise UnsupportedError("a number beyond int64")
        return int(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        if _DECIMAL.fullmatch(value):
            number = int(value.partition(".")[0])
            return number if -(2**63) <= number < 2**63 else 0
        if re.search(r"[0-9]", value):
            raise UnsupportedError("an unusual number in a text")
        return 0
    return 0


def _wrapped(value: int) -> Int64:
    return Int64((value + 2**63) % 2**64 - 2**63)


def _arithmetic(step: Callable[[int, int], int]) -> Callable[..., Int64]:
    def run(first: Any, *others: Any) -> Int64:
        total = _int64(first)
        for other in others:
            total = _wrapped(step(total, _int64(other)))
        return Int64(total)

    return run


def _quotient(one: int, other: int) -> int:
    if not other:
        raise GoError("runtime error: integer divide by zero")
    return abs(one) // abs(other) * (1 if (one < 0) is (other < 0) else -1)


def _remainder(one: int, other: int) -> int:
    return one - other * _quotient(one, other)


def _float64(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, str):
        if re.fullmatch(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?", value):
            return float(value)
        if re.search(r"[0-9]|inf|nan", value, re.IGNORECASE):
            raise UnsupportedError("an unusual number in a text")
    return 0.0


def _until(start: int, stop: int, step: int) -> IntList:
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return IntList()
    steps = range(start, stop, step)
    if len(steps) > MAX_ITEMS:
        raise UnsupportedError("a list of that length")
    return IntList(steps)


def _atoi(text: str) -> int:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        number = int(text)
        if -(2**63) <= number < 2**63:
            return number
        return 2**63 - 1 if number > 0 else -(2**63)
    return 0


# ---- texts -------------------------------------------------------------------------------------------------

_WHITE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000"
)


def _ascii(text: str, what: str) -> str:
    if not text.isascii():
        raise UnsupportedError(f"{what} of a text that is not ASCII")
    return text


def _title(text: str) -> str:
    return re.sub(r"(?<![0-9A-Za-z_])[a-z]", lambda found: found[0].upper(), _ascii(text, "title"))


def _trunc(length: int, text: str) -> str:
    _ascii(text, "trunc")
    if length < 0:
        return text[length:] if len(text) + length > 0 else text
    return text[:length]


def _substr(start: int, end: int, text: str) -> str:
    _ascii(text, "substr")
    if start < 0:
        if not 0 <= end <= len(text):
            raise GoError("slice bounds out of range")
        return text[:end]
    stop = len(text) if end < 0 or end > len(text) else end
    if start > stop:
        raise GoError("slice bounds out of range")
    return text[start:stop]


def _repeat(count: int, text: str) -> str:
    if count < 0:
        raise GoError("strings: negative Repeat count")
    if count * len(text) > 1_000_000:
        raise UnsupportedError("a text of that size")
    return text * count


def _replace(old: str, new: str, text: str) -> str:
    return text.replace(old, new)


def _split_list(separator: str, text: str) -> StringList:
    return StringList(text.split(separator) if separator else list(text))


def _split(separator: str, text: str, count: int = -1) -> StringMap:
    parts = text.split(separator) if separator else list(text)
    if count >= 0 and separator:
        parts = text.split(separator, count - 1) if count > 0 else []
    elif count >= 0:
        raise UnsupportedError("splitn without a separator")
    return StringMap({f"_{position}": part for position, part in enumerate(parts)})


def _strings(value: Any) -> StringList:
    if isinstance(value, StringList):
        return value
    if isinstance(value, list):
        return StringList(plain_text(item) for item in value if item is not None)
    return StringList() if value is None else StringList([plain_text(value)])


def _sort_alpha(value: Any) -> StringList:
    return StringList(byte_order(_strings(value)) if isinstance(value, list) else [plain_text(value)])


def _quote(*values: Any) -> str:
    return " ".join(quoted(plain_text(value)) for value in values if value is not None)


def _squote(*values: Any) -> str:
    return " ".join(f"'{plain_text(value)}'" for value in values if value is not None)


def _cat(*values: Any) -> str:
    return " ".join(plain_text(value) for value in values if value is not None)


def _indent(spaces: int, text: str) -> str:
    pad = _repeat(spaces, " ")
    return pad + text.replace("\n", "\n" + pad)


def _kebab(text: str) -> str:
    if re.fullmatch(r"[a-z]+(?:-[a-z]+)*", text):
        return text
    if re.fullmatch(r"[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[a-z]+(?:[ _][a-z]+)*", text):
        return re.sub(r"(?<=[a-z])(?=[A-Z])|[ _]", "-", text).lower()
    raise UnsupportedError("kebabcase of such a text")


def _snake(text: str) -> str:
    return _kebab(text).replace("-", "_")


def _untitle(text: str) -> str:
    return _ascii(text[:1], "untitle").lower() + text[1:]


def _no_space(text: str) -> str:
    return re.sub(r"[\t\n\v\f\r ]", "", _ascii(text, "nospace"))


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode()).hexdigest()


def _b64dec(text: str) -> str:
    plain = text.replace("\r", "").replace("\n", "")
    if not re.fullmatch(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", plain):
        raise UnsupportedError("what is no Base64")
    return base64.b64decode(plain).decode()


# ---- lists and maps ----------------------------------------------------------------------------------------


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise GoError(f"Cannot find {what} on type {kind_name(value)}")
    return value


def _like(value: list[Any], items: list[Any]) -> list[Any]:
    """Items as a list of the same Go type."""
    return type(value)(items)


def _slice(value: Any, *bounds: Any) -> Any:
    items = _items(value, "slice")
    if not items:
        return None
    start = _int64(bounds[0]) if bounds else 0
    end = _int64(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        if 0 <= start <= end:
            raise UnsupportedError("a slice beyond the list, which may reach what is hidden behind it")
        raise GoError("slice bounds out of range")
    return _like(items, items[start:end])


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    for item in _items(value, "uniq"):
        if not any(same(item, other) for other in found):
            found.append(item)
    return found


def _has(needle: Any, value: Any) -> bool:
    return value is not None and any(same(needle, item) for item in _items(value, "has"))


def _dict(*pairs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for position in range(0, len(pairs), 2):
        found[plain_text(pairs[position])] = pairs[position + 1] if position + 1 < len(pairs) else ""
    return found


def _keys(*some: dict[str, Any]) -> StringList:
    if any(len(one) > 1 for one in some):
        raise UnsupportedError("keys, which come in any order")
    return StringList(key for one in some for key in one)


def _values(one: dict[str, Any]) -> list[Any]:
    if len(one) > 1:
        raise UnsupportedError("values, which come in any order")
    return list(one.values())


def _dig(*arguments: Any) -> Any:
    if len(arguments) < 3:
        raise GoError("dig needs at least three arguments")
    *names, fallback, value = arguments
    if not all(isinstance(name, str) for name in names):
        raise GoError("interface conversion")
    for name in names:
        if not isinstance(value, dict) or isinstance(value, StringMap):
            raise GoError("interface conversion")
        if name not in value:
            return fallback
        value = value[name]
    return value


def _coalesce(*values: Any) -> Any:
    return next((value for value in values if not empty(value)), None)


def _copy(value: Any) -> Any:
    if value is None:
        raise GoError("reflect: call of reflect.Value.Type on zero Value")
    return value


def _default(fallback: Any, *given: Any) -> Any:
    return fallback if not given or empty(given[0]) else given[0]


def _fail(message: str) -> str:
    raise GoError(message)


# ---- regular expressions, JSON -----------------------------------------------------------------------------


def _regexp(pattern: str, must: bool = True) -> re.Pattern[str] | None:
    compiled = go_regexp(pattern)
    if compiled.matcher is not None:
        return compiled.matcher
    if compiled.error:
        if must:
            raise GoError(compiled.error)
        return None
    raise UnsupportedError(f"the expression {pattern}")


def _regex_match(pattern: str, text: str) -> bool:
    matcher = _regexp(pattern, must=False)
    return matcher is not None and matcher.search(text) is not None


def _must_regex_match(pattern: str, text: str) -> bool:
    matcher = _regexp(pattern)
    return matcher is not None and matcher.search(text) is not None


def _matches(pattern: str, text: str) -> list[re.Match[str]]:
    matcher = _regexp(pattern)
    found = list(matcher.finditer(text)) if matcher else []
    if any(match.start() == match.end() for match in found):
        raise UnsupportedError("an expression that matches nothing at all")
    return found


def _regex_find(pattern: str, text: str) -> str:
    matcher = _regexp(pattern)
    found = matcher.search(text) if matcher else None
    return found[0] if found else ""


def _regex_find_all(pattern: str, text: str, count: int) -> StringList:
    found = [match[0] for match in _matches(pattern, text)]
    if not found or not count:
        raise UnsupportedError("a list that is nil and not empty")
    return StringList(found if count < 0 else found[:count])


def _regex_replace(pattern: str, text: str, replacement: str) -> str:
    if "$" not in replacement:
        return _regex_replace_literal(pattern, text, replacement)
    if re.search(r"\$(?![0-9]+(?![0-9A-Za-z_])|\{[0-9]+\}|\$)", replacement):
        raise UnsupportedError("such a replacement")

    def expand(match: re.Match[str]) -> str:
        def group(found: re.Match[str]) -> str:
            if found[0] == "$$":
                return "$"
            number = int(found[1] or found[2])
            return (match[number] or "") if number <= match.re.groups else ""

        return re.sub(r"\$\$|\$([0-9]+)|\$\{([0-9]+)\}", group, replacement)

    return _put_in(_matches(pattern, text), text, expand)


def _regex_replace_literal(pattern: str, text: str, replacement: str) -> str:
    return _put_in(_matches(pattern, text), text, lambda _: replacement)


def _put_in(matches: list[re.Match[str]], text: str, replaced: Callable[[re.Match[str]], str]) -> str:
    out, end = [], 0
    for match in matches:
        out += [text[end : match.start()], replaced(match)]
        end = match.end()
    return "".join([*out, text[end:]])


def _regex_split(pattern: str, text: str, count: int) -> StringList:
    if count >= 0:
        raise UnsupportedError("regexSplit with a limit")
    parts, end = [], 0
    for match in _matches(pattern, text):
        parts.append(text[end : match.start()])
        end = match.end()
    return StringList([*parts, text[end:]])


def _regex_quote(text: str) -> str:
    return re.sub(r"[\\.+*?()|\[\]{}^$]", lambda found: "\\" + found[0], text)


def _must_from_json(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        value = json.loads(text, parse_constant=refuse)
    except RecursionError:
        raise UnsupportedError("JSON nested too deeply") from None
    except ValueError as error:
        raise GoError(f"invalid JSON: {error}") from None
    return go_value(value)


def _from_json(text: str) -> Any:
    try:
        return _must_from_json(text)
    except GoError:
        return None


# ---- Argo CD's ---------------------------------------------------------------------------------------------


def normalize(name: str) -> str:
    """`SanitizeName`: lower case, every character but `a-z0-9.-` as `-`, 253 bytes, no `-` or `.` at the ends."""
    return re.sub(r"[^-a-z0-9.]", "-", _ascii(name, "normalize").lower())[:253].strip("-.")


def _slugify(*arguments: Any) -> str:
    """`SlugifyName`: the size, whether to cut at words, the name (gosimple/slug of a normalized name)."""
    if not arguments:
        return ""
    *before, name = arguments
    if not isinstance(name, str) or any(type(one) is not kind for one, kind in zip(before, (int, bool), strict=False)):
        raise GoError("interface conversion")
    size = before[0] if before else 50
    smart = before[1] if len(before) > 1 else True
    slug = normalize(name)
    if not smart:
        if size < 0:
            raise GoError("slice bounds out of range")
        slug = slug[:size]
    slug = re.sub(r"-{2,}", "-", re.sub(r"[^a-zA-Z0-9_-]", "-", slug)).strip("-_")
    if not smart or size <= 0 or len(slug) <= size:
        return slug
    cut = slug.rfind("-", 0, size + 1)
    return slug[:cut] if cut >= 0 else slug[:size]


_GO: dict[str, Function] = {
    "and": Function(bool, "v", "v"),
    "or": Function(bool, "v", "v"),
    "not": Function(empty, "v"),
    "eq": Function(_eq, "v", "v"),
    "ne": Function(lambda one, other: not _eq(one, other), "vv"),
    "lt": Function(_less, "vv"),
    "le": Function(lambda one, other: _less(one, other) or _eq(one, other), "vv"),
    "gt": Function(lambda one, other: not (_less(one, other) or _eq(one, other)), "vv"),
    "ge": Function(lambda one, other: not _less(one, other), "vv"),
    "len": Function(_length, "v"),
    "index": Function(_index, "v", "v"),
    "print": Function(sprint, "", "a"),
    "printf": Function(sprintf, "s", "a"),
    "println": Function(sprintln, "", "a"),
    "html": Function(_html, "", "a"),
    "urlquery": Function(lambda *values: quote_plus(_all_text(values)), "", "a"),
    "js": Function(None, "", "a"),
    "call": Function(None, "v", "v"),
}

_SPRIG: dict[str, Function] = {
    "hello": Function(lambda: "Hello!"),
    "trunc": Function(_trunc, "is"),
    "trim": Function(lambda text: text.strip(_WHITE), "s"),
    "upper": Function(lambda text: _ascii(text, "upper").upper(), "s"),
    "lower": Function(lambda text: _ascii(text, "lower").lower(), "s"),
    "title": Function(_title, "s"),
    "untitle": Function(_untitle, "s"),
    "substr": Function(_substr, "iis"),
    "repeat": Function(_repeat, "is"),
    "trimall": Function(lambda cut, text: text.strip(cut) if cut else text, "ss"),
    "trimAll": Function(lambda cut, text: text.strip(cut) if cut else text, "ss"),
    "trimSuffix": Function(lambda cut, text: text.removesuffix(cut), "ss"),
    "trimPrefix": Function(lambda cut, text: text.removeprefix(cut), "ss"),
    "nospace": Function(_no_space, "s"),
    "snakecase": Function(_snake, "s"),
    "kebabcase": Function(_kebab, "s"),
    "contains": Function(lambda part, text: part in text, "ss"),
    "hasPrefix": Function(lambda part, text: text.startswith(part), "ss"),
    "hasSuffix": Function(lambda part, text: text.endswith(part), "ss"),
    "quote": Function(_quote, "", "a"),
    "squote": Function(_squote, "", "a"),
    "cat": Function(_cat, "", "a"),
    "indent": Function(_indent, "is"),
    "nindent": Function(lambda spaces, text: "\n" + _indent(spaces, text), "is"),
    "replace": Function(_replace, "sss"),
    "plural": Function(lambda one, many, count: one if count == 1 else many, "ssi"),
    "sha1sum": Function(_digest("sha1"), "s"),
    "sha256sum": Function(_digest("sha256"), "s"),
    "sha512sum": Function(_digest("sha512"), "s"),
    "adler32sum": Function(lambda text: str(zlib.adler32(text.encode())), "s"),
    "toString": Function(plain_text, "a"),
    "atoi": Function(_atoi, "s"),
    "int64": Function(lambda value: Int64(_int64(value)), "a"),
    "int": Function(_int64, "a"),
    "float64": Function(_float64, "a"),
    "split": Function(_split, "ss"),
    "splitList": Function(_split_list, "ss"),
    "splitn": Function(lambda separator, count, text: _split(separator, text, count), "sis"),
    "toStrings": Function(_strings, "a"),
    "until": Function(lambda count: _until(0, count, -1 if count < 0 else 1), "i"),
    "untilStep": Function(_until, "iii"),
    "add1": Function(lambda value: _wrapped(_int64(value) + 1), "a"),
    "add": Function(lambda *values: _wrapped(sum(map(_int64, values))), "", "a"),
    "sub": Function(_arithmetic(lambda one, other: one - other), "aa"),
    "div": Function(_arithmetic(_quotient), "aa"),
    "mod": Function(_arithmetic(_remainder), "aa"),
    "mul": Function(_arithmetic(lambda one, other: one * other), "a", "a"),
    "biggest": Function(lambda *values: Int64(max(map(_int64, values))), "a", "a"),
    "max": Function(lambda *values: Int64(max(map(_int64, values))), "a", "a"),
    "min": Function(lambda *values: Int64(min(map(_int64, values))), "a", "a"),
    "ceil": Function(lambda value: float(math.ceil(_float64(value))), "a"),
    "floor": Function(lambda value: float(math.floor(_float64(value))), "a"),
    "join": Function(lambda separator, value: separator.join(_strings(value)), "sa"),
    "sortAlpha": Function(_sort_alpha, "a"),
    "default": Function(_default, "a", "a"),
    "empty": Function(empty, "a"),
    "coalesce": Function(_coalesce, "", "a"),
    "all": Function(lambda *values: not any(map(empty, values)), "", "a"),
    "any": Function(lambda *values: not all(map(empty, values)), "", "a"),
    "compact": Function(lambda value: [item for item in _items(value, "compact") if not empty(item)], "a"),
    "fromJson": Function(_from_json, "s"),
    "mustFromJson": Function(_must_from_json, "s"),
    "toJson": Function(json_text, "a"),
    "mustToJson": Function(json_text, "a"),
    "toPrettyJson": Function(lambda value: json_text(value, indent="  "), "a"),
    "toRawJson": Function(lambda value: json_text(value, html=False), "a"),
    "ternary": Function(lambda yes, no, which: yes if which else no, "aab"),
    "deepCopy": Function(_copy, "a"),
    "typeOf": Function(type_name, "a"),
    "typeIs": Function(lambda name, value: name == type_name(value), "sa"),
    "kindOf": Function(kind_name, "a"),
    "kindIs": Function(lambda name, value: name == kind_name(value), "sa"),
    "deepEqual": Function(same, "aa"),
    "base": Function(lambda path: posixpath.basename(path.rstrip("/")) or ("/" if path else "."), "s"),
    "b64enc": Function(lambda text: base64.b64encode(text.encode()).decode(), "s"),
    "b64dec": Function(_b64dec, "s"),
    "b32enc": Function(lambda text: base64.b32encode(text.encode()).decode(), "s"),
    "tuple": Function(lambda *values: list(values), "", "a"),
    "list": Function(lambda *values: list(values), "", "a"),
    "dict": Function(_dict, "", "a"),
    "get": Function(lambda value, key: value.get(key, ""), "ms"),
    "hasKey": Function(lambda value, key: key in value, "ms"),
    "pluck": Function(lambda key, *some: [one[key] for one in some if key in one], "s", "m"),
    "keys": Function(_keys, "", "m"),
    "values": Function(_values, "m"),
    "pick": Function(lambda value, *keys: {key: value[key] for key in keys if key in value}, "m", "s"),
    "omit": Function(lambda value, *keys: {k: v for k, v in value.items() if k not in keys}, "m", "s"),
    "append": Function(lambda value, item: [*_items(value, "push"), item], "aa"),
    "push": Function(lambda value, item: [*_items(value, "push"), item], "aa"),
    "prepend": Function(lambda value, item: [item, *_items(value, "prepend")], "aa"),
    "first": Function(lambda value: next(iter(_items(value, "first")), None), "a"),
    "rest": Function(lambda value: list(_items(value, "rest")[1:]), "a"),
    "last": Function(lambda value: next(reversed(_items(value, "last")), None), "a"),
    "initial": Function(lambda value: list(_items(value, "initial")[:-1]), "a"),
    "reverse": Function(lambda value: list(reversed(_items(value, "reverse"))), "a"),
    "uniq": Function(_unique, "a"),
    "without": Function(
        lambda value, *omitted: [i for i in _items(value, "without") if not any(same(i, o) for o in omitted)], "a", "a"
    ),
    "has": Function(_has, "aa"),
    "slice": Function(_slice, "a", "a"),
    "concat": Function(lambda *some: [item for value in some for item in _items(value, "concat")], "", "a"),
    "dig": Function(_dig, "", "a"),
    "fail": Function(_fail, "s"),
    "regexMatch": Function(_regex_match, "ss"),
    "mustRegexMatch": Function(_must_regex_match, "ss"),
    "regexFind": Function(_regex_find, "ss"),
    "mustRegexFind": Function(_regex_find, "ss"),
    "regexFindAll": Function(_regex_find_all, "ssi"),
    "regexReplaceAll": Function(_regex_replace, "sss"),
    "mustRegexReplaceAll": Function(_regex_replace, "sss"),
    "regexReplaceAllLiteral": Function(_regex_replace_literal, "sss"),
    "regexSplit": Function(_regex_split, "ssi"),
    "regexQuoteMeta": Function(_regex_quote, "s"),
}

_ARGO_CD: dict[str, Function] = {
    "normalize": Function(normalize, "s"),
    "slugify": Function(_slugify, "", "a"),
    "toYaml": Function(to_yaml, "a"),
    "fromYaml": Function(lambda text: from_yaml(text, dict), "s"),
    "fromYamlArray": Function(lambda text: from_yaml(text, list), "s"),
}

# What changes a map in place (set, merge) would change the parameters for every text that is rendered later.
_BY_NAME_ONLY = """
abbrev abbrevboth add1f addf ago b32dec bcrypt buildCustomCert camelcase chunk clean date dateInZone dateModify
date_in_zone date_modify decryptAES derivePassword dir divf duration durationRound encryptAES ext genCA genCAWithKey
genPrivateKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey htmlDate htmlDateInZone
htpasswd initials isAbs maxf merge mergeOverwrite minf mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy
mustFirst mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFindAll
mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToDate mustToPrettyJson mustToRawJson
mustUniq mustWithout must_date_modify now osBase osClean osDir osExt osIsAbs randAlpha randAlphaNum randAscii randBytes
randInt randNumeric round semver semverCompare seq set shuffle subf swapcase toDate toDecimal typeIsLike unixEpoch unset
urlJoin urlParse uuidv4 wrap wrapWith
"""

FUNCTIONS: Mapping[str, Function] = {
    **{name: Function(None, "", "a") for name in _BY_NAME_ONLY.split()},
    **_GO,
    **_SPRIG,
    **_ARGO_CD,
}
"""Every function that such a template may call. `env`, `expandenv` and `getHostByName` are taken away."""
