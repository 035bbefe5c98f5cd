"""Reports made by hand, without loading any YAML, also with names that attack whatever prints them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from rolloutlint.catalogue import Rule
from rolloutlint.finding import (
    Counts,
    DocumentId,
    Edit,
    Finding,
    Fix,
    Incomplete,
    Place,
    ResourceId,
    SettledFinding,
    SettledRelated,
    Severity,
    Span,
    TextEdit,
)
from rolloutlint.result import Report

TEMPLATE = "apps/api/analysis-template.yaml"
QUERY = 'sum(rate(http_requests_total{status=~"5.."}[2m])) / sum(rate(http_requests_total[2m]))'
TEXT = f"""\
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata:
  name: success-rate
spec:
  metrics:
  - name: success-rate
    successCondition: result[0] <= 0.05
    provider:
      prometheus:
        query: |
          {QUERY}
"""
LINES = TEXT.split("\n")

NASTY_NAMES = (
    "x\n::error file=a::pwned",
    "::error file=a::pwned",
    "##[add-mask]x",
    "\x1b[31mred\x1b[0m",
    "\x9b31m",
    "pay‮lmay.exe⁦",
    "]]>",
    "a|b",
    "`tick`",
    "<img src=x onerror=alert(1)>",
    "[click](http://evil.example)",
    "@octocat $x$ 100%, a:b",
    "\x00\x0b\ufffe",
    "\udc80",
    "名前",
)


def rule(identity: str, severity: Severity = "error", **fields: Any) -> Rule:
    """A rule without a page."""
    values: dict[str, Any] = {
        "id": identity,
        "name": {"RL402": "empty-result-aborts", "RL201": "canary-service-missing"}.get(
            identity, f"rule-{identity.lower()}"
        ),
        "summary": f"What {identity} finds.",
        "severity": severity,
        "precision": "high",
        "stability": "stable",
        "since": "0.1.0",
        "applies_to": ("argoproj.io/Rollout",),
        "needs": (),
        "targets": {},
        "profiles": ("recommended",),
        "fix": "none",
        "messages": {},
        "page": "",
    }
    return Rule(**{**values, **fields})


def resource(kind: str = "Rollout", name: str = "cart", namespace: str = "shop") -> ResourceId:
    return ResourceId("argoproj.io", "v1alpha1", kind, namespace, name)


CART = resource()
SERVICE = Span(12, 22, 12, 33)


def finding(
    identity: str = "RL201",
    *,
    severity: Severity = "error",
    file: str = "apps/cart/rollout.yaml",
    span: Span = SERVICE,
    message: str = "Service `cart-canary` is not defined",
    consequence: str = "The rollout stops with `InvalidSpec`.",
    remedy: str = "Define the Service or name one that exists.",
    about: ResourceId | None = CART,
    fix: Fix | None = None,
    number: int = 0,
    **settled: Any,
) -> SettledFinding:
    """A settled finding; `settled` are further fields of `SettledFinding`."""
    told = Finding(identity, Place(DocumentId(file, number)), message, consequence, remedy, about, fix=fix)
    marks = f"{identity} {file} {span} {message} {number}".encode("utf-8", "replace")
    values: dict[str, Any] = {
        "name": rule(identity).name,
        "severity": severity,
        "file": file,
        "span": span,
        "path": "spec.strategy.canary.canaryService",
        "fingerprint": hashlib.sha256(marks).hexdigest()[:32],
    }
    return SettledFinding(told, **{**values, **settled})


def aborts(**settled: Any) -> SettledFinding:
    """The finding of the sketch: related places in the file and elsewhere, an unsafe fix, source lines."""
    start = TEXT.index("result[0]")
    template = Place(DocumentId(TEMPLATE, 0))
    return finding(
        "RL402",
        file=TEMPLATE,
        span=Span(8, 23, 8, 32),
        message="Query is empty until a 5xx series exists, and `result[0]` then errors",
        consequence="A healthy canary is aborted after about 40 s.",
        remedy="Give the query a value for no data, and test `len(result) > 0` first.",
        about=resource("AnalysisTemplate", "success-rate", "production"),
        fix=Fix("Test the length first", "unsafe", (Edit("replace", template, "x"),)),
        **{
            "path": "spec.metrics[0].successCondition",
            "edits": (TextEdit(TEMPLATE, start, start, "len(result) > 0 && "),),
            "lines": {8: LINES[7]},
            "related": (
                SettledRelated(TEMPLATE, Span(12, 11, 12, 60), "empty when no request has failed yet"),
                SettledRelated(
                    "apps/api/rollout.yaml",
                    Span(41, 9, 41, 20),
                    "used by step 3 (weight 20)",
                    resource("Rollout", "api-service", "production"),
                ),
            ),
            "related_lines": ({11: LINES[10], 12: LINES[11]}, {}),
            **settled,
        },
    )


def missing(**settled: Any) -> SettledFinding:
    """A finding with a trail over three files."""
    return finding(
        trail=(
            SettledRelated("apps/cart/rollout.yaml", Span(12, 22, 12, 33), "names the Service", resource()),
            SettledRelated("apps/cart/vs.yaml", Span(9, 15, 9, 20), "routes to it", resource("VirtualService", "cart")),
        ),
        **settled,
    )


def report(findings: Sequence[SettledFinding] = (), **fields: Any) -> Report:
    """A report on these findings, with the rules they need and one that found nothing."""
    identities = sorted({f.finding.rule for f in findings} | {"RL101"})
    values: dict[str, Any] = {
        "incomplete": (),
        "counts": Counts(files=9, documents=14, resources=12),
        "rules": {i: rule(i) for i in identities},
        "tool_version": "0.1.0",
        "sources": {TEMPLATE: TEXT},
    }
    return Report(tuple(findings), **{**values, **fields})


def incomplete(source: str = "charts/web", reason: Any = "chart", **fields: Any) -> Incomplete:
    return Incomplete(source, reason, fields.pop("message", "helm is not installed"), **fields)


def full() -> Report:
    """A bit of everything: severities, dispositions, fixes, collapse, things not looked at, unknowns."""
    many = [
        finding("RL105", severity="warning", span=Span(n, 1, n, 9), number=n, message=f"Step {n} has no pause")
        for n in range(1, 9)
    ]
    whole = finding("RL901", severity="note", file="", span=Span(1, 1, 1, 1), about=None, message="No config")
    return report(
        [
            aborts(),
            missing(),
            *many,
            whole,
            finding("RL106", disposition="suppressed", reason="agreed with SRE"),
            finding("RL107", disposition="waived", reason="until the new mesh is there"),
        ],
        incomplete=(
            incomplete(),
            *(incomplete(f"values/{n}.yaml", "not-kubernetes", message="no kind") for n in range(5)),
            incomplete("apps/huge.yaml", "too-large", message="12 MB, the limit is 10 MB", lost=True),
        ),
        counts=Counts(files=9, documents=14, resources=12, unknown_references=4),
    )


def nasty() -> Report:
    """Every hostile name as file, resource, message, reason and snippet of a finding."""
    findings = [
        finding(
            file=f"apps/{number}-{name}.yaml",
            about=resource(name=name),
            message=f"Service `{name}` is not defined",
            consequence=f"{name} stops.",
            lines={12: f"    canaryService: {name}"},
            related=(SettledRelated(f"{name}.yaml", Span(1, 1, 1, 2), f"{name} is here", resource(name=name)),),
            trail=(SettledRelated(f"{name}.yaml", Span(1, 1, 1, 2), f"{name} uses it", resource(name=name)),),
            reason=name,
        )
        for number, name in enumerate(NASTY_NAMES)
    ]
    return report(findings, incomplete=tuple(incomplete(name, message=name) for name in NASTY_NAMES))
