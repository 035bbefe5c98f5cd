"""Random queries, judged by a real Prometheus: `python -m tests.live.fuzz --seconds 60 --seed 1`.

Of every query: the parser accepts it exactly when Prometheus does, reads the same tree from Prometheus' own print of
it, and gives every node the span from which that node can be parsed again. Of every valid one: what `interpret` rules
out (no element, NaN, several elements, ...) happens in no world. If anything does not hold, the exit code is 1 and the
shortest query found that shows it is printed. Equal seeds ask the same queries in the same order, however long.
"""

from __future__ import annotations

import argparse
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

from rolloutlint.lang.promql.interpret import interpret
from rolloutlint.lang.promql.lexer import PromQLError
from rolloutlint.lang.promql.parser import parse
from rolloutlint.lang.promql.tree import Aggregation, Binary, Grouping, Node, Paren, Range, Selector, Unary, children
from tests.live import grammar
from tests.live.server import SPAN, NoPrometheusError, Server
from tests.live.soundness import violations

BATCH = 256
TIMES = (SPAN, SPAN, SPAN, 390, 905)
"""Seconds after the start of a world when a query is asked there: at a sample, between two, and after the last one."""

ACCEPTED = (
    ("error parsing regexp", ""),  # where Go's syntax is not certain we are silent
    ("missing unit character in duration", r"\[\s*#"),  # only 2.x knows no comment there
)
"""What the parser knowingly accepts and Prometheus rejects: words of the reason, and a pattern found in the query."""

REJECTED = (
    ("no @ modifiers allowed before range", r"@\s*(start|end)\b"),  # only 2.x forgets these two
)
"""What the parser knowingly rejects and Prometheus accepts: words of our reason, and a pattern found in the query."""


class Case(NamedTuple):
    """A query and when it is asked; `valid`: whether it is meant to be."""

    query: str
    after: int
    valid: bool


class Violation(NamedTuple):
    """What does not hold for a query; `kind` stays the same while the query is made shorter."""

    case: Case
    kind: str
    detail: str


def cases(seed: object) -> Iterator[Case]:
    """An endless sequence of cases; every third is a mutation."""
    number = 0
    while True:
        name = f"{seed}/{number}"
        if number % 3 == 2:
            yield Case(grammar.mutation(name), SPAN, False)
        else:
            yield Case(grammar.query(name), random.Random(name).choice(TIMES), True)
        number += 1


def judge(server: Server, case: Case) -> tuple[str, Violation | None]:
    """(what became of the case, in a word or two; what does not hold for it)."""
    query = case.query
    if "{{" in query:
        return "placeholder", None
    major: Literal[2, 3] = 2 if server.version[0] == 2 else 3
    reason = server.rejection(query)
    try:
        node = parse(query, major)
    except PromQLError as error:
        if reason or error.kind == "depth":
            return "rejected", None
        if _known(REJECTED, str(error), query):
            return "rejected, known", None
        return "rejected", Violation(case, "parser rejects", str(error))
    if reason:
        if _known(ACCEPTED, reason, query):
            return "accepted, known", None
        return "accepted", Violation(case, "parser accepts", reason)
    wrong = _tree(node, case, server.formatted(query)) or _values(server, node, case, major)
    return "accepted", wrong


def _known(table: tuple[tuple[str, str], ...], reason: str, query: str) -> bool:
    return any(words in reason and re.search(pattern, query, re.IGNORECASE) for words, pattern in table)


def _tree(node: Node, case: Case, printed: str) -> Violation | None:
    try:
        again = parse(printed)
    except PromQLError as error:
        return Violation(case, "print", f"{printed}: {error}")
    if _shape(node) != _shape(again):
        return Violation(case, "print", f"Prometheus reads {printed}")
    if _shape(node) != _shape(parse(case.query)):
        return Violation(case, "version", "reads as another tree for every version")
    pending = [node]
    while pending:
        part = pending.pop()
        # A range selector writes the modifiers of its selector behind the window.
        pending.extend(() if isinstance(part, Range) else children(part))
        text = case.query[slice(*part.span)]
        try:
            same = _shape(parse(text)) == _shape(part)
        except PromQLError as error:
            return Violation(case, "span", f"{text!r}: {error}")
        if not same:
            return Violation(case, "span", f"{text!r} is the text of a {type(part).__name__} and reads as another")
    return None


def _shape(value: Any) -> object:
    """A tree without spans, parentheses and what Prometheus does not print: `+x`, `by ()`, the order of matchers, and
    `ignoring()` or any other matching without labels, where it does nothing (and `group_left` after `ignoring()`)."""
    if isinstance(value, Paren):
        return _shape(value.expr)
    if isinstance(value, Unary) and value.op == "+":
        return _shape(value.expr)
    if isinstance(value, Grouping) and value.by and not value.labels:
        return None
    if isinstance(value, Binary) and value.matching is not None and not value.matching.labels:
        vectors = value.left.type == value.right.type == "vector"
        value = value if vectors and value.matching.on else value._replace(matching=None)
    if isinstance(value, Selector):
        value = value._replace(matchers=tuple(sorted(value.matchers, key=lambda matcher: matcher[:3])))
    if hasattr(value, "_fields"):
        fields = ((name, getattr(value, name)) for name in value._fields if not name.endswith("span"))
        return (type(value).__name__, *((name, _shape(part)) for name, part in fields))
    if isinstance(value, tuple):
        return tuple(map(_shape, value))
    return repr(value) if isinstance(value, float) else value


