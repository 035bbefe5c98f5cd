"""What an AppProject permits its Applications: repositories, clusters with namespaces, and kinds.

Mirrors argo-cd `pkg/apis/application/v1alpha1/app_project_types.go` (IsSourcePermitted, IsDestinationPermitted,
IsGroupKindPermitted) and `util/git/git.go` (NormalizeGitURL). Every answer is `False` only where it is certain:
patterns that deny (`!`), patterns with unusual characters, and clusters given once by name and once by URL give `True`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rolloutlint.lang.glob import glob_matches

_IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
_ODD = frozenset("[]{}?\\% ")


def source_permitted(spec: Mapping[str, Any], repository: str) -> bool:
    """Whether `sourceRepos` may permit a repository; `*` crosses no `/` there, unless it stands alone."""
    patterns = [p for p in _items(spec, "sourceRepos") if isinstance(p, str)]
    if _denies(patterns) or any(_ODD.intersection(p) for p in (*patterns, repository)):
        return True
    normal = normal_url(repository)
    return any(p == "*" or glob_matches(normal_url(p), normal, "/") for p in patterns)


def destination_permitted(spec: Mapping[str, Any], server: str, name: str, namespace: str) -> bool:
    """Whether `destinations` may permit a namespace of a cluster, given by URL or by name (the other is `""`)."""
    items = [d for d in _items(spec, "destinations") if isinstance(d, dict)]
    if _denies([v for d in items for v in d.values() if isinstance(v, str)]):
        return True
    return any(
        _matches(_text(d, "namespace"), namespace)
        and _cluster_may_match(_text(d, "server"), _text(d, "name"), server.rstrip("/"), name)
        for d in items
    )


def kind_permitted(spec: Mapping[str, Any], group: str, kind: str, namespaced: bool) -> bool:
    """Whether the lists of kinds permit one. An empty list of namespaced kinds permits none, an absent one all."""
    scope = "namespace" if namespaced else "cluster"
    allowed, denied = spec.get(f"{scope}ResourceWhitelist"), spec.get(f"{scope}ResourceBlacklist")
    if _listed(denied, group, kind, certainly=True):
        return False
    if namespaced and not isinstance(allowed, list):
        return True
    return _listed(allowed, group, kind, certainly=False)


def normal_url(url: str) -> str:
    """A repository URL as Argo CD compares it: lower case, no `.git`, no `ssh://`, no colon of scp-like URLs."""
    text = url.strip().lower()
    if "://" not in text and "@" in text.partition("/")[0]:
        text = text.replace(":", "/", 1)
    return text.removesuffix(".git").removeprefix("ssh://")


def _cluster_may_match(pattern: str, named: str, server: str, name: str) -> bool:
    local = server == _IN_CLUSTER[0] or name == _IN_CLUSTER[1]
    if local:
        server, name = _IN_CLUSTER
    if server and pattern and _matches(pattern.rstrip("/"), server):
        return True
    if name and named and _matches(named, name):
        return True
    # the other one of the two names of a cluster stands in its secret, which no manifest here tells
    return bool((named and not name) or (pattern and not server))


def _listed(items: object, group: str, kind: str, certainly: bool) -> bool:
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict) or (certainly and item.get("name")):
            continue
        if glob_matches(_text(item, "group"), group) and glob_matches(_text(item, "kind"), kind):
            return True
    return False


def _matches(pattern: str, text: str) -> bool:
    return pattern == "*" or glob_matches(pattern, text)


def _denies(patterns: list[str]) -> bool:
    """True where a pattern denies, or is filled in later: what is left is then not certain."""
    return any(p.startswith("!") or "{{" in p or "${" in p for p in patterns)


def _items(spec: Mapping[str, Any], key: str) -> Iterator[Any]:
    value = spec.get(key)
    yield from value if isinstance(value, list) else ()


def _text(item: Mapping[Any, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""
