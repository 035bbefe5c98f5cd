"""What differs between two states of an object."""

from __future__ import annotations

import copy
import json
import random
import re
from itertools import pairwise
from typing import Any

import pytest

from rolloutlint.change.differences import concerning, differences, show
from rolloutlint.change.result import FieldChange


def rows(before: object, after: object, **more: Any) -> list[tuple[str, str | None, str | None]]:
    return [tuple(change) for change in differences(before, after, **more)]


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(items)}}}}


CART = {"name": "cart", "image": "cart:1", "ports": [{"containerPort": 80}]}
LOG = {"name": "log", "image": "log:1"}


def test_items_of_a_list_are_named() -> None:
    before, after = containers(CART, LOG), containers(CART, {**LOG, "image": "log:2"})
    assert rows(before, after) == [("spec.template.spec.containers[log].image", '"log:1"', '"log:2"')]


def test_an_item_that_comes_or_goes_is_one_change() -> None:
    path = "spec.template.spec.containers[log]"
    assert rows(containers(CART), containers(LOG, CART)) == [(path, None, '{"name": "log", "image": "log:1"}')]
    assert rows(containers(LOG, CART), containers(CART)) == [(path, '{"name": "log", "image": "log:1"}', None)]


def test_items_that_only_move_are_said_to_move() -> None:
    assert rows(containers(CART, LOG), containers(LOG, CART)) == [
        ("spec.template.spec.containers (order)", '["cart", "log"]', '["log", "cart"]')
    ]
    assert rows({"args": ["a", "b"]}, {"args": ["b", "a"]}) == [("args (order)", '["a", "b"]', '["b", "a"]')]


def test_an_item_that_moves_and_changes_is_said_to_do_both() -> None:
    after = containers({**LOG, "image": "log:2"}, CART)
    assert [change.path for change in differences(containers(CART, LOG), after)] == [
        "spec.template.spec.containers (order)",
        "spec.template.spec.containers[log].image",
    ]


