from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rolloutlint.controllers.sync_options import Policy
from rolloutlint.controllers.sync_order import IS_HOOK, IS_SKIPPED, PRUNE_FALSE, PRUNE_OFF, Item, Order, sync_order
from rolloutlint.controllers.sync_waves import is_hook
from rolloutlint.settings import Version

WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
POLICY = "argocd.argoproj.io/hook-delete-policy"
OPTIONS = "argocd.argoproj.io/sync-options"
HELM = "helm.sh/hook"
GROUPS = {
    "Rollout": "argoproj.io",
    "AnalysisTemplate": "argoproj.io",
    "VirtualService": "networking.istio.io",
    "DestinationRule": "networking.istio.io",
    "Deployment": "apps",
    "Ingress": "networking.k8s.io",
    "HorizontalPodAutoscaler": "autoscaling",
    "Job": "batch",
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "ClusterRole": "rbac.authorization.k8s.io",
}
CLUSTER = ("Namespace", "CustomResourceDefinition", "ClusterRole")


def new(name: str, annotations: Mapping[str, str] | None = None, namespace: str = "shop", defines: str = "") -> Item:
    """An object that Git has and the cluster does not: `Service/cart`."""
    kind, _, text = name.partition("/")
    where = "" if kind in CLUSTER else namespace
    return Item(GROUPS.get(kind, ""), kind, where, text, annotations or {}, {}, True, False, defines)


def old(name: str, annotations: Mapping[str, str] | None = None, namespace: str = "shop") -> Item:
    """An object that the cluster has and Git does not."""
    item = new(name, {}, namespace)
    return item._replace(live_annotations=annotations or {}, in_target=False, in_live=True)


def both(name: str, annotations: Mapping[str, str] | None = None, live: Mapping[str, str] | None = None) -> Item:
    item = new(name, annotations)
    return item._replace(live_annotations=(annotations or {}) if live is None else live, in_live=True)


def wave(number: object) -> dict[str, str]:
    return {WAVE: str(number)}


def hook(*phases: str, **more: str) -> dict[str, str]:
    return {HOOK: ",".join(phases)} | more


def names(items: list[Item], order: Order) -> list[tuple[str, int, list[str], list[list[str]]]]:
    """The steps with names: phase, wave, prunes, groups (sorted, as their order is open)."""
    return [
        (
            step.phase,
            step.wave,
            sorted(items[n].name for n in step.prunes),
            [sorted(items[n].name for n in group) for group in step.groups],
        )
        for step in order.steps
    ]


def run(items: list[Item], *options: str, prune: bool = True, namespace: str = "shop", created: bool = False) -> Order:
    policy = Policy(options=frozenset(options))
    return sync_order(items, policy, prune=prune, namespace=namespace, creates_namespace=created)


