"""Pod templates as the Rollouts controller compares them, against answers of its own code (tests/data/recorders)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.controllers.pod_defaults import defaulted, same_template, typed_steps
from rolloutlint.controllers.pod_types import FIELDS, shapes

DATA = Path(__file__).parents[1] / "data"
ROWS: list[dict[str, Any]] = [json.loads(row) for row in (DATA / "pod-templates.jsonl").read_text("utf-8").splitlines()]


def container(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "a:1", **fields}]}}


def volume(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "image": "a:1"}], "volumes": [{"name": "v", **fields}]}}


def spec(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", "image": "a:1"}], **fields}}


def probe(**fields: Any) -> dict[str, Any]:
    return container(readinessProbe={"tcpSocket": {"port": 80}, **fields})


DEFAULTS = [
    (spec(), spec(dnsPolicy="ClusterFirst")),
    (spec(), spec(restartPolicy="Always")),
    (spec(), spec(schedulerName="default-scheduler")),
    (spec(), spec(securityContext={})),
    (spec(), spec(terminationGracePeriodSeconds=30)),
    (spec(), spec(hostNetwork=False)),
    (container(), container(imagePullPolicy="IfNotPresent")),
    (container(image="a"), container(image="a", imagePullPolicy="Always")),
    (container(image="a:latest"), container(image="a:latest", imagePullPolicy="Always")),
    (container(image="h:5000/a"), container(image="h:5000/a", imagePullPolicy="Always")),
    (container(), container(terminationMessagePath="/dev/termination-log")),
    (container(), container(terminationMessagePolicy="File")),
    (container(), container(resources={})),
    (container(), container(env=[])),
    (container(env=[{"name": "A"}]), container(env=[{"name": "A", "value": ""}])),
    (container(ports=[{"containerPort": 80}]), container(ports=[{"containerPort": 80, "protocol": "TCP"}])),
    (probe(), probe(timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)),
    (probe(), probe(initialDelaySeconds=0)),
    (
        container(livenessProbe={"httpGet": {"port": 80}}),
        container(livenessProbe={"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}),
    ),
    (
        container(lifecycle={"preStop": {"httpGet": {"port": 80}}}),
        container(lifecycle={"preStop": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}}}),
    ),
    (
        container(startupProbe={"grpc": {"port": 80}}),
        container(startupProbe={"grpc": {"port": 80, "service": ""}}),
    ),
    (
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}}]),
    ),
    (volume(), volume(emptyDir={})),
    (volume(configMap={"name": "c"}), volume(configMap={"name": "c", "defaultMode": 420})),
    (volume(secret={"secretName": "c"}), volume(secret={"secretName": "c", "defaultMode": 0o644})),
    (volume(projected={"sources": []}), volume(projected={"defaultMode": 420})),
    (volume(downwardAPI={}), volume(downwardAPI={"defaultMode": 420})),
    (volume(hostPath={"path": "/a"}), volume(hostPath={"path": "/a", "type": ""})),
    (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t"}}]}),
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 3600}}]}),
    ),
    (
        volume(ephemeral={"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}),
        volume(
            ephemeral={"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem"}}}
        ),
    ),
    (container(resources={"limits": {"cpu": "1000m"}}), container(resources={"limits": {"cpu": 1}})),
    (container(resources={"limits": {"cpu": 0.5}}), container(resources={"limits": {"cpu": "500m"}})),
    (container(resources={"limits": {"memory": "1Gi"}}), container(resources={"limits": {"memory": "1024Mi"}})),
    (container(resources={"limits": {"cpu": "0.0001"}}), container(resources={"limits": {"cpu": "1m"}})),
    (container(), container(imagepullpolicy="Always")),
    (container(), {**container(), "status": {}}),
    (container(), {**container(), "metadata": {"labels": {"app": "a"}, "creationTimestamp": None, "name": "x"}}),
    (
        container(),
        {**container(), "metadata": {"labels": {"app": "a", "rollouts-pod-template-hash": "5f"}, "annotations": {}}},
    ),
    (spec(terminationGracePeriodSeconds=5), spec(terminationGracePeriodSeconds=5.0)),
]


@pytest.mark.parametrize(("short", "long"), DEFAULTS)
def test_what_is_only_written_out_starts_no_revision(short: dict[str, Any], long: dict[str, Any]) -> None:
    assert defaulted(short) == defaulted(long)
    assert same_template(short, long)
    assert same_template(long, short)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (container(), container(image="a:2")),
        (container(image="a"), container(image="a", imagePullPolicy="IfNotPresent")),
        (container(), container(securityContext={})),
        (container(), container(resources={"limits": {"cpu": "0"}})),
        (spec(), spec(enableServiceLinks=True)),
        (spec(), spec(automountServiceAccountToken=True)),
        (spec(), spec(serviceAccountName="default")),
        (volume(emptyDir={}), volume(emptyDir={"sizeLimit": 0})),
        (
            container(resources={"limits": {"cpu": 1}}),
            container(resources={"limits": {"cpu": 1}, "requests": {"cpu": 1}}),
        ),
        (container(), {**container(), "metadata": {"labels": {"app": "a"}, "annotations": {"x": ""}}}),
        (container(ports=[{"containerPort": 80}]), container(ports=[{"containerPort": 80, "hostPort": 80}])),
        (
            container(readinessProbe={"tcpSocket": {"port": 80}}),
            container(readinessProbe={"tcpSocket": {"port": "80"}}),
        ),
        (
            container(env=[{"name": "A"}, {"name": "B"}]),
            container(env=[{"name": "B"}, {"name": "A"}]),
        ),
    ],
)
def test_what_looks_like_a_default_but_is_none_starts_one(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert not same_template(before, after)


def test_the_name_of_an_account_may_move_to_the_newer_field_but_not_back() -> None:
    # The API server copies the older field to the newer one in the ReplicaSet; the controller's own copy has no such.
    assert same_template(spec(serviceAccount="a"), spec(serviceAccountName="a"))
    assert not same_template(spec(serviceAccountName="a"), spec(serviceAccount="a"))
    assert same_template(spec(serviceAccount="a"), spec(serviceAccount="a"))


def test_the_name_in_a_template_counts_only_for_a_workload() -> None:
    named = {**container(), "metadata": {"labels": {"app": "a"}, "name": "x"}}
    assert same_template(container(), named)
    assert not same_template(container(), named, workload=True)


def test_an_image_that_is_filled_in_later_has_no_pull_policy_yet() -> None:
    read = defaulted(container(image="a:${TAG}"))
    assert "imagePullPolicy" not in read["spec"]["containers"][0]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_the_controller_itself_finds_the_same_templates_equal(row: dict[str, Any]) -> None:
    assert same_template(row["before"], row["after"], workload=True) is (row["same"] or row["sameHash"])


@pytest.mark.parametrize("row", [row for row in ROWS if "defaulted" in row])
def test_the_controller_itself_fills_in_the_same_defaults(row: dict[str, Any]) -> None:
    filled = row["defaulted"]
    # Filling in once more changes nothing, so both sides differ only where a default is missing here or is not one.
    assert defaulted(row["after"], workload=True) == defaulted(filled, workload=True)
    explicit = json.loads(json.dumps(defaulted(row["after"], workload=True)))
    assert_written(explicit, filled)


def assert_written(ours: Any, theirs: Any) -> None:
    """Every mapping of ours has the keys that the controller's has, apart from zero values."""
    if isinstance(ours, dict):
        assert ours.keys() <= theirs.keys()
        for key, value in ours.items():
            assert_written(value, theirs[key])
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_written(mine, other)


