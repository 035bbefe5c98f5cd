"""How fast rolloutlint is, against the bare libyaml event stream over the same bytes on the same machine.

Prints tables with the targets beside and asserts nothing: seconds depend on the machine, ratios much less.
Linter and event stream run in turn (A B A B ...), so that a machine which slows down does so for both.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from generate import LAYOUTS, Layout, generate
from metrics import speeds
from rollouts import GATES, MEASUREMENTS, METRICS, seconds
from syncs import command, repository

_HERE = os.path.dirname(os.path.abspath(__file__))
_CACHE = os.path.join(os.path.dirname(_HERE), ".bench")
_GENERATORS = tuple(os.path.join(_HERE, name) for name in ("applications.py", "generate.py"))
_SHARE = 0.3
"""Fraction of the applications with a planted fault in a faulty corpus."""

_MAX_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in one unit of `ru_maxrss`, which differs between the BSDs and Linux."""

_EVENTS = """\
import os, sys, time, yaml
texts = []
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8") as handle:
            texts.append(handle.read())
start = time.perf_counter()
for text in texts:
    for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
        pass
print(time.perf_counter() - start)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall time in seconds, peak resident memory in MB, exit code, standard output."""

    wall: float
    memory: float
    code: int
    output: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One corpus, measured: medians of the walls in seconds, peak memory in MB."""

    apps: int
    kind: str
    documents: int
    size: float
    wall: float
    events: float
    memory: float
    code: int


def run(command: Sequence[str], capture: bool = False, cwd: str | None = None) -> Run:
    """Runs one process to its end; without `capture` its output is discarded (formatting it still counts)."""
    output = subprocess.PIPE if capture else subprocess.DEVNULL
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, text=True, cwd=cwd)
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdout:
        process.stdout.close()
    return Run(wall, usage.ru_maxrss * _MAX_RSS_UNIT / 1e6, process.returncode, printed)


def linter() -> tuple[str, ...]:
    """The command that starts rolloutlint: the installed script, as users do, or the module."""
    script = shutil.which("rolloutlint", path=os.path.dirname(sys.executable))
    return (script,) if script else (sys.executable, "-m", "rolloutlint")


def event_stream(directory: str) -> float:
    """Seconds that PyYAML needs for the bare events of every file below `directory`, already read."""
    done = run((sys.executable, "-c", _EVENTS, directory), capture=True)
    if done.code:
        raise SystemExit(f"the event stream of {directory} ended with exit code {done.code}")
    return float(done.output)


def corpus(apps: int, layout: Layout, faults: float) -> tuple[str, int, float]:
    """The cached corpus: its directory, documents and size in MB. Written anew when a generator is newer."""
    directory = os.path.join(_CACHE, f"{layout}-{apps}-{'faulty' if faults else 'clean'}")
    done = directory + ".done"
    if not os.path.exists(done) or os.path.getmtime(done) < max(map(os.path.getmtime, _GENERATORS)):
        shutil.rmtree(directory, ignore_errors=True)
        written = generate(directory, apps, layout, faults)
        with open(done, "w", encoding="utf-8") as marker:
            marker.write(f"{written.documents} {written.size}\n")
    with open(done, encoding="utf-8") as marker:
        documents, size = marker.read().split()
    return directory, int(documents), int(size) / 1e6


def measure(apps: int, layout: Layout, faults: float, rounds: int) -> Row:
    """Lints one corpus `rounds` times, in turn with the event stream."""
    directory, documents, size = corpus(apps, layout, faults)
    command = (*linter(), "check", directory)
    run((*linter(), "--version"))
    runs: list[Run] = []
    events: list[float] = []
    for _ in range(rounds):
        runs.append(run(command))
        events.append(event_stream(directory))
    return Row(
        apps,
        "faulty" if faults else "clean",
        documents,
        size,
        statistics.median(r.wall for r in runs),
        statistics.median(events),
        max(r.memory for r in runs),
        runs[-1].code,
    )


def start_up(arguments: Sequence[str], rounds: int) -> tuple[float, int]:
    """Median milliseconds of a whole process with `arguments`, and its exit code."""
    runs = [run((*linter(), *arguments)) for _ in range(rounds + 1)][1:]
    return statistics.median(r.wall for r in runs) * 1000, runs[-1].code


def planned(apps: int, changed: int, rounds: int) -> list[tuple[str, str, str]]:
    """Figures of `apply-plan` from the last commit to a work tree where so many Rollouts have a new image.

    A plan reads and lints the repository twice, so it is compared with one lint of it, in turn. Where everything
    changes, nearly all of the time goes into simulating the Rollouts: that has no target.
    """
    source, documents, _ = corpus(apps, "app", 0.0)
    directory = os.path.join(_CACHE, "plan")
    repository(source, directory, changed)
    plans: list[Run] = []
    lints: list[Run] = []
    for _ in range(rounds):
        plans.append(run(command(linter()), cwd=directory))
        lints.append(run((*linter(), "check", directory)))
    wall = statistics.median(r.wall for r in plans)
    target = "<= 2" if changed < apps else ""
    what = f"plan of {apps:,} applications, {changed:,} changed"
    code = plans[-1].code
    odd = "" if code in (0, 1, 5) else f" (exit code {code})"
    return [
        (f"{what}: wall / lint", f"{wall / statistics.median(r.wall for r in lints):.2f}{odd}", target),
        (f"{what}: documents/s", f"{documents / wall:,.0f}", ""),
        (f"{what}: peak memory, MB", f"{max(r.memory for r in plans):.0f}", ""),
    ]


def sarif(results: int, rounds: int) -> float:
    """Median seconds for writing a SARIF log with `results` results, in this process."""
    from rolloutlint.catalogue import Message, Rule
    from rolloutlint.finding import Counts, DocumentId, Finding, Place, ResourceId, SettledFinding, Span
    from rolloutlint.report import FORMATS, Options
    from rolloutlint.resources import data_dir
    from rolloutlint.result import Report

    page = os.path.join(_CACHE, "RL101-indefinite-pause.md")
    message = Message("`pause` has no duration", "The rollout waits for a person.", "Write a duration.")
    with open(page, "w", encoding="utf-8") as handle:
        handle.write("---\nid: RL101\n---\n# What it checks\n\nPauses without an end.\n")
    rule = Rule(
        id="RL101",
        name="indefinite-pause",
        summary="A pause without a duration waits for a person",
        severity="warning",
        precision="very-high",
        stability="stable",
        since="0.1.0",
        applies_to=("argoproj.io/Rollout",),
        needs=(),
        targets={},
        profiles=("recommended",),
        fix="none",
        messages={"": message},
        page=page,
    )
    path = ("spec", "strategy", "canary", "steps", 1, "pause")
    findings = tuple(
        SettledFinding(
            finding=Finding(
                rule=rule.id,
                at=Place(DocumentId(f"apps/app-{i // 4}/rollout.yaml", 0), path),
                message=message.message,
                consequence=message.consequence,
                remedy=message.remedy,
                resource=ResourceId("argoproj.io", "v1alpha1", "Rollout", "production", f"app-{i // 4}"),
            ),
            name=rule.name,
            severity=rule.severity,
            file=f"apps/app-{i // 4}/rollout.yaml",
            span=Span(70 + i % 4, 9, 70 + i % 4, 18),
            path="spec.strategy.canary.steps[1].pause",
            fingerprint=f"{i:032x}",
        )
        for i in range(results)
    )
    files = results // 4
    report = Report(findings, (), Counts(files, files, files), {rule.id: rule}, "0.0.0")
    options = Options(root=os.path.dirname(data_dir("rules")))
    walls = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        FORMATS["sarif"](report, options)
        walls.append(time.perf_counter() - start)
    return statistics.median(walls[1:])


def _print_corpora(rows: Sequence[Row]) -> None:
    head = ("apps", "corpus", "documents", "MB", "wall s", "events s", "ratio", "docs/s", "peak MB", "exit")
    lines = [
        (
            f"{row.apps:,}",
            row.kind,
            f"{row.documents:,}",
            f"{row.size:.2f}",
            f"{row.wall:.3f}",
            f"{row.events:.3f}",
            f"{row.wall / row.events:.2f}",
            f"{row.documents / row.wall:,.0f}",
            f"{row.memory:.0f}",
            str(row.code),
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in (head, *lines)) for i in range(len(head))]
    for line in (head, *lines):
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _targets(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(what, measured, target) for what follows from the corpora; the smallest is mostly start-up."""
    small, middle, large = sorted({row.apps for row in rows})
    figures = [
        (f"{row.apps:,} {row.kind}: wall / event stream", f"{row.wall / row.events:.2f}", "<= 4")
        for row in rows
        if row.apps > small
    ]
    by_size = {(row.apps, row.kind): row for row in rows}
    for kind in ("clean", "faulty"):
        grown = by_size[large, kind].wall / by_size[middle, kind].wall
        figures.append((f"{kind}: wall {large:,} / {middle:,}", f"{grown:.1f}", f"<= {1.1 * large / middle:.0f}"))
    figures.append(("peak memory, MB", f"{max(row.memory for row in rows):.0f}", "< 500"))
    return figures


