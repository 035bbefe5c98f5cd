"""`simulate --outcome` as text, JSON (`replays` in `schemas/rolloutlint/simulation-v1.json`) and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rolloutlint import __version__
from rolloutlint.report import simulation_words as words
from rolloutlint.report.markdown import escaped
from rolloutlint.report.simulation import VERSION, amount_json, number_json, seconds_json, share_json, trace_json
from rolloutlint.report.visible import no_command, visible
from rolloutlint.simulate.result import Figure
from rolloutlint.simulations import Replay


def _asked(replay: Replay) -> str:
    return ", ".join(f"{name}={letters}" for name, letters in replay.outcomes)


def _exposure(replay: Replay) -> Figure:
    return Figure(*replay.walk.exposure(replay.plan))


def _end(replay: Replay) -> str:
    """`aborted after 12m at 20 %: Failed, success-rate of the background analysis`."""
    walk = replay.walk
    said = words.ENDINGS[walk.kind]
    told = f"{said} {words.when(walk.at)} at {words.share(replay.walk.share(replay.plan))}"
    causes = ", ".join(
        f"{cause.metric.name} of the {cause.run.label}" if cause.metric is not None else cause.run.label
        for cause in walk.causes
    )
    return f"{told}: {walk.phase}, {causes}" if causes else told


def _facts(replay: Replay) -> str:
    walk = replay.walk
    counted = f"{walk.successes} success{'es' * (walk.successes != 1)}"
    return f"exposure {words.exposure(_exposure(replay))}, {counted}, needs a person {words.people(walk.people)}"


def _text_of(replay: Replay) -> Iterator[str]:
    yield f"Rollout {visible(words.name(replay.plan))}   {visible(_asked(replay))}"
    last = None
    for event in replay.walk.events:
        at = words.time(event.at)
        yield f"{'' if at == last else at:>10}  {visible(event.words)}"
        last = at
    yield f"   {visible(_end(replay))}"
    yield f"   {_facts(replay)}"


def _text(replays: Sequence[Replay], verbose: bool = False) -> str:
    return "\n".join("\n".join(map(no_command, _text_of(each))) + "\n" for each in replays)


def as_json(replay: Replay) -> dict[str, Any]:
    """One replay as plain data."""
    walk = replay.walk
    return {
        "rollout": replay.plan.rollout._asdict(),
        "outcomes": dict(replay.outcomes),
        "ending": walk.kind,
        "phase": walk.phase or "",
        "causes": [
            {"metric": None if c.metric is None else c.metric.name, "run": c.run.label, "phase": c.phase}
            for c in walk.causes
        ],
        "stage": walk.stage,
        "at": seconds_json(walk.at),
        "share": share_json(replay.walk.share(replay.plan)),
        "exposure": amount_json(_exposure(replay)),
        "people": number_json(walk.people),
        "successes": walk.successes,
        "events": trace_json(walk.events),
    }


def _json(replays: Sequence[Replay], verbose: bool = False) -> str:
    tool = {"name": "rolloutlint", "version": __version__}
    value = {"version": VERSION, "tool": tool, "replays": [as_json(each) for each in replays]}
    return json.dumps(value, indent=2) + "\n"


def _markdown_of(replay: Replay) -> Iterator[str]:
    yield f"### Rollout {escaped(words.name(replay.plan))}: {escaped(_asked(replay))}"
    yield ""
    yield f"**{escaped(_end(replay))}**; {escaped(_facts(replay))}"
    yield ""
    yield "| time | event |"
    yield "|---|---|"
    for event in replay.walk.events:
        yield f"| {escaped(words.time(event.at))} | {escaped(event.words)} |"
    yield ""


def _markdown(replays: Sequence[Replay], verbose: bool = False) -> str:
    return "\n".join("\n".join(_markdown_of(each)) for each in replays)


FORMATS: Mapping[str, Callable[..., str]] = MappingProxyType({"text": _text, "json": _json, "markdown": _markdown})
"""Format name -> renderer of replays; each answer ends in a newline."""
