"""The figures of a simulation as words: the same in text, Markdown, HTML and SVG, and a bound always as a bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from rolloutlint.lang.duration import SECOND, format_duration
from rolloutlint.simulate.plan import (
    Analysed,
    Experimented,
    External,
    Instant,
    Never,
    Person,
    Plan,
    Pods,
    Scaling,
    Share,
    Span,
    Stage,
    Timed,
    Wait,
    Why,
)
from rolloutlint.simulate.result import Bar, Broken, Detection, Ending, EndingKind, Figure, Gate, Simulation

ENDINGS: Mapping[EndingKind, str] = MappingProxyType(
    {
        "promoted": "promoted",
        "aborted": "aborted",
        "waits": "waits for a person",
        "stuck": "stays as it is for ever",
        "refused": "refused",
    }
)
"""How a rollout can end, in words."""


class Line(NamedTuple):
    """One of the figures that decide, ready to be shown."""

    label: str
    words: str
    why: Why
    """Why it is a bound and no point."""
    key: str
    """`promotion`, `evidence`, `people`, `share`, `after`, `exposure`."""


def number(value: Fraction | int, digits: int = 2) -> str:
    """A number with so many decimals at most, rounded half to even: `33.33`, `20`."""
    text = f"{float(round(Fraction(value), digits)):.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time(nanoseconds: Fraction | int) -> str:
    """`1m30s`."""
    return format_duration(float(Fraction(nanoseconds) / SECOND))


def percent(value: Fraction) -> str:
    """`20 %`."""
    return f"{number(value * 100)} %"


def share(value: Share) -> str:
    """`20 %`, `20 to 25 %`."""
    return percent(value.most) if value.exact else f"{number(value.least * 100)} to {percent(value.most)}"


def _bounded(least: str, most: str | None, zero: bool, reach: str | None = None, beyond: str = "") -> str:
    if most is None:
        return f"at least {least}" if reach in (None, least) else f"{least} to {reach} {beyond}"
    if least == most:
        return least
    return f"up to {most}" if zero else f"{least} to {most}"


def duration(value: Figure | Span) -> str:
    """`34m`, `at least 34m`, `up to 5m`, `5m to 10m`, `5m to 10m or later`."""
    reach = value.reach if isinstance(value, Figure) else None
    most, far = (None if each is None else time(each) for each in (value.most, reach))
    return _bounded(time(value.least), most, not value.least, far, "or later")


def exposure(value: Figure) -> str:
    """`130 %·min`, as bounded as it is: `70 to 550 %·min or more`."""
    most, far = (None if each is None else f"{number(each)} %·min" for each in (value.most, value.reach))
    least = f"{number(value.least)} %·min"
    words = _bounded(least, most, not value.least, far, "or more")
    return words.replace(" %·min to ", " to ")


def evidence(value: int | None) -> str:
    """`4+ successes`: the smallest number on any way."""
    if value is None:
        return "not known"
    return "0 successes" if value == 0 else f"{value}+ success{'es' * (value != 1)}"


def pods(value: Pods) -> str:
    """`2 new + 8 old pods`; empty where nothing is known."""
    if value.canary is None and value.stable is None:
        return ""
    new, old = ("?" if each is None else str(each) for each in value)
    return f"{new} new + {old} old pods"


def replicas(plan: Plan) -> str:
    """`10 pods`, `at least 2 pods`."""
    least, most = plan.replicas.least, plan.replicas.most
    words = _bounded(str(least), None if most is None else str(most), not least)
    return f"{words} pod{'s' * (words != '1')}"


def name(plan: Plan) -> str:
    """`shop/cart`."""
    return "/".join(part for part in (plan.rollout.namespace, plan.rollout.name) if part)


def summary(plan: Plan) -> str:
    """`canary, 10 pods, istio`."""
    strategy = "blue-green" if plan.strategy == "blueGreen" else "canary"
    split = plan.router or ("split by pods" if plan.strategy == "canary" else "")
    return ", ".join(part for part in (strategy, replicas(plan), split) if part)


def step(stage: Stage) -> str:
    """`step 3: pause 5m`; for what is no step, its label."""
    return stage.label if stage.step is None else f"step {stage.step + 1}: {stage.label}"


def gate(stage: Stage) -> str:
    """What ends a stage, in a word or two; empty where nothing is waited for."""
    wait = stage.wait
    if isinstance(wait, Timed):
        return f"pause {duration(wait.span)}" if wait.span.most is not None or wait.span.least else "pause ?"
    if isinstance(wait, Scaling):
        return "pods ready" if wait.span.least else ""
    words = ((Person, "person"), (Analysed, "analysis"), (Experimented, "experiment"), (Never, "for ever"))
    found = next((word for kind, word in words if isinstance(wait, kind)), "")
    return wait.what if isinstance(wait, External) else found


def people(value: int) -> str:
    """How many times a person has to act: `no`, `once`, `3 times`."""
    return "no" if not value else "once" if value == 1 else f"{value} times"


def after(value: Figure | Span) -> str:
    """`after 14m`, `within 2m`, `at once`: a time from the start of something."""
    if value.most is not None and not value.least:
        return f"within {time(value.most)}" if value.most else "at once"
    return f"after {duration(value)}"


def when(at: int) -> str:
    """`after 10m`, `at once`."""
    return f"after {time(at)}" if at else "at once"


def broken_end(simulation: Simulation) -> tuple[str, str]:
    """What becomes of a version that fails every measurement: a label (`aborted`, `promoted`) and words."""
    broken = simulation.broken
    if broken is None:
        return "", ""
    when = "" if broken.after is None else after(broken.after)
    if broken.ending == "aborted":
        return "aborted", when or "at some time"
    never = "never, as far as is known" if simulation.plan.has_unknown else "never"
    return "aborted", f"{never}: {_INSTEAD[broken.ending]}"


_INSTEAD: Mapping[EndingKind, str] = MappingProxyType(
    {
        "promoted": "it is promoted anyway",
        "waits": "it waits for a person",
        "stuck": "it stays as it is",
        "refused": "nothing starts",
    }
)


def headlines(simulation: Simulation) -> tuple[Line, ...]:
    """The figures that decide, first what a broken version does."""
    out = []
    broken = simulation.broken
    if simulation.plan.refused:
        out.append(Line("seen by", "nobody", (), "share"))
        out.append(Line("aborted", "refused: nothing starts", (), "after"))
    if broken is not None:
        label, words = broken_end(simulation)
        out.append(Line("exposure", exposure(broken.exposure), broken.exposure.why, "exposure"))
        seen = "nobody" if not broken.share.most else f"up to {percent(broken.share.most)}"
        out.append(Line("seen by", seen, (), "share"))
        out.append(Line(label, words, () if broken.after is None else broken.after.why, "after"))
    promotion = simulation.promotion
    words = "never" if promotion is None else after(promotion)
    out.append(Line("promoted", words, () if promotion is None else promotion.why, "promotion"))
    if promotion is not None:
        out.append(Line("evidence", evidence(simulation.evidence), simulation.evidence_why, "evidence"))
        out.append(Line("needs a person", people(simulation.people), (), "people"))
    return tuple(out)


def promoted(simulation: Simulation) -> str:
    """`promoted after at least 34m`."""
    return "never promoted" if simulation.promotion is None else f"promoted {after(simulation.promotion)}"


def verdict(simulation: Simulation) -> str:
    """What happens to a broken version, and what stands against it, in a sentence."""
    broken = simulation.broken
    if simulation.plan.refused:
        return "The controller refuses it: nothing starts"
    if broken is None:
        return "Nothing is known of a broken version"
    seen = "is seen by nobody"
    if broken.share.most:
        seen = f"is seen by up to {percent(broken.share.most)} of the traffic"
    words = broken_end(simulation)[1]
    if broken.ending == "aborted":
        return f"A broken version {seen} and is aborted {words}{_seen_first_and_last(broken)}"
    return f"A broken version {seen} and is aborted {words}".replace("is aborted never", "is never aborted")


def bar_words(bar: Bar) -> str:
    """How a metric measures: `at 2m, every 1m, 33 measurements, guards to the end`."""
    if bar.first > bar.end:
        return "never measures"
    parts = [] if bar.first == bar.start else [f"from {time(bar.first)}"]
    if bar.interval is None:
        parts.append("once")
    else:
        parts.append(f"every {time(bar.interval)}")
        parts.append("? times" if bar.measurements is None else f"{bar.measurements} times")
    parts += ["dry run"] * bar.dry_run + ["cannot abort"] * (not bar.aborts and not bar.dry_run)
    return ", ".join(parts)


def guards(bar: Bar) -> str:
    """How far a metric guards."""
    if not bar.aborts or bar.first > bar.end:
        return "guards nothing"
    return {
        "rollout-ends": "guards to the end",
        "complete": f"guards until {time(bar.end)}",
        "unknown": "how far it guards is not known",
    }[bar.end_reason]


def detection(value: Detection) -> str:
    """`after 2m by success-rate`, `not noticed`."""
    if not value.noticed or value.after is None:
        return "not noticed"
    return f"{after(value.after)},{_seen_first_and_last(value)}".rstrip(",")


def _seen_first_and_last(value: Broken | Detection) -> str:
    """What aborts it: ` by success-rate of the background analysis (p95 of the analysis of step 7 sees it last)`."""
    by = f" by {value.by}" if value.by else ""
    return f"{by} ({value.latest} sees it last)" if value.latest else by


_WAITS: Mapping[type, str] = MappingProxyType(
    {
        Instant: "instant",
        Scaling: "pods",
        Timed: "pause",
        Person: "person",
        Analysed: "analysis",
        Experimented: "experiment",
        External: "external",
        Never: "never",
    }
)


def wait_kind(wait: Wait) -> str:
    """The name of what ends a stage: `pause`, `person`."""
    return _WAITS[type(wait)]


def gates(found: Sequence[Gate]) -> Iterator[str]:
    """What each gate proves; neighbours that prove the same in one line."""
    for proven, group in groupby(found, key=lambda gate: gate.evidence):
        same = list(group)
        if len(same) > 3:
            yield f"{same[0].label} ... {same[-1].label}: {evidence(proven)} in each of {len(same)}"
        else:
            yield from (f"{gate.label}: {evidence(proven)}" for gate in same)


def endings(found: Sequence[Ending]) -> Iterator[str]:
    """Endings of one cause in one line, each with from when to when and at which shares."""
    groups: dict[tuple[str, str, str], list[Ending]] = {}
    for each in found:
        groups.setdefault((each.kind, each.phase, each.cause), []).append(each)
    for group in groups.values():
        yield ending(group)


def ending(group: Sequence[Ending]) -> str:
    """`aborted after 10m to 12m at 5 to 20 %: Failed, success-rate of the background analysis`."""
    first, last = (choose(group, key=lambda each: each.at.least) for choose in (min, max))
    said = ENDINGS[first.kind]
    if first.kind == "refused":
        return f"{said}: {first.cause}"
    if last.at.least == first.at.least:
        said += f" {after(first.at)}"
    else:
        later = " or later" * any(each.at.most is None for each in group)
        said += f" after {time(first.at.least)} to {time(last.at.least)}{later}"
    if first.kind == "promoted" and first.phase:
        return f"{said}, although {first.cause} is {first.phase}"
    if first.kind == "promoted":
        acts = f", needs a person {people(first.people)}" * bool(first.people)
        return f"{said}, {evidence(first.evidence)}{acts}"
    shown = Share(min(each.share.least for each in group), max(each.share.most for each in group))
    cause = ", ".join(part for part in (first.phase, first.cause) if part)
    return f"{said} at {share(shown)}" + f": {cause}" * bool(cause)


def broken_from(value: Detection) -> str:
    """`broken from 20 % on: within 2m, by success-rate, up to 40 %·min`."""
    parts = [f"broken from {share(value.share)} on: {detection(value)}"]
    if value.exposure is not None:
        parts.append(exposure(value.exposure))
    return ", ".join(parts)
