"""The usual slips in PromQL and how to mend them.

`hint` is asked only after a text was refused, so it may look around freely. `speaks_metricsql` tells queries that
are meant for VictoriaMetrics (https://docs.victoriametrics.com/metricsql/), which Prometheus refuses.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rolloutlint.lang.names import near

from .functions import AGGREGATIONS, FUNCTIONS
from .lexer import NUMBER, SHORT_HOLE, WORD, PromQLError, shortened

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_SMART = {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"}
_ELSEWHERE = {
    "average": "avg",
    "mean": "avg",
    "median": "quantile(0.5, ...)",
    "percentile": "histogram_quantile or quantile_over_time",
    "p95": "histogram_quantile(0.95, ...)",
    "p99": "histogram_quantile(0.99, ...)",
    "len": "count",
    "length": "count",
    "length_over_time": "count_over_time",
    "total": "sum",
    "log": "ln, log2 or log10",
    "pow": "^",
    "sqr": "x ^ 2",
    "now": "time",
    "coalesce": "x or vector(0)",
    "ifnull": "x or vector(0)",
    "nvl": "x or vector(0)",
    "default": "x or vector(0)",
    "isnan": "a comparison: `x >= 0` drops NaN",
    "isempty": "absent",
    "distinct": "count(count by (label) (x))",
    "holt_winters": "double_exponential_smoothing",
    "double_exponential_smoothing": "holt_winters",
}
_word_before = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)[ \t\r\n]*$").search
_percent = re.compile(r"[0-9]\s*%$|\)\s*\*\s*100\s*%$").search
_percent_word = re.compile(r"[0-9]\s*%\s*(?:or|and|unless)$", re.IGNORECASE).search
_word_at = re.compile(WORD).match
_value_at = re.compile(r"[^,}\s]*").match
_window_at = re.compile(r"[^\]:)]*").match
_selector_alone = re.compile(rf"(?:[A-Za-z0-9_:]|{SHORT_HOLE})*(?:\{{[^{{}}]*\}})?").fullmatch
_set_operand = re.compile(rf"(?:{NUMBER})$").search


def hint(text: str, error: PromQLError) -> str:
    """How to mend the fault, or `""` where nothing better than the message is known."""
    message, start, end = error.message, error.start, error.end
    found = shortened(text[start:end])
    if error.kind == "depth":
        return ""
    if error.kind == "function":
        return _function(found)
    if error.kind == "type":
        return _type(text, message, found)
    if message.startswith("unclosed left") or message == "unexpected end of input inside braces":
        closer = _CLOSERS.get(found, ")")
        return f"add the `{closer}` that closes the `{found}` opened at character {start + 1}"
    if message.startswith("unterminated"):
        return f"add the closing {text[start]}"
    if message.startswith("error parsing regexp"):
        return _regex(message)
    if message.startswith(("unknown escape", "illegal character in escape")):
        return f"write a second backslash (`\\{found}`), or put the string in backquotes"
    inside = _inside(text, start)
    if found in _SMART:
        return f"write a plain quotation mark: {_SMART[found]}"
    if found == "$":
        return "Grafana fills its variables in, Argo Rollouts does not: write a value or `{{args.name}}`"
    if found in ("\u00a0", "\u2009", "\u202f", "\u3000", "\ufeff", "\u200b"):
        return "replace the special space by a plain one"
    if found == "\\":
        return "no backslash before a quotation mark here: YAML block text takes it literally"
    if inside == "{":
        return _in_braces(text, message, start, found)
    if inside == "[":
        return _in_brackets(text, start, found)
    return _in_expression(text, message, start, found)


def _inside(text: str, position: int) -> str:
    """The innermost bracket of the three kinds that is open at `position`, judged from what stands before it."""
    stack: list[str] = []
    quote = ""
    index = 0
    while index < position:
        char = text[index]
        if quote:
            if char == "\\" and quote != "`":
                index += 1
            elif char == quote:
                quote = ""
        elif char in "\"'`":
            quote = char
        elif text.startswith("{{", index):
            close = text.find("}}", index + 2)
            index = close + 1 if close >= 0 else index
        elif char in _CLOSERS:
            stack.append(char)
        elif stack and char == _CLOSERS[stack[-1]]:
            stack.pop()
        index += 1
    return stack[-1] if stack else ""


def _function(name: str) -> str:
    known = _ELSEWHERE.get(name.lower())
    if known is not None:
        return f"use {known}"
    meant = near(name, (*FUNCTIONS, *AGGREGATIONS))
    if meant is None:
        meant = _ELSEWHERE.get(near(name, _ELSEWHERE) or "")
    return f"did you mean `{meant}`?" if meant else ""


def _type(text: str, message: str, found: str) -> str:
    if message.startswith("expected type range vector"):
        if message.endswith("got instant vector"):
            if _selector_alone(found):
                return f"give it a window: `{found}[5m]`"
            return "a window belongs to a selector: apply the function to `metric[5m]` first, aggregate the result"
        return "apply it to `metric[5m]`"
    if "got range vector" in message or "got matrix" in message:
        return "turn the window into values first: `rate(metric[5m])`"
    if message.startswith("set operator"):
        operator = message.split('"')[1]
        number = _set_operand(found)
        if number:
            return f"set operators need vectors: `{operator} vector({number[0]})`"
        return "set operators need vectors: wrap the number in `vector(...)`"
    if message.startswith("comparisons between scalars"):
        return f"write `{found} bool`, or compare a vector"
    if message.startswith("vector selector must contain"):
        return "name a metric, or match a label against something that is not empty"
    if message.startswith("ranges only allowed"):
        if found.count(":"):
            return ""
        return f"the window belongs to the metric, inside the function: `rate(metric{found})`"
    if message.startswith("bool modifier"):
        return "leave `bool` out"
    if message.endswith("got instant vector") and "expected type scalar" in message:
        return "wrap it in `scalar(...)` if it is a single series"
    if message.endswith("got scalar") and "instant vector" in message:
        return "wrap the number in `vector(...)`"
    if message.startswith(("offset modifier must", "@ modifier must")):
        return "put it right after the selector"
    if message.startswith("metric name must not be set twice"):
        return "name the metric once"
    return ""


def _regex(message: str) -> str:
    if "Perl syntax: `(?!" in message or "Perl syntax: `(?<!" in message:
        return "RE2 has no look-around: use a second matcher with `!~`"
    if "Perl syntax" in message:
        return "RE2 has no look-around"
    if "repetition operator: `*" in message:
        return "write `.*`"
    if "missing closing" in message or "unexpected )" in message:
        return "balance the brackets, or escape the literal one with two backslashes"
    return ""


def _in_braces(text: str, message: str, start: int, found: str) -> str:
    before = text[:start].rstrip()
    if found == "~":
        if before.endswith(("!=", "=")):
            operator = "!~" if before.endswith("!=") else "=~"
            return f"write `{operator}`"
        return "write `=~`"
    if message.endswith("expected string"):
        if found == "=":
            return "matchers compare with a single `=`"
        value = _value_at(text, start)
        return f'put the value in quotation marks: "{value[0] if value else found}"'
    if found and before.endswith("="):
        value = _value_at(text, start)
        return f'put the value in quotation marks: "{value[0] if value else found}"'
    if found in (":", "<", ">"):
        return "matchers are `=`, `!=`, `=~` and `!~`"
    if 'expected "," or "}"' in message:
        if found.lower() in ("and", "or"):
            return 'separate matchers with a comma; for alternatives write one `=~"a|b"`'
        return f"a comma is missing before `{found}`"
    if found == "," and message.endswith('identifier or "}"'):
        return "remove the comma"
    if found == "{":
        return "close the first brace, or give each placeholder its own pair: `{ {{args.name}} }`"
    if "label matching operator" in message:
        return 'a label needs an operator and a value, such as `code="200"`'
    return ""


def _in_brackets(text: str, start: int, found: str) -> str:
    if found == ")":
        opener = text.rfind("[", 0, start)
        return f"close the `[` opened at character {opener + 1} first"
    opener = text.rfind("[", 0, start + 1)
    written = _window_at(text, opener + 1)
    window = (written[0] if written else "").strip().strip("\"'")
    joined = window.replace(" ", "")
    if joined != window and re.fullmatch(r"(?:[0-9]+(?:ms|[smhdwy]))+", joined):
        return f"write `{joined}` without a space"
    amount = re.match(r"([0-9]+)\s*([A-Za-z]*)$", window)
    if amount and not amount[2]:
        return f"give the window a unit: `{amount[1]}s`"
    if amount:
        return f"write a unit of one letter, such as `{amount[1]}{_unit(amount[2])}`"
    if re.fullmatch(r"[0-9]*\.[0-9]+[a-z]*", window):
        return "a duration has no decimal point: write `1m30s`"
    return "write a window such as `5m` (units ms, s, m, h, d, w, y)"


def _unit(word: str) -> str:
    return word[0].lower() if word[0].lower() in "smhdwy" else "m"


def _in_expression(text: str, message: str, start: int, found: str) -> str:
    before = text[:start].rstrip()
    if message.startswith("trailing commas"):
        return "remove the comma"
    if 'grouping opts, expected "("' in message:
        word = _word_at(text, start)
        return f"put the labels in parentheses: `({word[0]})`" if word else "put the labels in parentheses"
    if 'grouping opts, expected "," or ")"' in message:
        return f"a comma is missing before `{found}`"
    if (_percent(before) and (not found or found in "),")) or _percent_word(before):
        return "PromQL has no percent sign: write the plain number (0.95 of a ratio, 95 of a percentage)"
    if found == "=":
        if before.endswith(("==", "!=")):
            return "PromQL has no third `=`"
        after = text[start + 1 : start + 2]
        return f"write `{after}=`" if after and after in "<>!" else "write `==` to compare"
    if found in ("&", "|"):
        return "write `and`" if found == "&" else "write `or`"
    if found == "!" or message.startswith("unexpected character after '!'"):
        return "PromQL has no `not`: write `unless`, or turn the comparison round"
    if message.startswith("unexpected character after '='"):
        return 'regular expressions match labels only, inside the braces: `{label=~"..."}`'
    if found == "." and before and before[-1:].isalnum():
        return 'a name with dots needs quotation marks in braces: `{"a.b"}` (Prometheus 3), or underscores'
    if found == "?":
        return "PromQL has no conditional operator"
    if found == ";":
        return "remove the semicolon"
    if message.startswith("bad number or duration"):
        return _number(found)
    if found == "}":
        return "remove the brace that nothing opens"
    if found in ("]", ")") and message.startswith("unexpected right"):
        return f"remove the `{found}` that nothing opens"
    if message.startswith("unexpected duration") or "expected duration" in message:
        return "Prometheus 2 takes durations only in windows and offsets, always with a unit"
    if found.lower() in ("by", "without"):
        return "only an aggregation takes it, once: `sum by (label) (x)`"
    if found == ">" and before.endswith("<"):
        return "write `!=`"
    if message.startswith(("no offset modifiers", "no @ modifiers")):
        return "put the window first: `metric[5m] offset 1h`"
    if message == "unexpected end of input":
        last = _word_before(text)
        return f"an expression is missing after `{last[1] if last else before[-1:]}`"
    if message.startswith(("unexpected identifier", "unexpected metric identifier", "unexpected number")):
        last = _word_before(before)
        if last and last[1].lower() == "not":
            return "PromQL has no `not`: write `unless`, or turn the comparison round"
        return f"an operator is missing before `{found}`"
    return ""


def _number(found: str) -> str:
    suffix = re.fullmatch(r"([0-9.]+)([KMGTkmgt]i?[Bb]?)", found)
    if suffix:
        return "PromQL numbers have no unit of size: write the plain number"
    unit = re.fullmatch(r"([0-9]+)([A-Za-z]+)", found)
    if unit:
        return f"durations are written like `{unit[1]}{_unit(unit[2])}`"
    return ""


# --- MetricsQL --------------------------------------------------------------------------------------------------

_ROLLUPS = frozenset(name for name, function in FUNCTIONS.items() if function.arguments[:1] == ("matrix",))
_ONLY_METRICSQL = """
    aggr_over_time ascent_over_time count_eq_over_time count_gt_over_time count_le_over_time count_ne_over_time
    count_values_over_time decreases_over_time default_rollup delta_prometheus deriv_fast descent_over_time
    distinct_over_time duration_over_time geomean_over_time histogram_over_time hoeffding_bound_lower
    hoeffding_bound_upper increase_prometheus increase_pure increases_over_time integrate iqr_over_time lag
    lifetime median_over_time mode_over_time outlier_iqr_over_time quantiles_over_time range_over_time
    rate_over_sum rate_prometheus rollup rollup_candlestick rollup_delta rollup_deriv rollup_increase
    rollup_rate rollup_scrape_interval scrape_interval share_eq_over_time share_gt_over_time share_le_over_time
    stale_samples_over_time sum2_over_time sum_eq_over_time sum_gt_over_time sum_le_over_time tfirst_over_time
    timestamp_with_name tlast_change_over_time tlast_over_time tmax_over_time tmin_over_time zscore_over_time
    bitmap_and bitmap_or bitmap_xor buckets_limit drop_empty_series histogram_share interpolate keep_last_value
    keep_next_value label_copy label_del label_graphite_group label_keep label_lowercase label_map label_match
    label_mismatch label_move label_set label_transform label_uppercase label_value labels_equal limit_offset
    now prometheus_buckets rand rand_exponential rand_normal range_avg range_first range_last
    range_linear_regression range_mad range_max range_median range_min range_normalize range_quantile
    range_stddev range_stdvar range_sum range_trim_outliers range_trim_spikes range_trim_zscore range_zscore
    remove_resets ru running_avg running_max running_min running_sum smooth_exponential sort_by_label_numeric
    sort_by_label_numeric_desc timezone_offset ttf union vmrange any bottomk_avg bottomk_last bottomk_max
    bottomk_median bottomk_min distinct geomean histogram iqr mad median mode outliers_iqr outliers_mad
    outliersk quantiles share sum2 topk_avg topk_last topk_max topk_median topk_min zscore
    """
_METRICSQL = frozenset(_ONLY_METRICSQL.split())
_scan = re.compile(
    rf"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|\#[^\r\n]*|{SHORT_HOLE}|({NUMBER})|({WORD})|[ \t\r\n]+|(.)",
    re.DOTALL,
).finditer
_size = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[KMGT]i?B?|[kmgt]i)").fullmatch
_interval = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdwyi]))+").fullmatch
_prometheus_duration = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+").fullmatch
_rest_of_selector = re.compile(
    rf"[ \t\r\n]*(?:(?:{WORD})[ \t\r\n]*(?:\{{[^{{}}]*\}})?|\{{[^{{}}]*\}})[ \t\r\n]*\)"
).match


def speaks_metricsql(text: str) -> bool:
    """Whether the text holds something that only VictoriaMetrics takes, so that it is probably meant for it.

    That is: the operators `default`, `if` and `ifnot`, `WITH (`, `keep_metric_names`, `limit N`, alternatives inside
    braces (`{a="b" or c="d"}`), numbers such as `8Ki`, durations such as `1.5m` or `5i`, the functions that only
    MetricsQL has, and a rollup such as `rate(x)` without a window.
    """
    words = [
        _Word(match[1] or "", (match[2] or "").lower(), match[3] or "", match.end())
        for match in _scan(text)
        if not match[0].isspace() and not match[0].startswith("#")
    ]
    none = _Word("", "", ",", len(text))
    depth = 0
    for index, word in enumerate(words):
        before = words[index - 1] if index else none
        after = words[index + 1] if index + 1 < len(words) else none
        if word.char == "{":
            depth += 1
        elif word.char == "}":
            depth = max(0, depth - 1)
        elif word.number:
            if _size(word.number) or (_interval(word.number) and not _prometheus_duration(word.number)):
                return True
        elif word.name and depth:
            if word.name == "or" and before.ends_operand() and after.name:
                return True
        elif word.name and (_is_metricsql_suffix(word, before, after) or _is_metricsql_call(text, word, before, after)):
            return True
    return False


class _Word(NamedTuple):
    """A number, a word in lower case or another character; none of the three: a string or placeholder."""

    number: str
    name: str
    char: str
    end: int

    def ends_operand(self) -> bool:
        if self.name:
            return self.name not in _OPERATOR_WORDS
        return self.char in (")", "]", "}", "")


def _is_metricsql_suffix(word: _Word, before: _Word, after: _Word) -> bool:
    """`x keep_metric_names`, `x default 0`, `topk(5, x) limit 3`."""
    if not before.ends_operand():
        return False
    if word.name in ("default", "if", "ifnot"):
        return after.char in ("", "(", "{", "-", "+")
    return word.name == "keep_metric_names" or (word.name == "limit" and before.char == ")" and after.number != "")


def _is_metricsql_call(text: str, word: _Word, before: _Word, after: _Word) -> bool:
    """`WITH (...)`, `range_avg(...)`, `rate(x)`."""
    if after.char != "(" or before.name in _GROUPING_WORDS:
        return False
    return (
        word.name == "with"
        or word.name in _METRICSQL
        or (word.name in _ROLLUPS and _rest_of_selector(text, after.end) is not None)
    )


_OPERATOR_WORDS = frozenset({"and", "or", "unless", "atan2", "bool", "offset"})
_GROUPING_WORDS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