def _milliseconds(what: str, arguments: Sequence[str], rounds: int, target: str) -> tuple[str, str, str]:
    wall, code = start_up(arguments, rounds)
    return (f"{what}, ms", f"{wall:.0f}" if code in (0, 1) else f"{wall:.0f} (exit code {code})", target)


def main() -> None:
    """Command line: measures everything and prints two tables."""
    parser = argparse.ArgumentParser(description="Measure rolloutlint on generated corpora.")
    parser.add_argument("--quick", action="store_true", help="10, 100 and 1,000 applications instead of 10,000")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each corpus; medians are shown (default: 3)")
    parser.add_argument("--layout", choices=LAYOUTS, default="app")
    given = parser.parse_args()
    sizes = (10, 100, 1_000) if given.quick else (10, 1_000, 10_000)
    os.makedirs(_CACHE, exist_ok=True)
    if run((*linter(), "--version")).code:
        raise SystemExit("`rolloutlint --version` fails: there is nothing to measure")

    rows = []
    for apps in sizes:
        for faults in (0.0, _SHARE):
            print(f"... {apps:,} applications, {'faulty' if faults else 'clean'}", file=sys.stderr)
            rows.append(measure(apps, given.layout, faults, given.rounds))
    _print_corpora(rows)

    one_file = os.path.join(_CACHE, "one-rollout.yaml")
    first, _, _ = corpus(10, "app", 0.0)
    shutil.copyfile(os.path.join(first, "apps", min(os.listdir(os.path.join(first, "apps"))), "rollout.yaml"), one_file)
    figures = _targets(rows)
    figures.append(_milliseconds("rolloutlint --version", ("--version",), 10, "< 60"))
    figures.append(_milliseconds("one small file", ("check", one_file), 10, "< 150"))
    figures.append(("SARIF of 10,000 results, s", f"{sarif(10_000, 3):.2f}", "< 0.5"))
    long = f"simulate {3 * GATES} steps, {METRICS} metrics of {MEASUREMENTS}, s"
    figures.append((long, f"{seconds(_CACHE, 3):.2f}", "< 2"))
    for changed in (10, 1_000):
        figures += planned(1_000, changed, given.rounds)
    read, judged = speeds(200, 5)
    figures.append(("queries parsed and interpreted, 1/s", f"{read:,.0f}", ">= 5,000"))
    figures.append(("metrics judged in every world, 1/s", f"{judged:,.0f}", ">= 1,500"))
    print()
    width = max(len(what) for what, _, _ in figures)
    for what, measured, target in (("", "measured", "target"), *figures):
        print(f"{what:<{width}}  {measured:>10}  {target:>8}")
    if any(row.code not in (0, 1) for row in rows):
        print("an exit code other than 0 or 1: the figures of that corpus mean nothing", file=sys.stderr)


if __name__ == "__main__":
    main()