def applied(*items: Item) -> list[tuple[str, int, list[list[str]]]]:
    given_items = list(items)
    return [(phase, number, groups) for phase, number, _, groups in names(given_items, run(given_items))]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param(
            [new("Job/b", hook("PostSync")), new("Service/a"), new("Job/c", hook("PreSync"))],
            [("PreSync", 0, [["c"]]), ("Sync", 0, [["a"]]), ("PostSync", 0, [["b"]])],
            id="phases in order",
        ),
        pytest.param(
            [new("Rollout/late", wave(2)), new("Rollout/zero"), new("Rollout/early", wave(-1))],
            [("Sync", -1, [["early"]]), ("Sync", 0, [["zero"]]), ("Sync", 2, [["late"]])],
            id="waves as numbers",
        ),
        pytest.param(
            [new("Service/a", wave("1.5")), new("Service/b", {WAVE: "x", "helm.sh/hook-weight": "3"})],
            [("Sync", 0, [["a"]]), ("Sync", 3, [["b"]])],
            id="a wave that is no integer counts for nothing, a helm weight for a wave",
        ),
        pytest.param(
            [new("Rollout/a"), new("Ingress/b"), new("Service/c"), new("ConfigMap/d"), new("Deployment/e")],
            [("Sync", 0, [["d"], ["c"], ["e"], ["b"], ["a"]])],
            id="kinds in order, what nobody knows last",
        ),
        pytest.param(
            [new("Rollout/b"), new("AnalysisTemplate/c"), new("Rollout/a"), new("VirtualService/d")],
            [("Sync", 0, [["a", "b"], ["c"], ["d"]])],
            id="custom resources by name only",
        ),
        pytest.param(
            [new("Rollout/a"), new("VirtualService/b"), new("Rollout/c")],
            [("Sync", 0, [["a"], ["b"], ["c"]])],
            id="a group is a run of one kind",
        ),
        pytest.param(
            [new("Rollout/web"), new("VirtualService/web"), new("DestinationRule/web"), new("Rollout/a")],
            [("Sync", 0, [["a"], ["web", "web", "web"]])],
            id="one name and no order of kinds: one group",
        ),
        pytest.param(
            [new("Service/web", namespace="b"), new("Service/web", namespace="a"), new("Service/zoo")],
            [("Sync", 0, [["web", "web", "zoo"]])],
            id="one kind and name in two namespaces",
        ),
        pytest.param(
            [new("Rollout/B"), new("Rollout/a"), new("Job/x", hook("Sync"))],
            [("Sync", 0, [["x"], ["B", "a"]])],
            id="hooks of the Sync phase stand among the objects",
        ),
        pytest.param(
            [new("Namespace/shop", wave(5)), new("Service/a", wave(1)), new("Service/b", wave(2))],
            [("Sync", 1, [["shop"], ["a"]]), ("Sync", 2, [["b"]])],
            id="a namespace goes before the first object in it",
        ),
        pytest.param(
            [new("Namespace/shop"), new("Job/a", hook("PreSync"))],
            [("PreSync", 0, [["shop"], ["a"]])],
            id="and into its phase",
        ),
        pytest.param(
            [new("Namespace/shop", wave(3)), new("ClusterRole/a", wave(1))],
            [("Sync", 1, [["shop"], ["a"]])],
            id="what is in no namespace counts as in the Application's",
        ),
        pytest.param(
            [new("CustomResourceDefinition/r", wave(4), defines="argoproj.io/Rollout"), new("Rollout/a", wave(1))],
            [("Sync", 1, [["r"], ["a"]])],
            id="a definition goes before what it defines",
        ),
        pytest.param(
            [new("CustomResourceDefinition/r", wave(4), defines="argoproj.io/Other"), new("Rollout/a", wave(1))],
            [("Sync", 1, [["a"]]), ("Sync", 4, [["r"]])],
            id="another definition stays",
        ),
        pytest.param(
            [new("Job/a", hook("PreSync", "PostSync")), new("Service/s")],
            [("PreSync", 0, [["a"]]), ("Sync", 0, [["s"]]), ("PostSync", 0, [["a"]])],
            id="a hook in two phases",
        ),
        pytest.param(
            [new("Job/a", hook("SyncFail") | wave(2)), new("Job/b", hook("SyncFail")), new("Service/s")],
            [("Sync", 0, [["s"]]), ("SyncFail", 0, [["a", "b"]])],
            id="waves do not divide what runs after a failure",
        ),
        pytest.param(
            [
                new("Job/a", {HELM: "pre-install,pre-upgrade"}),
                new("Job/b", {HELM: "post-install", "helm.sh/hook-weight": "-2"}),
                new("CustomResourceDefinition/c", {HELM: "crd-install"}),
            ],
            [("PreSync", 0, [["a"]]), ("Sync", 0, [["c"]]), ("PostSync", -2, [["b"]])],
            id="hooks of helm",
        ),
        pytest.param(
            [new("Job/a", {HELM: "pre-install", HOOK: "PostSync"}), new("Job/b", {HELM: "pre-install", HOOK: "x"})],
            [("PreSync", 0, [["b"]]), ("PostSync", 0, [["a"]])],
            id="a valid hook of Argo CD beats helm's, an invalid one does not",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_the_order_in_which_objects_are_applied(
    items: list[Item], expected: list[tuple[str, int, list[list[str]]]]
) -> None:
    assert applied(*items) == expected


@pytest.mark.parametrize(
    "annotations",
    [
        hook("Presync"),
        hook("post-sync"),
        hook(""),
        hook("Skip"),
        hook("PreDelete"),
        hook("PostDelete"),
        {HELM: "test"},
        {HELM: "pre-rollback"},
        {HELM: "pre-delete"},
    ],
)
def test_an_object_whose_hook_no_sync_runs_is_ignored(annotations: dict[str, str]) -> None:
    order = run([new("Service/s"), new("Job/a", annotations)])
    assert order.ignored == (1,)
    assert [step.groups for step in order.steps] == [((0,),)]


def test_the_live_copy_of_an_ignored_object_is_pruned() -> None:
    order = run([both("Rollout/cart", hook("Presync"), live={})])
    assert (order.ignored, order.steps[0].prunes) == ((0,), (0,))


def test_skip_keeps_the_live_copy() -> None:
    order = run([both("Rollout/cart", hook("Skip"), live={})])
    assert (order.ignored, order.steps, order.kept) == ((0,), (), ())


def test_skip_beside_another_hook_counts_for_nothing() -> None:
    assert applied(new("Job/a", hook("Skip", "PreSync"))) == [("PreSync", 0, [["a"]])]


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [(hook("PreSync"), IS_HOOK), ({HELM: "test"}, IS_HOOK), (hook("Skip"), IS_SKIPPED)],
)
def test_what_runs_as_a_hook_in_the_cluster_is_not_pruned(annotations: dict[str, str], reason: str) -> None:
    order = run([old("Job/a", annotations)])
    assert (order.kept, order.steps) == (((0, reason),), ())