@pytest.mark.parametrize("value", [{}, {"spec": None}, {"spec": []}, {"spec": {"containers": "x"}}, {"metadata": 3}])
def test_malformed_templates_are_read_without_complaint(value: dict[str, Any]) -> None:
    before = copy.deepcopy(value)
    defaulted(value)
    assert value == before


def test_templates_that_are_read_are_left_as_they_are() -> None:
    value = container(ports=[{"containerPort": 80}])
    before = copy.deepcopy(value)
    defaulted(value)
    same_template(value, value)
    assert value == before


def test_steps_count_as_they_are_typed() -> None:
    assert typed_steps([{"setWeight": 5.0}, {"pause": {}}]) == typed_steps(
        [{"setWeight": 5, "nonsense": 1}, {"pause": {}}]
    )
    assert typed_steps([{"pause": {"duration": 60}}]) != typed_steps([{"pause": {"duration": "60s"}}])
    assert typed_steps([{"pause": None}]) != typed_steps([{"pause": {}}])
    assert typed_steps([{"setCanaryScale": {"matchTrafficWeight": False}}]) == typed_steps([{"setCanaryScale": {}}])
    assert typed_steps(None) == typed_steps([]) == []


def test_every_type_that_a_field_names_is_known() -> None:
    named = {shape.lstrip("*[]{}") for name in FIELDS for shape in shapes(name).values()}
    assert named - FIELDS.keys() == {"", "Q", "I", "A"}
