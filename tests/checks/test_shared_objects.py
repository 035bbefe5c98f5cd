"""RL650: what two Applications of one Argo CD have in common."""

from __future__ import annotations

from typing import Any

import yaml

from rolloutlint.settings import Settings
from tests.harness import lint

LOCAL = "https://kubernetes.default.svc"


def application(name: str, path: str = "workloads", namespace: str = "shop", server: str = LOCAL) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "shop",
            "source": {"repoURL": "https://git.example/shop/deploy.git", "path": path, "targetRevision": "main"},
            "destination": {"server": server, "namespace": namespace},
        },
    }


def config_map(name: str, namespace: str = "", annotations: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {**metadata, "annotations": annotations or {}}}


def found(**files: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(Application, message) of every finding; `a__b` names the file a/b.yaml."""
    texts = {f"{name.replace('__', '/')}.yaml": yaml.safe_dump_all(objects) for name, objects in files.items()}
    report = lint(texts, Settings(select=("RL650",)))
    assert not report.lost
    return [(f.finding.resource.name, f.finding.message) for f in report.active if f.finding.resource]


def test_two_applications_of_one_file_with_one_path_share_what_is_in_it() -> None:
    objects = [config_map("a"), config_map("b")]
    (one,) = found(apps__all=[application("left"), application("right")], workloads__all=objects)
    assert one == ("right", "Applications `right` and `left` both sync ConfigMap `a` and 1 more")


def test_the_same_object_in_two_paths_is_one_object() -> None:
    here = found(
        apps__all=[application("left", "one"), application("right", "two")],
        one__all=[config_map("a"), config_map("b")],
        two__all=[config_map("b"), config_map("c")],
    )
    assert here == [("right", "Applications `right` and `left` both sync ConfigMap `b`")]


def test_another_namespace_or_cluster_makes_it_another_object() -> None:
    for other in (application("right", namespace="other"), application("right", server="https://10.0.0.1")):
        assert found(apps__all=[application("left"), other], workloads__all=[config_map("a")]) == []


def test_a_namespace_that_is_written_counts_whatever_the_destination_is() -> None:
    apps = [application("left"), application("right", namespace="other")]
    assert found(apps__all=apps, workloads__all=[config_map("a", "fixed")]) != []


def test_applications_of_two_files_may_belong_to_two_clusters_with_an_argo_cd_each() -> None:
    apart = {"dev__app": [application("left")], "prod__app": [application("right")]}
    assert found(**apart, workloads__all=[config_map("a")]) == []


def test_one_parent_that_syncs_both_puts_them_into_one_argo_cd() -> None:
    parent = application("all", "children", "argocd")
    files = {"children__x": [application("left")], "children__y": [application("right")]}
    assert found(root__app=[parent], **files, workloads__all=[config_map("a")]) != []


def test_hooks_and_templates_are_left_out() -> None:
    hook = config_map("a", annotations={"argocd.argoproj.io/hook": "PreSync"})
    assert (
        found(apps__all=[application("left"), application("right")], workloads__all=[hook, config_map("${NAME}")]) == []
    )


def test_three_applications_are_each_compared_with_the_first() -> None:
    apps = [application(name) for name in ("left", "middle", "right")]
    assert [name for name, _ in found(apps__all=apps, workloads__all=[config_map("a")])] == ["middle", "right"]