def test_an_object_that_becomes_a_hook_of_a_later_phase_is_pruned_first() -> None:
    order = run([both("Job/a", hook("PostSync"), live={}), new("Service/s")])
    sync, post_sync = order.steps
    assert (sync.prunes, post_sync.groups, post_sync.hooks_deleted) == ((0,), ((0,),), ())


def test_an_object_that_becomes_a_hook_of_an_earlier_phase_is_replaced_there() -> None:
    order = run([both("Job/a", hook("PreSync"), live={}), new("Service/s")])
    pre_sync, sync = order.steps
    assert (pre_sync.hooks_deleted, pre_sync.groups, sync.prunes) == ((0,), ((0,),), ())


@pytest.mark.parametrize(
    ("policy", "deleted"),
    [
        ({}, True),
        ({POLICY: "BeforeHookCreation"}, True),
        ({POLICY: "HookSucceeded"}, False),
        ({POLICY: "HookFailed,BeforeHookCreation"}, True),
        ({POLICY: "hooksucceeded"}, True),
        ({"helm.sh/hook-delete-policy": "hook-succeeded"}, False),
        ({"helm.sh/hook-delete-policy": "before-hook-creation"}, True),
    ],
)
def test_an_older_hook_is_deleted_before_it_is_created(policy: dict[str, str], deleted: bool) -> None:
    order = run([both("Job/a", hook("PreSync") | policy)])
    assert order.steps[0].hooks_deleted == ((0,) if deleted else ())


def test_the_second_phase_of_a_hook_deletes_what_the_first_created() -> None:
    order = run([new("Job/a", hook("PreSync", "PostSync"))])
    assert [step.hooks_deleted for step in order.steps] == [(), (0,)]


def pruned(*items: Item, options: tuple[str, ...] = ()) -> list[tuple[int, list[str]]]:
    listed = list(items)
    return [(number, gone) for _, number, gone, _ in names(listed, run(listed, *options)) if gone]


def test_prunes_take_the_waves_the_other_way_round() -> None:
    assert pruned(old("Service/a", wave(1)), old("Service/b", wave(2)), old("Service/c", wave(5))) == [
        (1, ["c"]),
        (2, ["b"]),
        (5, ["a"]),
    ]


