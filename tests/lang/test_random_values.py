"""No value from a manifest, however odd, makes a function of `lang` raise."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.lang.duration import parse_duration
from rolloutlint.lang.intstr import atoi, int_value, scaled_value
from rolloutlint.lang.names import is_dns1123_subdomain, is_label_value, is_qualified_name, near
from rolloutlint.lang.placeholder import placeholders, unterminated
from rolloutlint.lang.quantity import parse_quantity
from rolloutlint.lang.selector import matches_map, matches_selector

_keys = st.sampled_from(["matchLabels", "matchExpressions", "key", "operator", "values", "app"]) | st.text(max_size=5)
_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["In", "Exists", "1h", "25%", "1Gi", "{{args.x}}", "{{"])
)
_trees = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4), max_leaves=12
)


@settings(max_examples=300, deadline=None)
@given(_trees, _trees)
def test_random_values_never_raise(value: object, other: object) -> None:
    for function in (parse_duration, atoi, int_value, parse_quantity, placeholders, unterminated):
        function(value)
    for predicate in (is_dns1123_subdomain, is_label_value, is_qualified_name):
        assert predicate(value) in (True, False)
    scaled_value(value, 7, True)
    near(value, ["app", "matchLabels"])
    assert matches_map(value, other) in (True, False, None)
    assert matches_selector(value, other) in (True, False, None)
