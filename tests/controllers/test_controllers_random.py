"""No value from a manifest, however odd, makes these models of the controllers raise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.arguments import (
    argument_problems,
    declared_names,
    merge_conflicts,
    placeholders_in,
    unterminated_in,
    used_names,
)
from rolloutlint.controllers.metrics import effective_count, providers_of, validate_metrics
from rolloutlint.controllers.pause import pause_duration
from rolloutlint.controllers.replicas import canary_scale, desired_weight, fenceposts, real_share
from rolloutlint.controllers.traffic import (
    HEADER_ROUTES,
    max_traffic_weight,
    requires_canary_stable_services,
    routers,
    supporting,
)
from rolloutlint.settings import Targets, Version

_KEYS = [
    "name",
    "value",
    "valueFrom",
    "secretKeyRef",
    "fieldRef",
    "podTemplateHashValue",
    "count",
    "interval",
    "initialDelay",
    "failureLimit",
    "provider",
    "plugin",
    "prometheus",
    "trafficRouting",
    "istio",
    "destinationRule",
    "plugins",
    "pingPong",
    "maxTrafficWeight",
    "setWeight",
    "setCanaryScale",
    "replicas",
    "weight",
    "matchTrafficWeight",
]

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["1m", "25%", "5", "{{args.x}}", "{{", "Latest"])
)
_trees = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=6),
    max_leaves=15,
)
_args = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("xy")}, optional={"value": _leaves, "valueFrom": _trees})
)
_targets = st.builds(Targets, rollouts=st.builds(Version, st.just(1), st.integers(3, 10)))


@settings(max_examples=300, deadline=None)
@given(_trees, st.lists(_trees, max_size=4), _targets)
def test_random_values_never_raise(value: object, values: list[object], targets: Targets) -> None:
    validate_metrics(value, targets)
    validate_metrics(values, targets)
    effective_count(value)
    providers_of(value, targets)
    pause_duration(value)
    fenceposts(value, values, 10)
    real_share(value, 50, None, None)
    real_share(10, value, value, None)
    canary_scale(values, 2)
    desired_weight(values, 2)
    max_traffic_weight(value)
    routers(value)
    supporting(value, HEADER_ROUTES, targets)
    requires_canary_stable_services(value, targets)


@settings(max_examples=300, deadline=None)
@given(_trees | _args, _trees | _args, _trees, st.sampled_from(["inline", "background"]))
def test_random_arguments_never_raise(template: object, rollout: object, metrics: object, analysis: object) -> None:
    argument_problems(template, rollout, metrics, "inline" if analysis == "inline" else "background", [rollout])
    merge_conflicts([template, rollout])
    declared_names(template)
    placeholders_in(metrics)
    unterminated_in(metrics)
    used_names(metrics)