def test_only_the_waves_of_prunes_are_swapped() -> None:
    assert pruned(old("Service/a", wave(1)), new("Service/b", wave(9)), old("Service/c", wave(5))) == [
        (1, ["c"]),
        (5, ["a"]),
    ]


def test_prunes_come_before_what_is_applied_in_the_same_wave() -> None:
    order = run([new("Service/a"), old("Rollout/b"), old("ConfigMap/c")])
    assert (order.steps[0].prunes, order.steps[0].groups) == ((2, 1), ((0,),))


def test_prune_last_follows_the_last_wave_of_the_sync_phase() -> None:
    items = [old("Service/a"), new("Rollout/b", wave(3)), new("Job/c", hook("PostSync") | wave(7))]
    assert names(items, run(items, "PruneLast=true")) == [
        ("Sync", 3, [], [["b"]]),
        ("Sync", 4, ["a"], []),
        ("PostSync", 7, [], [["c"]]),
    ]


def test_prune_last_counts_in_the_live_object() -> None:
    last = {OPTIONS: "PruneLast=true"}
    assert pruned(old("Service/a", last), old("Service/b"), new("Rollout/c", wave(-3))) == [(0, ["b"]), (1, ["a"])]


WAVES_BEFORE_AND_AFTER = [  # the figures of gitops-engine TestWaveReorderingOfPruneTasks
    ([(0, False), (1, False), (2, False), (3, False)], (), [0, 1, 2, 3]),
    ([(0, True), (1, True), (2, True), (3, True), (4, True)], (), [4, 3, 2, 1, 0]),
    ([(0, False), (1, True), (2, False), (3, True), (4, True)], (), [0, 4, 2, 3, 1]),
    ([(0, False), (1, True), (2, True), (3, True), (4, True)], ("PruneLast=true",), [0, 5, 5, 5, 5]),
    (
        [(-1, False), (1, True), (3, False), (3, True), (3, True), (4, True), (5, False), (5, True)],
        (),
        [-1, 5, 3, 4, 4, 3, 5, 1],
    ),
]


@pytest.mark.parametrize(("tasks", "options", "expected"), WAVES_BEFORE_AND_AFTER)
def test_prunes_get_the_waves_that_gitops_engine_gives_them(
    tasks: list[tuple[int, bool]], options: tuple[str, ...], expected: list[int]
) -> None:
    items = [(old if prune else new)(f"Pod/pod-{n}", wave(number)) for n, (number, prune) in enumerate(tasks)]
    order = run(items, *options)
    waves = {item: number for _, number, item, _ in order_as_tasks(order)}
    assert [waves[n] for n in range(len(items))] == expected


def test_prune_last_is_never_below_wave_one() -> None:
    assert pruned(old("Service/a", wave(-4)), options=("PruneLast=true",)) == [(1, ["a"])]


def test_the_last_wave_is_taken_after_the_swap_of_the_prunes() -> None:
    items = (old("Service/a", wave(-6) | {OPTIONS: "PruneLast=true"}), old("Service/b", wave(2)))
    assert pruned(*items) == [(-6, ["b"]), (3, ["a"])]


@pytest.mark.parametrize(
    ("annotations", "options", "prune", "reason"),
    [
        ({}, (), False, PRUNE_OFF),
        ({OPTIONS: "Prune=false"}, (), True, PRUNE_FALSE),
        ({OPTIONS: "Prune=false"}, (), False, PRUNE_OFF),
        ({OPTIONS: "Validate=false, Prune=false"}, (), True, PRUNE_FALSE),
        ({}, ("Prune=false",), True, PRUNE_FALSE),
        ({OPTIONS: "Prune=true"}, ("Prune=false",), True, ""),
        ({"argocd.argoproj.io/compare-options": "IgnoreExtraneous"}, (), True, ""),
        ({OPTIONS: "Delete=false"}, (), True, ""),
        ({OPTIONS: "Prune=False"}, (), True, ""),
        ({OPTIONS: "Prune=confirm"}, (), True, ""),
    ],
)
def test_what_keeps_an_object_from_being_pruned(
    annotations: dict[str, str], options: tuple[str, ...], prune: bool, reason: str
) -> None:
    order = run([old("Service/a", annotations)], *options, prune=prune)
    assert order.kept == (((0, reason),) if reason else ())
    assert order.steps[0].prunes == (() if reason else (0,))
    assert order.steps[0].kept == ((0,) if reason else ())


