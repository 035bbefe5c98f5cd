"""The states of a plan: what is read from a commit, files and the output of kubectl, and what is said of bad input."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolloutlint.errors import RolloutlintError, UsageError
from rolloutlint.finding import Incomplete
from rolloutlint.plan.states import Opened, open_state, open_states
from rolloutlint.settings import Settings
from tests.harness import CATALOGUE
from tests.repository import Repository

ROLLOUT = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 2}\n"
)
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{port: 80}]}\n"


def live(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """An object as the API server gives it."""
    version = {"Rollout": "argoproj.io/v1alpha1", "AnalysisRun": "argoproj.io/v1alpha1", "ReplicaSet": "apps/v1"}
    metadata = {
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "generation": 3,
        "managedFields": [{"manager": "argocd"}],
        "name": name,
        "namespace": "shop",
        "resourceVersion": "17",
        "uid": f"{kind}-{name}",
    }
    metadata |= more.pop("metadata", {})
    return {"apiVersion": version.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


def listed(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "items": list(objects), "kind": "List", "metadata": {"resourceVersion": ""}}


def owned(kind: str, name: str, owner: str = "web") -> dict[str, Any]:
    references = [{"kind": "Rollout", "name": owner, "uid": f"Rollout-{owner}", "controller": True}]
    return live(kind, name, metadata={"ownerReferences": references})


WEB = live("Rollout", "web", spec={"replicas": 2}, status={"phase": "Healthy"})


@pytest.fixture(autouse=True)
def _workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def state(text: str, *paths: str) -> Iterator[Opened]:
    with open_state(text, paths or (".",), Settings(), CATALOGUE) as opened:
        yield opened


@contextmanager
def dumped(text: str) -> Iterator[Opened]:
    Path("live.yaml").write_text(text)
    with state("live.yaml") as opened:
        yield opened


def names(opened: Opened) -> list[str]:
    return [str(one.id) for one in opened.state.run.world.resources]


def lost(opened: Opened) -> list[Incomplete]:
    return [one for one in opened.state.run.incomplete if one.lost]


# ---- where a state comes from --------------------------------------------------------------------------------


def test_a_commit_is_manifests_under_the_names_of_the_work_tree(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit({"apps/web.yaml": ROLLOUT})
    repository.write({"apps/web.yaml": SERVICE})
    with state("git:HEAD", "apps") as opened:
        assert (opened.state.mode, opened.state.label) == ("git", "git:HEAD")
        assert names(opened) == ["Rollout shop/web"]
        assert opened.state.run.world.resources[0].document.source == "apps/web.yaml"


def test_findings_of_a_commit_have_the_fingerprints_and_places_of_the_work_tree(tmp_path: Path) -> None:
    Repository(tmp_path).commit({"apps/web.yaml": ROLLOUT, "apps/broken.yaml": "kind: Rollout\napiVersion: [\n"})
    with state("git:HEAD", "apps") as before, state("", "apps") as after:
        old, new = before.state.run.report().findings, after.state.run.report().findings
        assert len(new) > 1
        assert [(f.fingerprint, f.file, f.span) for f in old] == [(f.fingerprint, f.file, f.span) for f in new]


def test_paths_that_a_commit_does_not_have_are_new(tmp_path: Path) -> None:
    Repository(tmp_path).commit({"a.yaml": SERVICE})
    Path("apps").mkdir()
    with state("git:HEAD", "apps") as opened:
        assert names(opened) == []
        assert opened.notes == ("git:HEAD has no apps: all of it is new",)


def test_a_path_that_is_nowhere_is_a_slip(tmp_path: Path) -> None:
    Repository(tmp_path).commit({"a.yaml": SERVICE})
    with pytest.raises(UsageError, match="app: neither here nor in git:HEAD"), state("git:HEAD", "app"):
        pass


def test_what_a_commit_cannot_give_is_lost(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    (tmp_path / "a.yaml").symlink_to("/etc/hostname")
    repository.commit({})
    with state("git:HEAD") as opened:
        assert [(i.source, i.reason) for i in lost(opened)] == [("a.yaml", "symlink")]


def test_what_is_said_of_a_commit_names_the_repository(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "base").symlink_to("../base")
    repository.commit({"base/a.yaml": SERVICE})
    with state("git:HEAD", "apps") as before, state("", "apps") as after:
        told = before.state.run.incomplete
        assert told == after.state.run.incomplete
        assert str(tmp_path / "base") in told[0].message


def test_no_commit_has_standard_input(tmp_path: Path) -> None:
    Repository(tmp_path).commit({"a.yaml": SERVICE})
    with pytest.raises(UsageError, match="no commit has standard input"), state("git:HEAD", "-"):
        pass


def test_broken_manifests_of_the_previous_state_are_said_with_their_place(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit({"a.yaml": "apiVersion: v1\nkind: Service\nspec: [\n"})
    repository.write({"a.yaml": SERVICE})
    with open_states("git:HEAD", "", (".",), Settings(), CATALOGUE) as (before, _):
        told = [i for i in before.state.run.incomplete if i.source == "a.yaml"]
        assert [(i.lost, "a.yaml:4:1" in i.message) for i in told] == [(False, True)]


def test_names_of_another_checkout_count_from_it(tmp_path: Path) -> None:
    for folder in ("base", "head"):
        (tmp_path / folder / "apps").mkdir(parents=True)
        (tmp_path / folder / "apps" / "web.yaml").write_text(ROLLOUT)
    with open_states("base", "", ("head",), Settings(), CATALOGUE) as (before, after):
        assert before.state.run.world.resources[0].document.source == "apps/web.yaml"
        assert after.state.run.world.resources[0].document.source == "head/apps/web.yaml"


def test_a_file_of_manifests_is_no_dump() -> None:
    with dumped(f"{ROLLOUT}---\n{SERVICE}") as opened:
        assert (opened.state.mode, opened.notes) == ("git", ())
        assert names(opened) == ["Rollout shop/web", "Service shop/web"]


def test_an_empty_directory_holds_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with state("empty") as opened:
        assert names(opened) == []
        assert opened.notes == ("empty holds no manifests",)


def test_a_file_that_does_not_exist_suggests_a_commit() -> None:
    with (
        pytest.raises(UsageError, match=r"main: no such file or directory .a commit is written git:main"),
        state("main"),
    ):
        pass


# ---- objects of a cluster ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["yaml list", "json list", "documents"])
def test_every_output_of_kubectl_and_argocd_is_a_cluster(form: str) -> None:
    objects = [WEB, live("Service", "web", spec={})]
    text = {
        "yaml list": yaml.safe_dump(listed(*objects)),
        "json list": json.dumps(listed(*objects), indent=4) + "\n",
        "documents": "---\n" + "---\n".join(map(yaml.safe_dump, objects)),
    }[form]
    with dumped(text) as opened:
        assert opened.state.mode == "live"
        assert names(opened) == ["Rollout shop/web", "Service shop/web"]
        assert lost(opened) == []


def test_a_cluster_may_come_through_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(yaml.safe_dump(listed(WEB)).encode())))
    with state("-") as opened:
        assert (opened.state.label, opened.state.mode) == ("standard input", "live")
        assert opened.state.run.report().counts.resources == 1


def test_a_directory_of_dumps_is_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    for number, one in enumerate((WEB, live("Service", "web"))):
        (tmp_path / "live" / f"{number}.yaml").write_text(yaml.safe_dump(one))
    with state("live") as opened:
        assert (opened.state.mode, names(opened)) == ("live", ["Rollout shop/web", "Service shop/web"])


def test_what_controllers_made_is_kept_aside() -> None:
    made = [
        owned("ReplicaSet", "web-1"),
        owned("Pod", "web-1-x"),
        owned("AnalysisRun", "web-1-2"),
        owned("Ingress", "c"),
    ]
    with dumped(yaml.safe_dump(listed(*made, WEB))) as opened:
        assert names(opened) == ["Rollout shop/web"]
        assert sorted(one.id.kind for one in opened.state.made) == [
            "AnalysisRun",
            "Ingress",
            "Pod",
            "ReplicaSet",
        ]
        assert any("never pruned: 1 AnalysisRun" in note for note in opened.notes)


@pytest.mark.parametrize(
    ("annotations", "stays"),
    [
        ({"argocd.argoproj.io/tracking-id": "cart:/Service:shop/web"}, True),
        ({"argocd.argoproj.io/tracking-id": "cart:/Service:shop/copied"}, False),
        ({"argocd.argoproj.io/tracking-id": "cart:apps/Service:shop/web"}, False),
        ({"argocd.argoproj.io/tracking-id": "nonsense"}, False),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{}"}, True),
        ({"kubectl.kubernetes.io/last-applied-configuration": "{"}, False),
        ({}, False),
    ],
)
def test_an_owned_object_stays_where_it_was_applied(annotations: dict[str, str], stays: bool) -> None:
    service = owned("Service", "web")
    service["metadata"]["annotations"] = annotations
    with dumped(yaml.safe_dump(listed(service, WEB))) as opened:
        assert ("Service shop/web" in names(opened)) is stays


def test_an_owner_that_is_no_controller_makes_nothing() -> None:
    service = owned("Service", "web")
    del service["metadata"]["ownerReferences"][0]["controller"]
    with dumped(yaml.safe_dump(listed(service, WEB))) as opened:
        assert opened.state.made == ()


def test_a_dump_without_replica_sets_says_what_is_missing() -> None:
    with dumped(yaml.safe_dump(listed(WEB))) as opened:
        assert any("kubectl get rollout,replicaset" in note for note in opened.notes)


def test_manifests_among_live_objects_are_said() -> None:
    with dumped(yaml.safe_dump_all([WEB, live("Service", "a"), yaml.safe_load(SERVICE)])) as opened:
        assert opened.state.mode == "live"
        assert "1 of 3 objects carry nothing that a cluster writes" in opened.notes


def test_a_generated_definition_with_a_status_is_a_manifest() -> None:
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    definition |= {"metadata": {"name": "x", "creationTimestamp": None}, "status": {"conditions": []}}
    with dumped(yaml.safe_dump(definition)) as opened:
        assert opened.state.mode == "git"


def test_places_in_a_dump_are_those_of_the_file() -> None:
    with dumped(yaml.safe_dump(listed(owned("ReplicaSet", "web-1"), live("Service", "web"), WEB))) as opened:
        run = opened.state.run
        lines = Path("live.yaml").read_text().splitlines()
        for one in run.world.resources:
            span, _ = run.texts.span(one.place(("kind",)))
            assert lines[span.line - 1] == f"  kind: {one.id.kind}"


# ---- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_an_empty_dump_is_refused(text: str) -> None:
    with pytest.raises(RolloutlintError, match=r"live\.yaml is empty") as caught, dumped(text):
        pass
    assert caught.value.exit_code == 4


def test_an_empty_list_is_an_empty_cluster() -> None:
    with dumped(yaml.safe_dump(listed())) as opened:
        assert names(opened) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NAME   DESIRED   CURRENT\nweb    2         2\n", "it is a table for people: add `-o yaml`"),
        ('Error from server (NotFound): rollouts "web" not found\n', "it starts with `Error from server (NotFound)"),
        ("just: values\n", "it starts with `just: values`"),
    ],
)
def test_text_without_objects_is_refused_with_what_it_seems_to_be(text: str, said: str) -> None:
    with pytest.raises(RolloutlintError) as caught, dumped(text):
        pass
    assert "live.yaml holds no Kubernetes object" in str(caught.value)
    assert said in str(caught.value)


def test_a_binary_dump_is_refused() -> None:
    Path("live.yaml").write_bytes(b"\0\1\2")
    with pytest.raises(RolloutlintError, match=r"live\.yaml: a binary file"), state("live.yaml"):
        pass


def test_a_dump_that_is_no_utf8_is_refused_with_its_place() -> None:
    Path("live.yaml").write_bytes(b"kind: List\nitems: \xff\n")
    with pytest.raises(RolloutlintError, match=r"live\.yaml:2:8: is not UTF-8"), state("live.yaml"):
        pass


def cut_at(text: str, mark: str) -> str:
    return text[: text.rindex(mark)]


@pytest.mark.parametrize("mark", ["    uid: Service-second", "id: Service-second", "  kind: Service", "d:"])
def test_a_list_that_is_cut_off_keeps_its_whole_objects(mark: str) -> None:
    objects = (WEB, live("Service", "first"), live("Service", "second"))
    text = cut_at(yaml.safe_dump(listed(*objects)).partition("kind: List")[0], mark)
    with dumped(text) as opened:
        assert names(opened) == ["Rollout shop/web", "Service shop/first"]
        assert [i.source for i in lost(opened)] == ["live.yaml"]
        assert f"cut off at line {len(text.splitlines())}" in lost(opened)[0].message


def test_the_object_in_which_a_list_is_cut_off_is_named() -> None:
    text = cut_at(yaml.safe_dump(listed(WEB, live("Service", "second"))), "    resourceVersion: '17'")
    with dumped(text) as opened:
        assert "in the middle of Service shop/second" in lost(opened)[0].message


def test_half_a_name_is_no_name() -> None:
    text = cut_at(yaml.safe_dump(listed(WEB, live("Service", "second"))), "second\n    namespace")
    with dumped(text + "sec") as opened:
        assert "in the middle of an object of kind Service:" in lost(opened)[0].message


def test_output_that_powershell_wrote_is_read() -> None:
    Path("live.yaml").write_bytes(b"\xff\xfe" + yaml.safe_dump(listed(WEB)).replace("\n", "\r\n").encode("utf-16-le"))
    with state("live.yaml") as opened:
        assert (opened.state.mode, names(opened), lost(opened)) == ("live", ["Rollout shop/web"], [])


def test_a_list_that_is_cut_off_in_its_first_object_has_none() -> None:
    text = cut_at(yaml.safe_dump(listed(WEB)), "  status:")
    with dumped(text) as opened:
        assert names(opened) == []
        assert len(lost(opened)) == 1


@pytest.mark.parametrize("mark", ['"Service-second"', '"kind": "Service"', "}"])
def test_a_json_list_that_is_cut_off_keeps_its_whole_objects(mark: str) -> None:
    objects = (WEB, live("Service", "first"), live("Service", "second"))
    text = json.dumps(listed(*objects), indent=4).partition('"kind": "List"')[0]
    with dumped(cut_at(text, mark)) as opened:
        assert names(opened) == ["Rollout shop/web", "Service shop/first"]
        assert len(lost(opened)) == 1


def test_a_dump_without_a_line_break_at_its_end_may_be_cut_off() -> None:
    with dumped(yaml.safe_dump(WEB).rstrip("\n")) as opened:
        assert any("does not end in a line break" in note for note in opened.notes)


def test_a_broken_document_of_a_dump_is_lost_with_its_place_and_the_others_stay() -> None:
    broken = "apiVersion: v1\nkind: Service\nmetadata: {name: x\n"
    text = "---\n".join((yaml.safe_dump(WEB), broken, yaml.safe_dump(live("Pod", "p"))))
    with dumped(text) as opened:
        assert names(opened) == ["Rollout shop/web", "Pod shop/p"]
        assert [i.source for i in lost(opened)] == ["live.yaml"]
        assert lost(opened)[0].message.startswith("line ")


def test_two_objects_with_one_identity_are_lost_with_both_places() -> None:
    other = {**WEB, "metadata": {**WEB["metadata"], "uid": "another"}}
    with dumped(yaml.safe_dump(listed(WEB, other))) as opened:
        assert names(opened) == ["Rollout shop/web"]
        message = lost(opened)[0].message
        second = Path("live.yaml").read_text().splitlines().index("- apiVersion: argoproj.io/v1alpha1", 3) + 1
        assert "Rollout shop/web is there twice, live.yaml:3:3 and live.yaml:" in message
        assert f"live.yaml:{second}:3" in message


def test_an_object_that_is_there_twice_and_the_same_is_one() -> None:
    with dumped(yaml.safe_dump_all([WEB, json.loads(json.dumps(WEB))])) as opened:
        assert names(opened) == ["Rollout shop/web"]
        assert lost(opened) == []


def test_states_given_the_wrong_way_round_are_refused() -> None:
    Path("live.yaml").write_text(yaml.safe_dump(listed(WEB)))
    Path("web.yaml").write_text(ROLLOUT)
    with (
        pytest.raises(UsageError, match="swap --from and --to"),
        open_states("web.yaml", "live.yaml", (".",), Settings(), CATALOGUE),
    ):
        pass


def test_objects_of_a_cluster_are_not_what_a_sync_applies() -> None:
    Path("live.yaml").write_text(yaml.safe_dump(listed(WEB)))
    with (
        pytest.raises(UsageError, match="what a sync applies are manifests"),
        open_states("live.yaml", "live.yaml", (".",), Settings(), CATALOGUE),
    ):
        pass


def test_standard_input_cannot_be_both() -> None:
    with pytest.raises(UsageError, match="cannot both be"), open_states("-", "-", (".",), Settings(), CATALOGUE):
        pass
