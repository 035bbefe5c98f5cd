"""Which object is which: by group, kind, namespace and name, Application by Application."""

from __future__ import annotations

import pytest

from rolloutlint.change.pairing import PairedApplication, paired, unsynced
from rolloutlint.change.result import Mode
from rolloutlint.settings import Version
from tests.plan.planning import Texts, opened

NEWEST = Version(3, 5)


def app(name: str = "shop", path: str = "apps", namespace: str = "shop") -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  source: {{repoURL: https://git.example/shop.git, path: {path}}}
  destination: {{server: https://kubernetes.default.svc, namespace: {namespace}}}
"""


def config(name: str, more: str = "", value: str = "1") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{more}}}\ndata: {{a: '{value}'}}\n"


def pairs(
    before: Texts | str, after: Texts | str, mode: Mode = "git", argocd: Version = NEWEST
) -> list[PairedApplication]:
    return list(paired(opened(before).world, opened(after).world, mode, argocd))


def told(found: PairedApplication) -> dict[str, str]:
    """Name of each object -> `+`, `-`, `=` or `~`."""
    signs = {}
    for pair in found.pairs:
        sign = "+" if pair.before is None else "-" if pair.after is None else "=" if pair.same else "~"
        signs[f"{pair.key.namespace}/{pair.key.name}"] = sign
    return signs


def test_objects_are_paired_by_identity_wherever_they_stand() -> None:
    before = {"apps/a.yaml": config("one") + "---\n" + config("two"), "argocd/shop.yaml": app()}
    after = {"apps/b.yaml": config("three") + "---\n" + config("one", value="2"), "argocd/shop.yaml": app()}
    (found,) = pairs(before, after)
    assert told(found) == {"shop/one": "~", "shop/two": "-", "shop/three": "+"}


def test_items_of_a_list_are_objects() -> None:
    item = "{apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: '1'}}"
    listed = f"apiVersion: v1\nkind: List\nitems:\n- {item}\n"
    (found,) = pairs({"apps/a.yaml": config("one"), "shop.yaml": app()}, {"apps/a.yaml": listed, "shop.yaml": app()})
    assert told(found) == {"shop/one": "="}


def test_a_namespace_that_is_written_out_is_the_one_that_was_meant() -> None:
    before = {"apps/a.yaml": config("one"), "shop.yaml": app()}
    after = {"apps/a.yaml": config("one", ", namespace: shop"), "shop.yaml": app()}
    (found,) = pairs(before, after)
    assert told(found) == {"shop/one": "~"}


def test_of_two_manifests_with_one_identity_the_last_counts() -> None:
    twice = config("one") + "---\n" + config("one", value="2")
    before = {"apps/a.yaml": twice, "shop.yaml": app()}
    after = {"apps/a.yaml": config("one", value="2"), "shop.yaml": app()}
    (found,) = pairs(before, after)
    assert found.same


def test_an_application_that_is_new_and_one_that_is_gone() -> None:
    before = {"apps/a.yaml": config("one"), "shop.yaml": app("old")}
    after = {"apps/a.yaml": config("one"), "shop.yaml": app("new")}
    new, old = pairs(before, after)
    assert (new.before, told(new)) == (None, {"shop/one": "+"})
    assert (old.after, told(old)) == (None, {"shop/one": "-"})


def test_an_application_that_moves_keeps_its_objects() -> None:
    before = {"apps/a.yaml": config("one"), "shop.yaml": app()}
    after = {"services/a.yaml": config("one"), "shop.yaml": app(path="services")}
    (found,) = pairs(before, after)
    assert told(found) == {"shop/one": "="}
    assert not found.same


def test_an_application_in_its_own_source_is_ordinary() -> None:
    files = {
        "argocd/root.yaml": app("root", "argocd", "argocd"),
        "argocd/shop.yaml": app(),
        "apps/a.yaml": config("one"),
    }
    root, shop = pairs(files, files)
    assert told(root) == {"argocd/root": "=", "argocd/shop": "="}
    assert told(shop) == {"shop/one": "="}


def test_without_an_application_everything_is_one() -> None:
    (found,) = pairs({"a/x.yaml": config("one")}, {"b/y.yaml": config("one", value="2")})
    assert found.resource is None
    assert told(found) == {"/one": "~"}


def test_environments_with_the_same_names_are_told_apart_by_their_files() -> None:
    before = {"dev/x.yaml": config("one"), "prod/x.yaml": config("one", value="9")}
    after = {"dev/x.yaml": config("one", value="2"), "prod/x.yaml": config("one", value="9")}
    (found,) = pairs(before, after)
    assert [pair.same for pair in found.pairs] == [False, True]


def test_hooks_without_a_name_are_known_by_the_name_that_is_generated_from() -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: migrate-}\nspec: {}\n"
    (found,) = pairs({"apps/a.yaml": job, "shop.yaml": app()}, {"apps/a.yaml": job, "shop.yaml": app()})
    assert told(found) == {"shop/migrate-": "="}


# ---- with a cluster ------------------------------------------------------------------------------------------


def live(name: str, owner: str, namespace: str = "shop", more: str = "") -> str:
    tracking = f"argocd.argoproj.io/tracking-id: '{owner}:/ConfigMap:{namespace}/{name}'"
    return config(name, f", namespace: {namespace}, uid: x, annotations: {{{tracking}}}{more}")


@pytest.mark.parametrize(
    ("other", "sign"),
    [
        (live("gone", "shop"), "-"),
        (live("gone", "argocd_shop"), "-"),
        (live("gone", "billing"), None),
        (live("gone", "shop").replace("/gone", "/other"), None),
        (live("gone", "shop", more=", ownerReferences: [{kind: Rollout, name: cart}]"), None),
        (config("gone", ", namespace: shop"), None),
    ],
)
def test_only_what_argo_cd_has_synced_can_be_pruned(other: str, sign: str | None) -> None:
    cluster = live("one", "shop") + "---\n" + other
    (found,) = pairs(cluster, {"apps/a.yaml": config("one"), "shop.yaml": app()}, "live")
    assert told(found).get("shop/gone") == sign


def test_before_3_0_objects_are_known_by_a_label() -> None:
    cluster = config("gone", ", namespace: shop, labels: {app.kubernetes.io/instance: shop}")
    desired = {"apps/a.yaml": config("one"), "shop.yaml": app()}
    (old,) = pairs(cluster, desired, "live", Version(2, 14))
    (new,) = pairs(cluster, desired, "live")
    assert (told(old).get("shop/gone"), told(new).get("shop/gone")) == ("-", None)


def test_a_live_object_without_a_namespace_has_a_kind_without_one() -> None:
    kind = "apiVersion: example.com/v1\nkind: Region\nmetadata: {name: eu}\n"
    (found,) = pairs(kind, {"apps/a.yaml": kind, "shop.yaml": app()}, "live")
    assert told(found) == {"/eu": "="}


def test_the_only_application_of_a_cluster_syncs_manifests_without_one() -> None:
    (found,) = pairs(app() + "---\n" + live("one", "shop"), config("one"), "live")
    assert found.resource is not None
    assert told(found) == {"shop/one": "~"}


def test_changes_that_no_application_syncs_are_told() -> None:
    before = {"apps/a.yaml": config("one"), "shop.yaml": app(), "tools/x.yaml": config("x")}
    after = {**before, "tools/x.yaml": config("x", value="2") + "---\n" + config("z")}
    assert [one.id.name for one in unsynced(opened(before).world, opened(after).world)] == ["x", "z"]
