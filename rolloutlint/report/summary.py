"""What every report says about the run as a whole: how much was found, and what was not looked at.

Silence proves nothing unless one knows what was read, so a clean report says it too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rolloutlint.finding import SEVERITIES, Incomplete, Severity
from rolloutlint.result import Report

_NAMED = 3
"""So many sources of one reason are named; more are counted."""

REASONS: Mapping[str, tuple[str, str]] = {
    "templated": ("template", "templates"),
    "chart": ("helm chart", "helm charts"),
    "kustomize": ("kustomization", "kustomizations"),
    "patch": ("patch", "patches"),
    "component": ("kustomize component", "kustomize components"),
    "generator-input": ("generator input", "generator inputs"),
    "unrendered": ("not rendered", "not rendered"),
    "not-kubernetes": ("not Kubernetes", "not Kubernetes"),
    "unreadable": ("unreadable", "unreadable"),
    "binary": ("binary", "binary"),
    "too-large": ("too large", "too large"),
    "changed": ("changed while it was read", "changed while they were read"),
    "rule-crashed": ("a rule crashed", "rules crashed"),
    "unsupported": ("not supported", "not supported"),
    "symlink": ("symbolic link", "symbolic links"),
    "unresolved": ("not resolved", "not resolved"),
}
"""`Incomplete.reason` in words, for one and for many."""


class Figures(NamedTuple):
    """What the counts line says."""

    severities: Mapping[Severity, int]
    """Active findings by severity, most severe first."""
    suppressed: int
    waived: int
    affected: int
    """Resources with an active finding."""
    fixable: int
    """Active findings that `--fix` mends."""
    unsafe_fixable: int
    """Active findings that only `--unsafe-fixes` mends."""


def figures(report: Report) -> Figures:
    """Count the findings of `report`."""
    active = report.active
    by_severity = Counter(f.severity for f in active)
    judged = Counter(f.disposition for f in report.findings)
    fixes = Counter(f.finding.fix.safety for f in active if f.finding.fix is not None and f.edits)
    return Figures(
        severities={s: by_severity[s] for s in SEVERITIES},
        suppressed=judged["suppressed"],
        waived=judged["waived"],
        affected=len({(f.finding.at.document, f.finding.resource) for f in active if f.finding.resource}),
        fixable=fixes["safe"],
        unsafe_fixable=fixes["unsafe"],
    )


def many(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def found_sentence(report: Report) -> str:
    """`7 errors, 4 warnings in 3 of 12 resources (9 files). 2 suppressed, 1 waived.`, and what can be fixed."""
    f, counts = figures(report), report.counts
    found = ", ".join(many(n, severity) for severity, n in f.severities.items() if n)
    resources = many(counts.resources, "resource")
    if counts.changed is not None:
        resources = many(counts.changed, "changed or dependent resource")
    if not found:
        sentences = [f"No findings in {resources} ({many(counts.files, 'file')})."]
    elif f.affected:
        sentences = [f"{found} in {f.affected} of {resources} ({many(counts.files, 'file')})."]
    else:
        sentences = [f"{found} ({resources}, {many(counts.files, 'file')})."]
    if counts.left_out:
        sentences.append(f"{many(counts.left_out, 'finding')} in unchanged resources left out.")
    judged = [f"{n} {word}" for n, word in ((f.suppressed, "suppressed"), (f.waived, "waived")) if n]
    if judged:
        sentences.append(", ".join(judged) + ".")
    if f.fixable or f.unsafe_fixable:
        ways = [f"{n} by {flag}" for n, flag in ((f.fixable, "--fix"), (f.unsafe_fixable, "--unsafe-fixes")) if n]
        sentences.append(f"Can be fixed: {', '.join(ways)}.")
    return " ".join(sentences)


def not_looked_at(incomplete: Iterable[Incomplete]) -> str:
    """`charts/web (helm chart), 5 templates (a, b, c, ...)`: what was left out without being lost; or `nothing`.

    Sources of one reason are named up to three and counted beyond.
    """
    groups: dict[str, list[Incomplete]] = {}
    for each in incomplete:
        if not each.lost:
            groups.setdefault(each.reason, []).append(each)
    parts: list[str] = []
    for reason, group in groups.items():
        one, several = REASONS[reason]
        if len(group) <= _NAMED:
            parts += [f"{i.source} ({one})" for i in group]
        else:
            parts.append(f"{len(group)} {several} ({', '.join(i.source for i in group[:_NAMED])}, ...)")
    return ", ".join(parts) or "nothing"


def unseen_sentence(report: Report) -> str:
    """`Not looked at: charts/web (helm chart). References that cannot be judged: 5.` Never empty."""
    return (
        f"Not looked at: {not_looked_at(report.incomplete)}. "
        f"References that cannot be judged: {report.counts.unknown_references or 'none'}."
    )


def lost_sentences(incomplete: Iterable[Incomplete]) -> list[str]:
    """One sentence for each input that was asked for and is lost; such a run proves nothing about it."""
    return [f"Lost: {i.source} ({REASONS[i.reason][0]}): {i.message.rstrip('.')}." for i in incomplete if i.lost]