def test_the_application_forbids_pruning_since_3_4_only() -> None:
    policy = Policy(options=frozenset(["Prune=false"]))
    assert sync_order([old("Service/a")], policy, prune=True, argocd=Version(3, 3)).steps[0].prunes == (0,)


def test_prune_confirm_stops_its_step_for_a_person() -> None:
    order = run([old("Service/a", {OPTIONS: "Prune=confirm"}), old("Service/b"), new("Rollout/c", wave(1))])
    assert [step.confirms for step in order.steps] == [(0,), ()]


def test_a_kept_object_makes_a_step_that_others_come_before() -> None:
    order = run([old("Service/a", {OPTIONS: "PruneLast=true,Prune=false"}), new("Rollout/b")])
    assert [(step.wave, step.waited, step.kept) for step in order.steps] == [(0, True, ()), (1, False, (0,))]


def waits(*items: Item, options: tuple[str, ...] = ()) -> list[tuple[str, list[str]]]:
    listed = list(items)
    return [(step.phase, [listed[n].name for n in step.waits]) for step in run(listed, *options).steps]


def test_a_single_step_is_not_waited_for() -> None:
    assert waits(new("Rollout/a"), new("Service/b")) == [("Sync", [])]


def test_every_wave_but_the_last_is_waited_for() -> None:
    assert waits(new("Rollout/a"), new("Rollout/b", wave(1)), new("Rollout/c", wave(2))) == [
        ("Sync", ["a"]),
        ("Sync", ["b"]),
        ("Sync", []),
    ]


def test_hooks_are_waited_for_in_the_last_step_too() -> None:
    assert waits(new("Rollout/a"), new("Job/b", hook("PostSync"))) == [("Sync", ["a"]), ("PostSync", ["b"])]


def test_beside_the_only_step_s_hook_nothing_is_waited_for() -> None:
    assert waits(new("Rollout/a"), new("Job/b", hook("Sync"))) == [("Sync", ["b"])]


def test_beside_the_last_step_s_hook_all_is_waited_for() -> None:
    assert waits(new("Rollout/a"), new("Rollout/b", wave(1)), new("Job/c", hook("Sync") | wave(1))) == [
        ("Sync", ["a"]),
        ("Sync", ["c", "b"]),
    ]


def test_a_hook_for_failures_holds_nothing_up() -> None:
    assert waits(new("Rollout/a"), new("Job/b", hook("SyncFail"))) == [("Sync", []), ("SyncFail", ["b"])]


def test_pruned_objects_have_to_be_gone_before_the_next_wave() -> None:
    order = run([old("Service/a"), new("Rollout/b", wave(1))])
    assert [(step.waited, step.waits) for step in order.steps] == [(True, ()), (False, ())]


def test_apply_out_of_sync_only_leaves_equal_objects_out_of_the_waits() -> None:
    same = both("Rollout/a")._replace(unchanged=True)
    items = [same, both("Rollout/b", wave(1))]
    order = run(items, "ApplyOutOfSyncOnly=true")
    assert (order.untouched, [step.groups for step in order.steps]) == ((0,), [((1,),)])
    assert run(items).steps[0].waits == (0,)


def test_apply_out_of_sync_only_never_leaves_hooks_out() -> None:
    item = both("Job/a", hook("PreSync"))._replace(unchanged=True)
    assert run([item], "ApplyOutOfSyncOnly=true").untouched == ()


def test_self_heal_syncs_what_differs_and_runs_no_hooks() -> None:
    items = [both("Rollout/a"), both("Service/b"), new("Job/c", hook("PostSync"))]
    order = sync_order(items, Policy(), prune=False, selected={0, 2})
    assert (order.untouched, [step.groups for step in order.steps]) == ((1, 2), [((0,),)])


