"""Reads the examples of a rule page: fenced `yaml bad` and `yaml good` blocks, with their marks and files.

A line `# file: NAME` starts another file, `# uses: frames/X.yaml` adds a shared frame, a fence word `closed` or
`strict` sets the run, `latin-1` saves the files in that encoding, a fence `yaml config` gives the configuration of the
block that follows it. A fence `yaml before` gives the state from which that block is planned, `yaml before live` a
cluster; marks in it are expected in the files before. A fence `yaml samples` gives what a server would have answered to
a backtest of that block (`tests.backtest.samples`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rolloutlint.catalogue import Rule, page_body
from rolloutlint.resources import data_dir

_FENCE = re.compile(r"^```yaml +(bad|good|config|before|samples)\b([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"# <- (RL\d+)(?: @(\S+))?\s*$")


@dataclass(frozen=True)
class Example:
    """One example: the files to lint and the findings to expect as (file, line) or (file, path)."""

    kind: str
    number: int
    words: tuple[str, ...]
    files: Mapping[str, str | bytes]
    expected: tuple[tuple[str, int | str], ...]
    config: str = ""
    before: Mapping[str, str | bytes] | None = None
    """The previous state, for rules about changes."""
    live: bool = False
    """Whether that is a cluster."""
    samples: str = ""
    """What is known of the past, for rules about that."""
    rule: Rule = field(repr=False, default=None)  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.rule.id}-{self.kind}-{self.number}"


def examples(rule: Rule) -> Iterator[Example]:
    """The examples of one page, in order."""
    config, samples, before, live, marked = "", "", None, False, []
    for number, match in enumerate(_FENCE.finditer(page_body(rule)), start=1):
        kind, words, text = match.group(1), match.group(2).split(), match.group(3)
        if kind == "config":
            config = text
            continue
        if kind == "samples":
            samples = text
            continue
        files, expected = _split(text, rule.id)
        if kind == "before":
            before, live, marked = files, "live" in words, [(f"before:{name}", at) for name, at in expected]
            continue
        saved = {n: t.encode("latin-1") if "latin-1" in words else t for n, t in files.items()}
        yield Example(kind, number, tuple(words), saved, (*expected, *marked), config, before, live, samples, rule)
        config, samples, before, live, marked = "", "", None, False, []


def _split(text: str, rule_id: str) -> tuple[dict[str, str], list[tuple[str, int | str]]]:
    files: dict[str, list[str]] = {}
    expected: list[tuple[str, int | str]] = []
    name = "example.yaml"
    for line in text.splitlines(keepends=True):
        if line.startswith("# file: "):
            name = line[len("# file: ") :].strip()
            continue
        if line.startswith("# uses: "):
            frame = line[len("# uses: ") :].strip()
            with open(os.path.join(data_dir("rules"), frame), encoding="utf-8") as handle:
                files[os.path.basename(frame)] = [handle.read()]
            continue
        lines = files.setdefault(name, [])
        lines.append(line)
        mark = _MARK.search(line)
        if mark and mark.group(1) == rule_id:
            expected.append((name, mark.group(2) or len(lines)))
    return {n: "".join(ls) for n, ls in files.items()}, expected
