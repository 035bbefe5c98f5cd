"""Sync options and policy: what Argo CD reads, and what it silently passes over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.controllers.sync_options import (
    applies_server_side,
    classify,
    diff_strategy,
    policy,
    resource_options,
    split_annotation,
)

APPLICATION_OPTIONS = [
    "Validate=false",
    "CreateNamespace=true",
    "PrunePropagationPolicy=foreground",
    "PruneLast=true",
    "Replace=true",
    "ServerSideApply=true",
    "ApplyOutOfSyncOnly=true",
    "RespectIgnoreDifferences=true",
    "FailOnSharedResource=true",
    "ClientSideApplyMigration=false",
    "SkipDryRunOnMissingResource=true",
    "Prune=false",
    "Delete=confirm",
]


@pytest.mark.parametrize("text", APPLICATION_OPTIONS)
def test_the_documented_options_are_valid_in_an_application(text: str):
    assert classify(text).verdict == "valid"


@pytest.mark.parametrize("text", ["Force=true", "ServerSideApply=false", "Replace=true", "PruneLast=true"])
def test_the_documented_options_are_valid_on_a_resource(text: str):
    assert classify(text, "resource").verdict == "valid"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("Force=true", "application"),
        ("RespectIgnoreDifferences=true", "resource"),
        ("ApplyOutOfSyncOnly=true", "resource"),
        ("CreateNamespace=true", "resource"),
        ("FailOnSharedResource=true", "resource"),
        ("PrunePropagationPolicy=orphan", "resource"),
    ],
)
def test_an_option_at_the_wrong_level_is_told_apart(text: str, level: Any):
    assert classify(text, level).verdict == "wrong-level"


@pytest.mark.parametrize("text", ["Validate=true", "ServerSideApply=false", "Replace=false", "CreateNamespace=false"])
def test_a_default_written_down_does_nothing(text: str):
    assert classify(text).verdict == "no-op"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("RespectIgnoreDifferences=True", "RespectIgnoreDifferences=true"),
        ("ServerSideApply = true", "ServerSideApply=true"),
        ("PruneLast", "PruneLast=true"),
        ("pruneLast=true", "PruneLast=true"),
        ("ApplyOutOfSyncOnly: true", "ApplyOutOfSyncOnly=true"),
        ("apply-out-of-sync-only=true", "ApplyOutOfSyncOnly=true"),
        (" CreateNamespace=true", "CreateNamespace=true"),
        ("CreateNamespace=yes", "CreateNamespace=true"),
        ("PrunePropagationPolicy=Foreground", "PrunePropagationPolicy=foreground"),
    ],
)
def test_a_near_miss_is_unknown_to_argo_cd_and_known_to_us(text: str, meant: str):
    option = classify(text)
    assert (option.verdict, option.suggestion) == ("unknown", meant)


@pytest.mark.parametrize("text", ["SelfHeal=true", "", "=", "Prune", "Validate", "PrunePropagationPolicy=never"])
def test_an_invented_option_has_no_suggestion(text: str):
    option = classify(text)
    assert (option.verdict, option.suggestion) == ("unknown", None)


def test_an_annotation_is_split_at_commas_and_trimmed():
    assert split_annotation("Prune=false, Replace=true,,") == ("Prune=false", "Replace=true")


@pytest.mark.parametrize(
    ("automated", "enabled"),
    [({}, True), ({"enabled": None}, True), ({"enabled": True}, True), ({"enabled": False}, False), (None, False)],
)
def test_automated_is_on_unless_it_is_absent_or_says_false(automated: Any, enabled: bool):
    assert policy({"syncPolicy": {"automated": automated}}).automated is enabled


def test_self_heal_and_prune_need_automated_to_be_on():
    off = policy({"syncPolicy": {"automated": {"enabled": False, "selfHeal": True, "prune": True}}})
    on = policy({"syncPolicy": {"automated": {"selfHeal": True}}})
    assert (off.self_heal, off.prune) == (False, False)
    assert (on.self_heal, on.prune) == (True, False)


def application(*options: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"annotations": {f"argocd.argoproj.io/{key}": value for key, value in annotations.items()}},
        "spec": {"syncPolicy": {"syncOptions": list(options)}},
    }


def resource(options: str) -> dict[str, Any]:
    return {"metadata": {"annotations": {"argocd.argoproj.io/sync-options": options}}}


def test_a_misspelt_option_is_not_switched_on():
    assert not policy(application("RespectIgnoreDifferences=True")["spec"]).respect_ignore_differences


def test_without_options_the_diff_is_three_way():
    assert diff_strategy(application()) == "three-way"


def test_server_side_apply_makes_the_diff_structured_merge():
    assert diff_strategy(application("ServerSideApply=true")) == "structured-merge"
    assert diff_strategy(application(), resource("ServerSideApply=true")) == "structured-merge"


def test_opting_a_resource_out_of_server_side_apply_leaves_its_diff_structured_merge():
    app, manifest = application("ServerSideApply=true"), resource("ServerSideApply=false")
    assert diff_strategy(app, manifest) == "structured-merge"
    assert not applies_server_side(app, manifest)


def test_server_side_diff_is_asked_for_on_the_application():
    app = application("ServerSideApply=true", **{"compare-options": "ServerSideDiff=true,IncludeMutationWebhook=true"})
    assert diff_strategy(app) == "server-side"


def test_replace_beats_server_side_apply():
    assert not applies_server_side(application("ServerSideApply=true", "Replace=true"))


TREES = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["ServerSideApply=true", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "syncPolicy", "automated", "syncOptions", "metadata", "annotations"]), inner
        )
    ),
    max_leaves=10,
)


@given(TREES, TREES)
def test_any_application_and_resource_give_an_answer(app: Any, manifest: Any):
    policy(app)
    resource_options(manifest)
    assert diff_strategy(app, manifest) in ("three-way", "structured-merge", "server-side")
    assert applies_server_side(app, manifest) in (True, False)


@given(st.text(max_size=20))
def test_any_text_is_classified(text: str):
    assert classify(text, "resource").verdict in ("valid", "no-op", "wrong-level", "unknown")
