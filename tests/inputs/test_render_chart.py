"""The arguments that helm gets, and what is refused before it runs: as Argo CD does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rolloutlint.inputs.render.build import Command, Refusal, Request
from rolloutlint.inputs.render.chart import chart_name, prepare, read_output
from rolloutlint.inputs.render.variables import substitute

CHART = {"web/Chart.yaml": "apiVersion: v2\nname: storefront\nversion: 1.0.0\n", "web/values.yaml": "a: 1\n"}


def tree(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def request(root: Path, references: Mapping[str, str] | None = None, **options: Any) -> Request:
    return Request(
        "helm",
        str(root / "web"),
        "out",
        options,
        release="shop",
        namespace="prod",
        variables={"ARGOCD_APP_NAME": "shop"},
        references=references or {},
        repository=str(root),
    )


def arguments(root: Path, **options: Any) -> list[str]:
    found = prepare(request(root, **options), str(root))
    assert not isinstance(found, Refusal), found
    return list(found[0].arguments)


def refused(root: Path, **options: Any) -> Refusal:
    found = prepare(request(root, **options), str(root))
    assert isinstance(found, Refusal)
    return found


def test_without_options_release_namespace_and_crds(tmp_path: Path) -> None:
    tree(tmp_path, CHART)
    assert arguments(tmp_path) == [
        *("template", "--name-template", "shop", "--namespace", "prod", "--include-crds", "--", "."),
    ]


def test_options_become_the_flags_that_argo_cd_uses(tmp_path: Path) -> None:
    tree(tmp_path, {**CHART, "web/blob": "x"})
    given = arguments(
        tmp_path,
        releaseName="other",
        namespace="elsewhere",
        kubeVersion="1.31",
        apiVersions=["a/v1"],
        skipCrds=True,
        skipTests=True,
        skipSchemaValidation=True,
        parameters=[
            {"name": "b", "value": "x,y"},
            {"name": "a", "value": "{p,q}"},
            {"name": "n", "value": "$ARGOCD_APP_NAME", "forceString": True},
        ],
        fileParameters=[{"name": "f", "path": "blob"}],
    )
    assert given == [
        *("template", "--name-template", "other", "--namespace", "elsewhere", "--kube-version", "1.31"),
        *("--set", "a={p,q}", "--set", "b=x\\,y", "--set-string", "n=shop", "--set-file", f"f={tmp_path}/web/blob"),
        *("--api-versions", "a/v1", "--skip-schema-validation", "--skip-tests", "--", "."),
    ]


def test_values_files_count_from_chart_repository_and_reference(tmp_path: Path) -> None:
    tree(tmp_path, {**CHART, "env/prod.yaml": "", "shared.yaml": "", "web/x-1.yaml": "", "web/x-2.yaml": ""})
    names = ["$team/env/prod.yaml", "/shared.yaml", "values.yaml", "x-*.yaml", "x-1.yaml"]
    given = arguments(tmp_path, references={"team": str(tmp_path)}, valueFiles=names)
    files = [given[at + 1] for at, flag in enumerate(given) if flag == "--values"]
    assert [Path(f).relative_to(tmp_path).as_posix() for f in files] == [
        *("env/prod.yaml", "shared.yaml", "web/values.yaml", "web/x-2.yaml", "web/x-1.yaml"),
    ]


def test_inline_values_come_last_and_the_object_wins(tmp_path: Path) -> None:
    tree(tmp_path, CHART)
    wish = request(tmp_path, values="a: 2", valuesObject={"a": 3}, valueFiles=["values.yaml"])
    found = prepare(wish, str(tmp_path))
    assert not isinstance(found, Refusal)
    command, values = found
    assert list(command.copies.values()) == [b'{"a": 3}']
    assert command.arguments[-5:-2] == ("--values", "{home}/values-of-the-application.json", "--include-crds")
    assert values == (f"{tmp_path}/web/values.yaml", f"{tmp_path}/web/values.yaml")


@pytest.mark.parametrize(
    "options, said, lost",
    [
        ({"valueFiles": ["https://example.com/v.yaml"]}, "remote", False),
        ({"valueFiles": ["gone.yaml"]}, "does not exist", True),
        ({"valueFiles": ["../../etc/passwd"]}, "outside of the repository", True),
        ({"valueFiles": ["$team/v.yaml"], "references": {"team": ""}}, "another repository", False),
        ({"fileParameters": [{"name": "f", "path": "gone"}]}, "does not exist", True),
        ({"releaseName": "Not_A_Name"}, "no release named", True),
        ({"releaseName": "x" * 54}, "no release named", True),
    ],
)
def test_values_that_cannot_be_had_are_refused(tmp_path: Path, options: Any, said: str, lost: bool) -> None:
    tree(tmp_path, CHART)
    refusal = refused(tmp_path, **options)
    assert said in refusal.message
    assert refusal.lost is lost


def test_a_missing_values_file_may_be_ignored(tmp_path: Path) -> None:
    tree(tmp_path, CHART)
    assert "--values" not in arguments(tmp_path, valueFiles=["gone.yaml"], ignoreMissingValueFiles=True)


def test_dependencies_must_be_vendored(tmp_path: Path) -> None:
    more = {"web/Chart.yaml": "name: web\ndependencies: [{name: redis}, {name: db}]\n", "web/charts/db-1.tgz": ""}
    tree(tmp_path, {**CHART, **more})
    refusal = refused(tmp_path)
    assert "`redis` not vendored" in refusal.message
    assert "helm dependency build web" in refusal.message
    assert not refusal.lost
    tree(tmp_path, {"web/charts/redis/Chart.yaml": "name: redis\n"})
    assert arguments(tmp_path)


def test_a_library_renders_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"web/Chart.yaml": "name: web\ntype: library\n"})
    assert "library" in refused(tmp_path).message


def test_a_link_out_of_the_chart_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path / "repo", CHART)
    (tmp_path / "outside").mkdir()
    (root / "web" / "templates").symlink_to(tmp_path / "outside")
    assert "out of the tree" in refused(root).message


def test_what_is_hashed_is_the_whole_chart_and_its_values(tmp_path: Path) -> None:
    tree(tmp_path, {**CHART, "web/templates/x.yaml": "", "v.yaml": ""})
    found = prepare(request(tmp_path, valueFiles=["/v.yaml"]), str(tmp_path))
    assert isinstance(found, tuple)
    assert isinstance(found[0], Command)
    names = {Path(path).relative_to(tmp_path).as_posix() for path in found[0].inputs}
    assert names == {"web/Chart.yaml", "web/values.yaml", "web/templates/x.yaml", "v.yaml"}


def test_what_lies_behind_a_link_is_hashed_too_and_loops_end(tmp_path: Path) -> None:
    tree(tmp_path, {**CHART, "common/Chart.yaml": "name: common\n"})
    (tmp_path / "web" / "charts").mkdir()
    (tmp_path / "web" / "charts" / "common").symlink_to(tmp_path / "common")
    (tmp_path / "common" / "loop").symlink_to(tmp_path / "web")
    found = prepare(request(tmp_path), str(tmp_path))
    assert isinstance(found, tuple)
    assert f"{tmp_path}/web/charts/common/Chart.yaml" in found[0].inputs


def test_every_document_leads_back_to_its_template(tmp_path: Path) -> None:
    tree(tmp_path, {**CHART, "web/templates/a.yaml": "", "web/charts/sub/templates/b.yaml": ""})
    output = (
        "---\n# Source: storefront/templates/a.yaml\nx: 1\n---\n# Source: storefront/charts/sub/templates/b.yaml\nx: 2"
    )
    text, origins = read_output(output, request(tmp_path))
    assert text.count("---\n") == 1
    assert [Path(o.file).relative_to(tmp_path).as_posix() for o in origins] == [
        *("web/templates/a.yaml", "web/charts/sub/templates/b.yaml"),
    ]


def test_a_chart_is_called_what_it_says(tmp_path: Path) -> None:
    tree(tmp_path, CHART)
    assert chart_name(str(tmp_path / "web")) == "storefront"
    assert chart_name(str(tmp_path)) == tmp_path.name


@pytest.mark.parametrize("text, filled", [("$A-${B}", "1-2"), ("$$A", "$A"), ("$C.", "."), ("plain", "plain")])
def test_variables_are_filled_in_as_by_argo_cd(text: str, filled: str) -> None:
    assert substitute(text, {"A": "1", "B": "2"}) == filled
