"""The program of `main.go`, which `.ci/oracle` builds: what Argo Rollouts' own validation says of a Rollout."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
SOURCES = (Path(__file__).with_name("go.mod"), Path(__file__).with_name("main.go"))
SECONDS = 120


class NoOracleError(Exception):
    """There is no program; the text says why."""


class Fault(NamedTuple):
    """One error of the validation: the field as it names it, and its words."""

    field: str
    text: str


class Answer(NamedTuple):
    """What the validation says of one Rollout."""

    malformed: str
    """What could not be decoded, and is left out; empty for a well-formed object."""
    faults: tuple[Fault, ...]


def find() -> Path:
    """The program that was built from these sources; raises `NoOracleError`."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()[:12]
    path = ROOT / ".tools" / f"oracle-{digest}"
    if not path.exists():
        reason = path.with_name("oracle.missing")
        raise NoOracleError(reason.read_text().strip() if reason.exists() else "`make oracle` has not built it yet")
    return path


def ask(manifests: Iterable[Mapping[str, Any]]) -> list[Answer]:
    """The answers to the manifests, in their order; raises `NoOracleError` without a program."""
    program = find()
    lines = "".join(json.dumps(manifest) + "\n" for manifest in manifests)
    done = subprocess.run(
        [str(program)], input=lines, capture_output=True, text=True, encoding="utf-8", timeout=SECONDS, check=True
    )
    answers = (json.loads(line) for line in done.stdout.splitlines())
    return [
        Answer(answer.get("malformed", ""), tuple(Fault(**each) for each in answer["errors"])) for answer in answers
    ]