def test_the_namespace_is_created_before_the_first_object() -> None:
    order = run([new("Job/a", hook("PreSync") | wave(-5)), new("Service/b")], created=True)
    assert [(step.phase, step.wave, step.creates_namespace) for step in order.steps] == [
        ("PreSync", -5, True),
        ("Sync", 0, False),
    ]


def test_the_namespace_makes_a_step_of_its_own_before_the_sync_phase() -> None:
    order = run([new("Service/b", wave(-9))], created=True)
    assert [(step.phase, step.wave, step.creates_namespace, step.waited) for step in order.steps] == [
        ("PreSync", 0, True, False),
        ("Sync", -9, False, False),
    ]


def test_a_namespace_in_git_is_not_created_twice() -> None:
    order = run([new("Namespace/shop"), new("Service/b")], created=True)
    assert [step.creates_namespace for step in order.steps] == [False]


def test_a_new_namespace_of_the_application_comes_before_earlier_waves_of_others() -> None:
    items = [new("Namespace/shop", wave(2)), new("Service/a", wave(-1), namespace="other"), new("Service/b", wave(1))]
    assert names(items, run(items)) == [
        ("Sync", 1, [], [["shop"]]),
        ("Sync", -1, [], [["a"]]),
        ("Sync", 1, [], [["b"]]),
    ]