@pytest.mark.parametrize(
    ("field", "before", "after", "path"),
    [
        ("ports", {"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, "ports[80].protocol"),
        ("ports", {"port": 80, "targetPort": 1}, {"port": 80, "targetPort": 2}, "ports[80].targetPort"),
        ("mounts", {"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/a"}, "mounts[/a].name"),
        ("items", {"key": "a", "path": "b"}, {"key": "a", "path": "c"}, "items[a].path"),
        ("templates", {"templateName": "a"}, {"templateName": "a", "clusterScope": True}, "templates[a].clusterScope"),
        (
            "route",
            {"destination": {"host": "cart", "subset": "stable"}, "weight": 100},
            {"destination": {"host": "cart", "subset": "stable"}, "weight": 50},
            "route[cart/stable].weight",
        ),
    ],
)
def test_what_names_an_item_depends_on_the_list(
    field: str, before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    assert [change.path for change in differences({field: [before]}, {field: [after]})] == [path]


def test_a_name_that_two_items_share_names_neither() -> None:
    ports = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]
    assert rows({"ports": ports[:1]}, {"ports": ports})[0][0] == "ports[53/TCP]"
    twice = [{"name": "a"}, {"name": "a", "value": "1"}]
    assert rows({"env": twice[:1]}, {"env": twice})[0][0] == "env[1]"


def test_steps_are_paired_by_content() -> None:
    before = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]
    after = [{"setWeight": 5}, {"pause": {}}, {"analysis": {}}, {"setWeight": 50}]
    assert rows({"steps": before}, {"steps": after}) == [
        ("steps[0].setWeight", "10", "5"),
        ("steps[2]", None, '{"analysis": {}}'),
    ]


def test_keys_that_are_no_plain_words_stand_in_brackets() -> None:
    before, after = {"metadata": {}}, {"metadata": {"annotations": {"a.example/b": "c"}}}
    assert rows(before, after) == [("metadata.annotations", None, '{"a.example/b": "c"}')]
    before["metadata"]["annotations"] = {"a.example/b": "d"}
    assert rows(before, after) == [("metadata.annotations[a.example/b]", '"d"', '"c"')]


def test_paths_begin_where_the_values_stand() -> None:
    assert rows(1, 2, at=("spec", "replicas")) == [("spec.replicas", "1", "2")]
    assert rows({"a": 1}, {"a": 2}, at=("spec", "steps", 0)) == [("spec.steps[0].a", "1", "2")]


def test_null_is_a_value() -> None:
    assert rows({"a": None}, {}) == [("a", "null", None)]
    assert rows({"a": None}, {"a": 1}) == [("a", "null", "1")]


def test_true_is_not_one_but_five_is_five() -> None:
    assert rows({"a": True, "b": 5}, {"a": 1, "b": 5.0}) == [("a", "true", "1")]
    assert rows([5.0, "a"], [5, "a"]) == []


def test_equal_amounts_of_resources_do_not_differ() -> None:
    before = {"resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}}, "sizeLimit": "1Gi"}
    after = {"resources": {"limits": {"cpu": 1, "memory": "2Gi"}}, "sizeLimit": "1024Mi"}
    assert rows(before, after) == [("resources.limits.memory", '"1Gi"', '"2Gi"')]
    assert rows({"env": {"cpu": "1000m"}}, {"env": {"cpu": "1"}}) != []


def test_long_values_are_cut_in_the_middle_and_their_length_is_said() -> None:
    change = differences({"data": "a" * 6000 + "z"}, {})[0]
    assert change.before is not None
    assert change.before.startswith('"aaa')
    assert change.before.endswith('az"')
    assert "6001 characters in all" in change.before
    assert len(change.before) < 1100
    items = differences({}, {"data": list(range(9999))})[0]
    assert items.after is not None
    assert re.search(r"\d+ characters in all", items.after)


def test_values_of_a_secret_are_never_shown() -> None:
    applied = "kubectl.kubernetes.io/last-applied-configuration"
    before = {"kind": "Secret", "data": {"a": "hush1", "b": "hush2"}, "metadata": {"annotations": {applied: "hush3"}}}
    after = {"kind": "Secret", "data": {"a": "hush4"}, "stringData": {"c": "hush5"}, "metadata": {"name": "x"}}
    assert rows(before, after, secret=True) == [
        ("data.a", '"***"', '"***"'),
        ("data.b", '"***"', None),
        ("metadata.annotations", '{"kubectl.kubernetes.io/last-applied-configuration": "***"}', None),
        ("metadata.name", None, '"x"'),
        ("stringData", None, '{"c": "***"}'),
    ]
    assert "hush" not in str(rows(None, before, secret=True))
    assert "hush" not in str(rows({**before, "data": "hush"}, {**before, "data": ["hush"]}, secret=True))


def test_a_whole_object_that_comes_is_one_change() -> None:
    assert rows(None, {"kind": "Service"}) == [("", "null", '{"kind": "Service"}')]


def test_a_list_that_becomes_something_else_is_one_change() -> None:
    assert rows({"a": [1]}, {"a": {"b": 1}}) == [("a", "[1]", '{"b": 1}')]


def test_keys_that_json_has_not_are_written_as_text() -> None:
    assert rows({"a": {1: "x"}}, {"a": {1: "y", "b": {2: 3}}}) == [("a[1]", '"x"', '"y"'), ("a.b", None, '{"2": 3}')]
    assert rows([{1: 2, "a": 3}], [{1: 2, "a": 3}, {}]) == [("[1]", None, "{}")]


def test_a_path_is_shown_with_the_names_of_a_value() -> None:
    path = ("spec", "template", "spec", "containers", 1, "ports", 0)
    assert show(path, containers(LOG, CART)) == "spec.template.spec.containers[cart].ports[80]"
    assert show(path) == "spec.template.spec.containers[1].ports[0]"
    assert show((*path[:4], 7), containers(LOG, CART)) == "spec.template.spec.containers[7]"


def test_changes_that_concern_a_path_stand_at_it_above_it_or_below_it() -> None:
    before = containers(CART, LOG)
    after = containers(CART, {**LOG, "image": "log:2", "env": [{"name": "A"}]})
    after["spec"]["replicas"] = 2
    found = differences(before, after)
    image = ("spec", "template", "spec", "containers", 1, "image")
    assert [each.path for each in concerning(found, [image], before, after)] == [
        "spec.template.spec.containers[log].image"
    ]
    assert len(concerning(found, [("spec", "template")], before, after)) == 2
    whole = [FieldChange("spec.template", None, "{}"), FieldChange("spec.templates", None, "{}")]
    assert concerning(whole, [image], before, after) == (whole[0],)


# ---- properties

KEYS = ("name", "a", "b", "spec", "containers", "containerPort", "x.y/z")


def anything(source: random.Random, depth: int = 0) -> Any:
    kind = source.random()
    if depth > 3 or kind < 0.35:
        return source.choice([None, True, False, 0, 1, 1.5, "a", "b", "c", "1000m", ""])
    if kind < 0.7:
        return {key: anything(source, depth + 1) for key in source.sample(KEYS, source.randrange(4))}
    return [anything(source, depth + 1) for _ in range(source.randrange(4))]


def mutated(source: random.Random, value: Any) -> Any:
    """A copy with a few changes somewhere."""
    if isinstance(value, dict) and value and source.random() < 0.8:
        key = source.choice(list(value))
        return {**value, key: mutated(source, value[key])}
    if isinstance(value, list) and value and source.random() < 0.8:
        out = list(value)
        where = source.randrange(len(out))
        action = source.random()
        if action < 0.3:
            source.shuffle(out)
        elif action < 0.5:
            del out[where]
        elif action < 0.7:
            out.insert(where, anything(source, 3))
        else:
            out[where] = mutated(source, out[where])
        return out
    return anything(source, 2)


def pairs() -> list[tuple[Any, Any]]:
    source = random.Random("differences")
    values = [anything(source) for _ in range(400)]
    return [(value, mutated(source, value)) for value in values] + list(pairwise(values))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_nothing_differs_from_a_copy_of_itself() -> None:
    for value, _ in pairs():
        assert differences(value, copy.deepcopy(value)) == ()


def test_what_is_not_the_same_differs() -> None:
    for before, after in pairs():
        assert bool(differences(before, after)) is (canonical(before) != canonical(after))


def test_the_other_way_round_the_sides_are_swapped() -> None:
    for before, after in pairs():
        there = [(re.sub(r"\[\d+\]", "[]", path), old, new) for path, old, new in differences(before, after)]
        back = [(re.sub(r"\[\d+\]", "[]", path), old, new) for path, new, old in differences(after, before)]
        assert sorted(there, key=str) == sorted(back, key=str)


def test_the_order_of_keys_does_not_matter() -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(each) for each in value] if isinstance(value, list) else value

    for before, after in pairs():
        one = [change.path for change in differences(before, after)]
        assert one == [change.path for change in differences(turned(before), turned(after))]


def test_nothing_is_said_twice_and_the_values_are_left_alone() -> None:
    for before, after in pairs():
        kept = copy.deepcopy((before, after))
        # An item without a name may go at a number at which another comes.
        said = [(change.path, change.before is None) for change in differences(before, after)]
        assert (before, after) == kept
        assert len(set(said)) == len(said)


def test_long_lists_without_names_are_compared_in_good_time() -> None:
    before, after = list(range(3000)), list(range(1, 3001))
    assert len(differences({"a": before}, {"a": after})) == 3000
    assert len(differences({"a": list(range(300))}, {"a": list(range(1, 301))})) == 2
