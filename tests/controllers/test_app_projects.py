"""What an AppProject certainly denies."""

from __future__ import annotations

import pytest

from rolloutlint.controllers.app_projects import destination_permitted, kind_permitted, normal_url, source_permitted

LOCAL = "https://kubernetes.default.svc"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Git.Example/Shop/Deploy.git", "https://git.example/shop/deploy"),
        ("git@git.example:shop/deploy.git", "git@git.example/shop/deploy"),
        ("ssh://git@git.example/shop/deploy", "git@git.example/shop/deploy"),
        (" https://git.example/shop ", "https://git.example/shop"),
    ],
)
def test_urls_of_one_repository_are_one(url: str, expected: str):
    assert normal_url(url) == expected


@pytest.mark.parametrize(
    ("patterns", "repository", "permitted"),
    [
        (["git@git.example:shop/*"], "ssh://git@git.example/shop/deploy.git", True),
        (["https://git.example/*"], "https://git.example/shop/deploy", False),
        (["https://git.example/*/*"], "https://git.example/shop/deploy", True),
        (["https://git.example/{shop,tools}/deploy"], "https://git.example/other/deploy", True),
        ([None, 5], "https://git.example/shop", False),
    ],
)
def test_repositories(patterns: list[object], repository: str, permitted: bool):
    assert source_permitted({"sourceRepos": patterns}, repository) is permitted


@pytest.mark.parametrize(
    ("destination", "server", "name", "permitted"),
    [
        ({"server": LOCAL + "/", "namespace": "*"}, LOCAL, "", True),
        ({"name": "in-cluster", "namespace": "*"}, LOCAL, "", True),
        ({"server": LOCAL, "namespace": "*"}, "", "in-cluster", True),
        ({"server": LOCAL, "namespace": "*"}, "", "prod", True),
        ({"name": "prod-*", "namespace": "*"}, "", "prod-eu", True),
        ({"name": "prod-*", "namespace": "*"}, "", "dev-eu", False),
        ({"name": "prod", "namespace": "*"}, "https://10.0.0.1", "", True),
        ({"server": "https://10.0.0.1", "namespace": "*"}, "https://10.0.0.2", "", False),
        ({"server": "*", "namespace": "team-*"}, LOCAL, "", False),
        ({"namespace": "*"}, LOCAL, "", False),
    ],
)
def test_destinations(destination: dict[str, str], server: str, name: str, permitted: bool):
    assert destination_permitted({"destinations": [destination]}, server, name, "shop") is permitted


@pytest.mark.parametrize(
    ("spec", "namespaced", "permitted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"namespaceResourceWhitelist": []}, True, False),
        ({"namespaceResourceWhitelist": [{"group": "argoproj.*", "kind": "Roll*"}]}, True, True),
        ({"namespaceResourceBlacklist": [{"group": "argoproj.io", "kind": "Rollout"}]}, True, False),
        ({"namespaceResourceBlacklist": [{"group": "argoproj.io", "kind": "Rollout", "name": "x"}]}, True, True),
        ({"clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}, False, True),
    ],
)
def test_kinds(spec: dict[str, object], namespaced: bool, permitted: bool):
    assert kind_permitted(spec, "argoproj.io", "Rollout", namespaced) is permitted
