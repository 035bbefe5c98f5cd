"""`rolloutlint backtest`: what analyses would have made of the past, asked of a Prometheus or of recorded answers."""

from __future__ import annotations

import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from rolloutlint.catalogue import load_catalogue
from rolloutlint.cli.check import NOTHING_TO_LINT
from rolloutlint.cli.rendering import make_rendering, rendering_options
from rolloutlint.cli.settings import make_settings, settings_options
from rolloutlint.cli.writing import LOST, named_outputs, report_options, say_lost, write
from rolloutlint.config import parse_seconds, parse_share
from rolloutlint.errors import UsageError
from rolloutlint.finding import SEVERITIES
from rolloutlint.lang.duration import SECOND
from rolloutlint.settings import Settings

if TYPE_CHECKING:
    from rolloutlint.backtest.result import Backtest
    from rolloutlint.backtest.source import Source
    from rolloutlint.engine import Run
    from rolloutlint.report.backtest import Shown

FORMS = ("text", "json", "markdown", "html", "sarif")
_MOST_JOBS = 32


@click.command()
@click.argument("paths", nargs=-1)
@click.option(
    "--prometheus",
    "url",
    metavar="URL",
    help="The server to ask: Prometheus, or what speaks its API. Default: ROLLOUTLINT_PROMETHEUS_URL.",
)
@click.option(
    "--data", metavar="DIR", help="Ask the answers in DIR in place of a server: those of --record, or curl's."
)
@click.option("--record", default="", metavar="DIR", help="Keep the answers of the server in DIR, for --data.")
@click.option(
    "--window",
    default="",
    metavar="DURATION",
    help="How much of the past, such as 24h or 7d. Default: 24h, or what was recorded.",
)
@click.option(
    "--until",
    default="",
    metavar="TIME",
    help="Where the window ends: 2026-11-20T14:00Z, or seconds since 1970. Default: now, or where the recording ends.",
)
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of an argument of the templates; it wins over that of the Rollout. May be repeated.",
)
@click.option(
    "--as-stable",
    is_flag=True,
    help="Ask queries about the new version for the stable one, which has a history, and show what was changed.",
)
@click.option(
    "--max-false-aborts",
    default="1%",
    metavar="PERCENT",
    help="How many good versions may be aborted; limits that would have kept to it are shown. Default: 1%.",
)
@click.option(
    "--degradation",
    default="",
    metavar="PERCENT",
    help="Say whether there are requests enough to see a version that fails so many of them, such as 5%.",
)
@click.option(
    "--horizon",
    metavar="DURATION",
    help="How long a measurement without an end is watched. Default: as long as the rollout takes at least.",
)
@click.option("--http-config", default="", metavar="FILE", help="TLS and credentials, as promtool reads them.")
@click.option("--insecure", is_flag=True, help="Do not check the certificate of the server.")
@click.option(
    "--queries",
    type=click.IntRange(1, _MOST_JOBS),
    default=4,
    metavar="NUMBER",
    help="Queries at a time. Default: 4.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    metavar="NUMBER",
    help="Requests per second at most. Default: 20.",
)
@click.option(
    "-f",
    "--format",
    "formats",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"How to show it, several times if need be: {', '.join(FORMS)}. Default: what the suffix of the output file "
    "says, or text.",
)
@click.option("-o", "--output", default="", metavar="FILE", help="Write to FILE what goes to no file of its own.")
@rendering_options
@settings_options
@click.option("--allow-empty", is_flag=True, help="Exit 0 where no analysis asks Prometheus.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: auto.")
@click.option("--category", "sarif_category", default="", metavar="NAME", help="In SARIF: tells apart several runs.")
@click.option("-v", "--verbose", is_flag=True, help="In text: queries, every stretch that does not pass, all files.")
@click.option("--debug", is_flag=True, help="Show tracebacks of internal errors.")
def backtest(paths: tuple[str, ...], **flags: Any) -> int:
    """Show how often the analyses in PATHS would have aborted a good version while nothing was rolled out.

    Every query is asked for the whole window, its conditions are applied to every point, and the AnalysisRun is
    played from every start. Nothing is written to the server.

    Credentials come from ROLLOUTLINT_PROMETHEUS_TOKEN, or _USERNAME and _PASSWORD, _HEADERS, _CA_FILE, _CLIENT_CERT
    and _CLIENT_KEY, or from a file in promtool's format (--http-config). No output repeats them.

    Exit codes: 0, 1 findings from --fail-on on, 2 usage, 3 no analysis asks Prometheus, 4 something was not answered.
    """
    from rolloutlint.backtest.make import Options
    from rolloutlint.backtest.make import backtest as made
    from rolloutlint.engine import open_paths
    from rolloutlint.report.backtest import SUFFIXES, Shown

    catalogue = load_catalogue()
    settings, _ = make_settings(catalogue, flags)
    asked = _asked(flags)
    if not (asked.url or flags["data"]):
        raise UsageError("backtest needs --prometheus URL (or ROLLOUTLINT_PROMETHEUS_URL), or --data DIR")
    outputs = named_outputs(flags["formats"], flags["output"], FORMS, SUFFIXES)
    rendering = make_rendering(flags)
    with _source(asked, flags) as (source, window):
        run = open_paths(paths or (".",), settings, catalogue, debug=flags["debug"], render=rendering)
        with _progress() as progress:
            options = Options(
                end=window.end,
                window=window.length,
                arguments=asked.arguments,
                as_stable=flags["as_stable"],
                tolerated=asked.tolerated,
                degradation=asked.degradation,
                horizon=asked.horizon,
                jobs=flags["queries"],
                progress=progress,
            )
            found = made(run, source, options)
    _write(Shown(found, catalogue.rules, _texts(run, found)), outputs, flags)
    say_lost(found.incomplete)
    for message in dict.fromkeys(metric.why for each in found.analyses for metric in each.metrics if metric.lost):
        click.echo(f"rolloutlint: {message}", err=True)
    if found.lost:
        return LOST
    if not found.analyses:
        click.echo("rolloutlint: nothing to backtest: no analysis among the inputs asks Prometheus", err=True)
        return 0 if flags["allow_empty"] else NOTHING_TO_LINT
    return _code(found, settings)