def _values(server: Server, node: Node, case: Case, major: Literal[2, 3]) -> Violation | None:
    claim = interpret(node, prometheus=major)
    worlds = list(server.worlds)
    world = random.Random(case.query).choice(worlds)
    alone = server.evaluate(case.query, world, case.after)
    if not alone.error and claim.type not in (alone.type, None):
        return Violation(case, "type", f"{claim.type}, and Prometheus returns a {alone.type}")
    for name, result in server.evaluate_everywhere(case.query, case.after).items():
        for wrong in violations(claim, result, name in server.dishonest):
            return Violation(
                case, wrong.partition(":")[0], f"{wrong}; in world {name} at {case.after} s: {result}\n{claim}"
            )
    return None


def tell(violation: Violation) -> str:
    """What is wrong, to be read by people."""
    return f"{violation.kind}\n  {violation.case.query}\n  {violation.detail}"


def shorten(violation: Violation, check: Callable[[Case], Violation | None], seconds: float = 20) -> Violation:
    """A shorter query for which the same kind of claim fails: operands take the place of the whole, then tokens go."""
    deadline = time.monotonic() + seconds
    progress = True
    while progress and time.monotonic() < deadline:
        progress = False
        for query in _shorter(violation.case.query):
            try:
                other = check(violation.case._replace(query=query))
            except Exception:
                continue
            if other is not None and other.kind == violation.kind:
                violation, progress = other, True
                break
            if time.monotonic() > deadline:
                break
    return violation


def _shorter(query: str) -> Iterator[str]:
    try:
        pending: list[Node] = [parse(query)]
    except PromQLError:
        pending = []
    replaced: list[str] = []
    while pending:
        node = pending.pop(0)
        pending.extend(children(node))
        start, end = node.span
        replaced.extend(query[:start] + query[slice(*part.span)] + query[end:] for part in children(node))
        if isinstance(node, Aggregation) and node.grouping is not None:
            replaced.append(query[: node.grouping.span[0]] + query[node.grouping.span[1] :])
    yield from sorted(replaced, key=len)
    tokens = grammar.TOKEN.findall(query)
    for size in (16, 8, 4, 3, 2, 1):
        for at in range(len(tokens) - size + 1):
            yield "".join(tokens[:at] + tokens[at + size :])


def search(
    server: Server, seed: object, count: int | None, seconds: float | None, most: int
) -> tuple[Counter[str], list[Violation]]:
    """Judges `count` cases, or as many as fit into `seconds`, and stops after `most` violations."""
    outcomes: Counter[str] = Counter()
    found: list[Violation] = []
    endless = cases(seed)
    deadline = None if seconds is None else time.monotonic() + seconds
    with ThreadPoolExecutor(4) as threads:
        while len(found) < most and (count is None or outcomes.total() < count):
            if deadline is not None and time.monotonic() > deadline:
                break
            size = BATCH if count is None else min(BATCH, count - outcomes.total())
            batch = [next(endless) for _ in range(size)]
            for outcome, violation in threads.map(lambda case: judge(server, case), batch):
                outcomes[outcome] += 1
                if violation is not None:
                    found.append(violation)
    return outcomes, found[:most]


def main() -> int:
    options = argparse.ArgumentParser(description="Ask a real Prometheus about random PromQL.")
    options.add_argument("--seconds", type=float, default=60, help="how long (60)")
    options.add_argument("--count", type=int, help="how many queries, in place of --seconds")
    options.add_argument(
        "--seed", default="", help="the same seed asks the same queries; a new one every time by default"
    )
    options.add_argument("--most", type=int, default=1, help="how many violations to find before stopping (1)")
    arguments = options.parse_args()
    seed = arguments.seed or str(time.time_ns())
    # A signal must not leave the server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        server = Server()
    except NoPrometheusError as reason:
        print(f"Prometheus cannot be had: {reason}", file=sys.stderr)
        return 2
    with server:
        seconds = None if arguments.count else arguments.seconds
        outcomes, found = search(server, seed, arguments.count, seconds, arguments.most)
        told = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
        print(f"seed {seed}, Prometheus {server.version[0]}.{server.version[1]}, {len(server.worlds)} worlds: {told}")
        for violation in found:
            short = shorten(violation, lambda case: judge(server, case)[1])
            print(f"\n{tell(short)}\nfound in\n  {violation.case.query}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
