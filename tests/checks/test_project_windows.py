"""RL642 to RL644 against sync windows of every shape."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.settings import Settings
from tests.harness import lint

FAMILY = Settings(select=("RL642", "RL643", "RL644"))
ABSENT = object()
FINE = {"kind": "allow", "schedule": "0 8 * * 1-5", "duration": "8h", "applications": ["*"]}


def project(windows: Any) -> dict[str, Any]:
    metadata = {"name": "shop", "namespace": "argocd"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": metadata,
        "spec": {"syncWindows": windows},
    }


def report(*objects: dict[str, Any]) -> Any:
    result = lint(yaml.safe_dump_all(objects, sort_keys=False), FAMILY)
    assert not result.lost
    return result


def window(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**FINE, **changes}.items() if value is not ABSENT}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"schedule": "0 8 * * 7"}, ("RL642", ".schedule")),
        ({"schedule": "@daily"}, ("RL642", ".schedule")),
        ({"schedule": "0 0 8 * * *"}, ("RL642", ".schedule")),
        ({"schedule": ABSENT}, ("RL642", "")),
        ({"schedule": ""}, ("RL642", ".schedule")),
        ({"duration": "1d"}, ("RL642", ".duration")),
        ({"duration": ABSENT}, ("RL642", "")),
        ({"schedule": None}, ("RL642", ".schedule")),
        ({"schedule": 8}, None),
        ({"schedule": "TZ=Asia/Tokyo 0 8 * * *"}, None),
        ({"schedule": "{{ schedule }}"}, None),
        ({"schedule": "0 8 * * 7", "applications": ABSENT}, ("RL644", "")),
        ({"schedule": "0 8 * * 7", "kind": "deny"}, ("RL642", ".schedule")),
        ({"schedule": "0 0 31 2 *"}, ("RL643", ".schedule")),
        ({"schedule": "0 0 30,31 2 *", "kind": "deny"}, ("RL643", ".schedule")),
        ({"schedule": "0 0 31 2 1"}, None),  # a Monday in February is enough
        ({"schedule": "0 0 29 2 *"}, None),
        ({"kind": "Deny"}, ("RL644", ".kind")),
        ({"kind": "block"}, ("RL644", ".kind")),
        ({"kind": ABSENT}, None),
        ({"applications": []}, ("RL644", "")),
        ({"applications": [], "clusters": ["in-cluster"]}, None),
        ({"applications": ABSENT, "namespaces": ["shop"]}, None),
        ({"applications": "shop"}, None),
    ],
)
def test_windows_that_do_something_else_than_they_say(changes: dict[str, Any], expected: tuple[str, str] | None):
    found = [(f.finding.rule, f.path) for f in report(project([FINE, window(**changes)])).active]
    assert found == ([(expected[0], f"spec.syncWindows[1]{expected[1]}")] if expected else [])


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"schedule": "0 8 * * 7"}, "0 8 * * 0"),
        ({"schedule": "@weekly"}, "0 0 * * 0"),
        ({"schedule": "0 8 * *"}, None),
        ({"schedule": "61 8 * * 7"}, None),
        ({"duration": "1d"}, "24h"),
        ({"duration": "long"}, None),
        ({"kind": " DENY"}, "deny"),
        ({"kind": "no"}, None),
    ],
)
def test_what_can_only_have_been_meant_is_offered(changes: dict[str, Any], value: str | None):
    (found,) = report(project([window(**changes)])).active
    assert (found.finding.fix.edits[0].value if found.finding.fix else None) == value


def test_a_denial_for_ever_and_a_permission_for_ever_are_told_apart():
    never = {"schedule": "0 0 31 2 *"}
    deny, allow = report(project([window(**never, kind="deny"), window(**never)])).active
    assert "by itself any more" in deny.finding.consequence
    assert "at any time" in allow.finding.consequence


def test_a_project_inside_a_list_is_found_too():
    items = {"apiVersion": "v1", "kind": "List", "items": [project([FINE]), project([window(kind="Deny")])]}
    assert [f.path for f in report(items).active] == ["items[1].spec.syncWindows[0].kind"]


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.sampled_from(["", "* * * * *", "0 0 31 2 *", "1h", "deny", "{{ x }}"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FINE, "timeZone"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(trees)
def test_no_window_crashes_the_checks(windows: Any):
    report(project(windows), project([windows]))