# ---- what is asked ---------------------------------------------------------------------------------------------


class _Asked(NamedTuple):
    """What flags and environment say, in the right units."""

    url: str
    """Empty where recorded answers are asked."""
    end: float | None
    length: int | None
    arguments: Mapping[str, str]
    tolerated: Fraction
    degradation: Fraction | None
    horizon: int | None


class _Window(NamedTuple):
    end: float
    """Seconds since 1970."""
    length: int
    """Nanoseconds."""


_DAYS = re.compile(r"(\d{1,4})d(.*)\Z", re.ASCII)
_DURATION = "a duration above 0 such as 24h, 7d or 90m"


def _duration(flag: str, text: str) -> int:
    """Nanoseconds of a Go duration, which may begin with days. Raises `UsageError`."""
    days = _DAYS.match(text)
    rest = days[2] if days else text
    amount = parse_seconds(rest) if rest else 0.0
    total = None if amount is None else amount + (int(days[1]) * 86_400 if days else 0)
    if not total:
        raise UsageError(f"{flag}: `{text}`: write {_DURATION}")
    return round(total * SECOND)


def _time(text: str) -> float:
    """Seconds since 1970. Raises `UsageError`."""
    if re.match(r"\d{1,11}(\.\d*)?\Z", text, re.ASCII):
        return float(text)
    try:
        when = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise UsageError(f"--until: `{text}`: write a time such as 2026-11-20T14:00Z, or seconds since 1970") from None
    return (when if when.tzinfo is not None else when.replace(tzinfo=timezone.utc)).timestamp()


def _asked(flags: Mapping[str, Any]) -> _Asked:
    """The amounts that flags ask for. Raises `UsageError`."""
    tolerated = parse_share(flags["max_false_aborts"])
    if tolerated is None:
        raise UsageError(f"--max-false-aborts: `{flags['max_false_aborts']}`: write a percentage such as 1%")
    degradation = parse_share(flags["degradation"]) if flags["degradation"] else None
    if flags["degradation"] and not degradation:
        raise UsageError(f"--degradation: `{flags['degradation']}`: write a percentage above 0 such as 5%")
    arguments = {}
    for text in flags["arguments"]:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError("--arg: write NAME=VALUE")
        arguments[name] = value
    if flags["data"] and (flags["url"] or flags["record"]):
        raise UsageError("--data answers in place of a server: leave out --prometheus and --record")
    return _Asked(
        url="" if flags["data"] else flags["url"] or os.environ.get("ROLLOUTLINT_PROMETHEUS_URL", ""),
        end=_time(flags["until"]) if flags["until"] else None,
        length=_duration("--window", flags["window"]) if flags["window"] else None,
        arguments=arguments,
        tolerated=tolerated,
        degradation=degradation,
        horizon=_duration("--horizon", flags["horizon"]) if flags["horizon"] else None,
    )


@contextmanager
def _source(asked: _Asked, flags: Mapping[str, Any]) -> Iterator[tuple[Source, _Window]]:
    """Who is asked, and about which window. Raises `UsageError` where it cannot be used."""
    from rolloutlint.backtest.recorded import Recorded, Recording

    if flags["data"]:
        recorded = Recorded(flags["data"])
        if recorded.window is None:
            raise UsageError(f"--data: {flags['data']} holds no range")
        first, last = recorded.window
        end = math.floor(last) if asked.end is None else asked.end
        length = max(round((end - first) * SECOND), 0) if asked.length is None else asked.length
        yield recorded, _Window(end, length)
        return
    from rolloutlint.backtest.access import access_of
    from rolloutlint.backtest.client import Client, Limits

    window = _Window(time.time() if asked.end is None else asked.end, asked.length or 86_400 * SECOND)
    bounds = (window.end - window.length / SECOND, window.end)
    access = access_of(os.environ, flags["http_config"], flags["insecure"])
    limits = Limits(concurrency=flags["queries"], rate=flags["rate"])
    with Client(asked.url, access, limits, bounds) as client:
        if not flags["record"]:
            yield client, window
            return
        recording = Recording(client, flags["record"], bounds)
        yield recording, window
        recording.save()


# ---- what is shown ---------------------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """What to tell how many queries are answered: a bar where somebody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="queries", file=sys.stderr, show_pos=True, show_eta=False) as bar:

        def told(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield told


def _texts(run: Run, found: Backtest) -> Mapping[str, str]:
    """The texts of files with findings."""
    files = {each.file for each in found.findings if each.file}
    known = {file: run.texts.source(file) for file in sorted(files)}
    return {file: source.text for file, source in known.items() if source is not None}


def _write(shown: Shown, outputs: Sequence[tuple[str, str]], flags: Mapping[str, Any]) -> None:
    from rolloutlint.report.backtest import FORMATS

    for name, file in outputs:
        write(FORMATS[name](shown, report_options(flags, to_file=bool(file))), file)


def _code(found: Backtest, settings: Settings) -> int:
    """1 where a finding is at least as severe as `fail-on`."""
    if settings.exit_zero:
        return 0
    limit = SEVERITIES.index(settings.fail_on)
    return int(any(SEVERITIES.index(f.severity) <= limit for f in found.findings if f.disposition == "active"))