RECORDED = [json.loads(line) for line in (Path(__file__).parents[1] / "data/sync-order.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("chunk", range(5))
def test_the_order_is_that_of_gitops_engine(chunk: int) -> None:
    for objects, prune_last, tasks, several in RECORDED[chunk::5]:
        items = [recorded_item(*fields) for fields in objects]
        order = run(items, *(["PruneLast=true"] if prune_last else []))
        assert order_as_tasks(order) == Counter(
            (phase, 0 if phase == "SyncFail" else number, item, prune) for phase, number, item, prune in tasks
        )
        groups = {
            (step.phase, step.wave, item): (n, g)
            for n, step in enumerate(order.steps)
            for g, group in enumerate(step.groups)
            for item in group
        }
        places = [
            (task[:2], groups[task[0], task[1], task[2]]) for task in tasks if not task[3] and task[0] != "SyncFail"
        ]
        assert all(left[0] != right[0] or left[1] <= right[1] for left, right in pairwise(places))
        assert waits_for_all_of_the_end(items, order) in (None, several)


def recorded_item(*fields: Any) -> Item:
    group, kind, namespace, name, target, live, defines = fields
    return Item(group, kind, namespace, name, target or {}, live or {}, target is not None, live is not None, defines)


def order_as_tasks(order: Order) -> Counter[tuple[str, int, int, bool]]:
    """Phase, wave, item, and whether it is pruned, also where it is kept; what runs after a failure has no waves."""
    found: Counter[tuple[str, int, int, bool]] = Counter()
    for step in order.steps:
        at = step.phase, 0 if step.phase == "SyncFail" else step.wave
        found.update((*at, item, True) for item in (*step.prunes, *step.kept))
        found.update((*at, item, False) for group in step.groups for item in group)
    return found


def waits_for_all_of_the_end(items: list[Item], order: Order) -> bool | None:
    """Whether the last step waits for more than its hooks; `None` where it has no hooks, or nothing else."""
    ends = [step for step in order.steps if step.phase != "SyncFail"]
    applied_last = [item for group in ends[-1].groups for item in group] if ends else []
    hooked = [item for item in applied_last if applied_phases(items[item]) and is_hook(items[item].annotations)]
    if not hooked or len(hooked) == len(applied_last):
        return None
    return len(ends[-1].waits) > len(hooked)


annotations = st.dictionaries(
    st.sampled_from([WAVE, HOOK, POLICY, OPTIONS, HELM, "helm.sh/hook-weight"]),
    st.sampled_from(
        [
            "-1",
            "0",
            "2",
            "x",
            "PreSync",
            "Sync",
            "PostSync,PreSync",
            "SyncFail",
            "Skip",
            "pre-install",
            "PruneLast=true",
            "Prune=false",
            "Prune=confirm",
            "HookSucceeded",
            "post-delete",
        ]
    ),
    max_size=3,
)
objects = st.builds(
    lambda kind, name, namespace, target, live, where: Item(
        GROUPS.get(kind, ""),
        kind,
        namespace,
        name,
        target,
        live,
        where != 1,
        where != 0,
        f"argoproj.io/{name}",
        name < "b",
    ),
    st.sampled_from(["Namespace", "Service", "Rollout", "VirtualService", "Job", "CustomResourceDefinition"]),
    st.sampled_from(["a", "b", "shop", "Rollout"]),
    st.sampled_from(["", "shop", "other"]),
    annotations,
    annotations,
    st.integers(0, 2),
)
# An object without a namespace ends in that of the Application, so that both spellings are one object.
several = st.lists(objects, max_size=12, unique_by=lambda item: (item.kind, item.namespace or "shop", item.name))
policies = st.sets(st.sampled_from(["PruneLast=true", "ApplyOutOfSyncOnly=true", "Prune=false"])).map(
    lambda options: Policy(options=frozenset(options))
)


@settings(max_examples=150, deadline=None)
@given(several, policies, st.booleans(), st.booleans())
def test_each_object_is_applied_once_in_each_of_its_phases(
    items: list[Item], policy: Policy, prune: bool, created: bool
) -> None:
    order = sync_order(items, policy, prune=prune, namespace="shop", creates_namespace=created)
    for number, item in enumerate(items):
        phases = [step.phase for step in order.steps for group in step.groups for n in group if n == number]
        moved = item.kind in ("Namespace", "CustomResourceDefinition")
        expected = applied_phases(item)
        if number in order.untouched:
            assert phases == []
        elif moved:
            assert len(phases) == len(expected)
        else:
            assert sorted(phases) == sorted(expected)
        gone = sum(step.prunes.count(number) + step.kept.count(number) for step in order.steps)
        assert gone <= (1 if item.in_live else 0)
        if item.in_live and not item.in_target:
            assert gone == 1 or number in dict(order.kept)


def applied_phases(item: Item) -> list[str]:
    if not item.in_target:
        return []
    if HOOK not in item.annotations and HELM not in item.annotations:
        return ["Sync"]
    known = [h for h in item.annotations.get(HOOK, "").split(",") if h in ("PreSync", "Sync", "PostSync", "SyncFail")]
    if not known and item.annotations.get(HOOK) != "Skip" and item.annotations.get(HELM) == "pre-install":
        return ["PreSync"]
    return known


@settings(max_examples=150, deadline=None)
@given(several, policies, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    items: list[Item], policy: Policy, prune: bool, chance: random.Random
) -> None:
    places = list(range(len(items)))
    chance.shuffle(places)
    shuffled = [items[place] for place in places]
    order = sync_order(items, policy, prune=prune, namespace="shop")
    again = sync_order(shuffled, policy, prune=prune, namespace="shop")
    assert [step._replace(groups=()) for step in order.steps] == [
        step._replace(
            prunes=tuple(places[n] for n in step.prunes),
            hooks_deleted=tuple(places[n] for n in step.hooks_deleted),
            waits=tuple(places[n] for n in step.waits),
            kept=tuple(places[n] for n in step.kept),
            confirms=tuple(places[n] for n in step.confirms),
            groups=(),
        )
        for step in again.steps
    ]
    assert [step.groups for step in order.steps] == [
        tuple(tuple(places[n] for n in group) for group in step.groups) for step in again.steps
    ]
    assert sorted(order.kept) == sorted((places[n], why) for n, why in again.kept)
    assert set(order.ignored) == {places[n] for n in again.ignored}


@settings(max_examples=100, deadline=None)
@given(several, policies, st.booleans())
def test_waves_rise_within_a_phase(items: list[Item], policy: Policy, prune: bool) -> None:
    steps = sync_order(items, policy, prune=prune).steps
    places = [(("PreSync", "Sync", "PostSync", "SyncFail").index(step.phase), step.wave) for step in steps]
    assert places == sorted(set(places))
