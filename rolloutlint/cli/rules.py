"""`rolloutlint explain` and `rolloutlint rules`: the catalogue for people and programs."""

from __future__ import annotations

import json
import sys

import click

from rolloutlint.catalogue import Rule, load_catalogue, page_body
from rolloutlint.errors import UsageError


def _as_json(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.name,
        "summary": rule.summary,
        "severity": rule.severity,
        "precision": rule.precision,
        "stability": rule.stability,
        "since": rule.since,
        "applies_to": list(rule.applies_to),
        "needs": list(rule.needs),
        "targets": dict(rule.targets),
        "profiles": list(rule.profiles),
        "fix": rule.fix,
    }


@click.command()
@click.argument("rule")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def explain(rule: str, form: str) -> int:
    """Show the page of RULE (an id such as RL101, or a name): what, why, examples, remedy."""
    catalogue = load_catalogue()
    found = catalogue.match(rule)
    if len(found) != 1:
        from rolloutlint.lang.names import near

        names = [*catalogue.rules, *(r.name for r in catalogue.rules.values())]
        hint = near(rule, names)
        raise UsageError(f"no rule `{rule}`" + (f" (did you mean `{hint}`?)" if hint else ": see `rolloutlint rules`"))
    page = catalogue.rules[found[0]]
    if form == "json":
        click.echo(json.dumps({**_as_json(page), "page": page_body(page)}, indent=2))
        return 0
    profiles = ", ".join(page.profiles) or "none"
    facts = f"{page.id}  {page.severity}, {page.stability}, in profile {profiles}, fix: {page.fix}"
    sys.stdout.write(f"{facts}\n\n{page_body(page)}")
    return 0


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option("--profile", default="", help="Only the rules of this profile.")
def rules(form: str, profile: str) -> int:
    """List the rules."""
    catalogue = load_catalogue()
    if profile and profile not in catalogue.profiles:
        raise UsageError(f"--profile: unknown profile `{profile}`: choose from {', '.join(catalogue.profiles)}")
    wanted = catalogue.in_profile(profile) if profile else frozenset(catalogue.rules)
    listed = [r for r in catalogue.rules.values() if r.id in wanted]
    if form == "json":
        click.echo(json.dumps([_as_json(r) for r in listed], indent=2))
        return 0
    width = max((len(r.name) for r in listed), default=0)
    for rule in listed:
        click.echo(f"{rule.id}  {rule.severity:<7}  {rule.name:<{width}}  {rule.summary}")
    return 0
