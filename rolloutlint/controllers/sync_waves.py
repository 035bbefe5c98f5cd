"""When Argo CD applies an object within a sync: its phases and its wave.

Mirrors gitops-engine `pkg/sync/syncwaves/waves.go`, `pkg/sync/hook/hook.go`, `pkg/sync/hook/helm`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rolloutlint.lang.intstr import atoi

WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
HELM_WEIGHT = "helm.sh/hook-weight"
HOOK_POLICY = "argocd.argoproj.io/hook-delete-policy"
HELM_POLICY = "helm.sh/hook-delete-policy"
HOOKS = ("PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete")
_FROM_HELM = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
    "pre-delete": "PreDelete",
    "post-delete": "PostDelete",
}
_POLICIES = {
    "hook-succeeded": "HookSucceeded",
    "hook-failed": "HookFailed",
    "before-hook-creation": "BeforeHookCreation",
}


def wave(annotations: Mapping[str, str]) -> int:
    """The sync wave; 0 without a readable one, as a value that is no integer counts for nothing."""
    for key in (WAVE, HELM_WEIGHT):
        number = atoi(annotations.get(key))
        if number is not None:
            return number
    return 0


def hooks(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """The phases in which the object runs as a hook; `()` for an ordinary object.

    Values are compared as written: `post-sync` is none of Argo CD's. Helm's count only without one of them.
    """
    own = tuple(dict.fromkeys(h for h in _listed(annotations, HOOK) if h in HOOKS))
    if own:
        return own
    return tuple(dict.fromkeys(_FROM_HELM[h] for h in _listed(annotations, HELM_HOOK) if h in _FROM_HELM))


def is_hook(annotations: Mapping[str, str]) -> bool:
    """True where the object is no ordinary part of the sync: a hook, or ignored for a hook nobody knows.

    Helm marks definitions with `crd-install`, which is no hook (gitops-engine `pkg/sync/hook/helm/hook.go`).
    """
    return HOOK in annotations or annotations.get(HELM_HOOK, "crd-install") != "crd-install"


def unread_hooks(written: str) -> Iterator[tuple[str, int]]:
    """The values of a hook annotation that Argo CD does not know, each with its offset."""
    start = 0
    for part in written.split(","):
        text = part.strip()
        if text and text not in HOOKS:
            yield text, start + part.find(text)
        start += len(part) + 1


def hook_meant(text: str) -> str:
    """The hook that a value means which is none: in another case, with dashes, in Helm's words; `""` for none."""
    squeezed = "".join(char for char in text.lower() if char.isalpha())
    return _MEANT.get(squeezed, "")


_MEANT = {hook.lower(): hook for hook in HOOKS} | {helm.replace("-", ""): hook for helm, hook in _FROM_HELM.items()}


def delete_policies(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """When Argo CD deletes a hook; without a value that it knows, before it creates the next one.

    Mirrors gitops-engine `pkg/sync/hook/delete_policy.go`: the policies of Helm count beside Argo CD's.
    """
    own = [p for p in _listed(annotations, HOOK_POLICY) if p in _POLICIES.values()]
    helm = [_POLICIES[p] for p in _listed(annotations, HELM_POLICY) if p in _POLICIES]
    return tuple(dict.fromkeys(own + helm)) or ("BeforeHookCreation",)


def _listed(annotations: Mapping[str, str], key: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in annotations.get(key, "").split(",") if part.strip())
