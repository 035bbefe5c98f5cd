"""Whatever stands in a metric or a step, a simulation has an answer, and soon."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.report.simulation import FORMATS
from rolloutlint.simulate.simulation import simulate
from tests.simulate.linking import NGINX, canary, maybe_planned, metric, template

COUNTS = st.sampled_from(("-1", "0", "1", "3", "x", "'{{args.n}}'", "1000000000", "null", "2.5", "[1]"))
TIMES = st.sampled_from(("0s", "-5s", "1ns", "7ms", "10s", "61s", "1h", "x", "'${T}'", "null", "5", "{}"))
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("interval", "initialDelay"), TIMES),
        **dict.fromkeys(
            ("count", "failureLimit", "inconclusiveLimit", "consecutiveErrorLimit", "consecutiveSuccessLimit"), COUNTS
        ),
    },
).map(lambda fields: ", ".join(f"{name}: {value}" for name, value in fields.items()))
REQUIRED = (
    "{experiment: {duration: 5m, templates: [], "
    "analyses: [{name: a, templateName: checks, requiredForCompletion: true}]}}"
)
STEPS = st.lists(
    st.sampled_from(
        (
            "{setWeight: 20}",
            "{setWeight: 0}",
            "{pause: {}}",
            "{pause: {duration: 1h}}",
            "{pause: {duration: '${P}'}}",
            "{pause: {duration: 2000h}}",
            "{analysis: {templates: [{templateName: checks}]}}",
            "{analysis: {templates: []}}",
            REQUIRED,
            "{experiment: {templates: [{name: a, specRef: canary}], analyses: [{name: a, templateName: checks}]}}",
            "{plugin: {name: x}}",
            "{setCanaryScale: {replicas: 1}}",
        )
    ),
    min_size=1,
    max_size=5,
)
BESIDE = "analysis: {templates: [{templateName: checks}]}"


@given(FIELDS, STEPS, st.booleans(), st.sampled_from(("1", "7", "'${N}'", "-3", "0")), st.sampled_from(("1.5", "1.9")))
@settings(deadline=None, max_examples=120)
def test_a_simulation_has_an_answer_in_every_format(
    fields: str, steps: list[str], beside: bool, replicas: str, release: str
) -> None:
    strategy = ", ".join(filter(None, (NGINX, BESIDE if beside else "")))
    plan = maybe_planned(
        canary(", ".join(steps), strategy, f"replicas: {replicas}"), template(metric(fields)), release=release
    )
    if plan is None:
        return
    found = simulate(plan)
    assert found.endings
    assert all(ending.at.least >= 0 for ending in found.endings)
    for form in FORMATS.values():
        assert form([found], True)
