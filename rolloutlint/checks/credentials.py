"""RL459 to RL461: credentials of metric providers, and connections that trust anyone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rolloutlint.checks.context import Context, check
from rolloutlint.finding import Finding, Part, Path
from rolloutlint.graph import Naming
from rolloutlint.lang.placeholder import placeholders
from rolloutlint.model import AnalysisTemplate, View
from rolloutlint.model.values import dig, entries, filled_later, mapping, text

ADDRESSES = (
    ("prometheus", "address"),
    ("web", "url"),
    ("graphite", "address"),
    ("wavefront", "address"),
    ("skywalking", "address"),
    ("kayenta", "address"),
)
SECRET_HEADERS = frozenset(
    (
        "authorization",
        "proxy-authorization",
        "api-key",
        "apikey",
        "x-api-key",
        "x-auth-token",
        "x-access-token",
        "x-vault-token",
        "x-query-key",
        "private-token",
        "dd-api-key",
        "dd-application-key",
    )
)
"""Names of request headers, in lower case, that carry nothing but a credential."""

PRODUCERS = (
    ("bitnami.com", "SealedSecret"),
    ("external-secrets.io", "ExternalSecret"),
    ("external-secrets.io", "ClusterExternalSecret"),
    ("secrets.hashicorp.com", "VaultStaticSecret"),
    ("secrets.hashicorp.com", "VaultDynamicSecret"),
    ("ricoberger.de", "VaultSecret"),
    ("onepassword.com", "OnePasswordItem"),
    ("isindir.github.com", "SopsSecret"),
    ("cert-manager.io", "Certificate"),
    ("secrets-store.csi.x-k8s.io", "SecretProviderClass"),
    ("secrets-store.csi.x-k8s.io", "SecretSync"),
    ("kyverno.io", "ClusterPolicy"),
)
"""Kinds from which a controller in the cluster makes Secrets."""

_SCHEME = re.compile(r"(?:bearer|basic|token|apikey|api-key|splunk)\s+", re.IGNORECASE)
_STAND_IN = re.compile(
    r"[<>\[\]*]|x{4}|change.?me|replace|example|dummy|placeholder|redacted|your|todo|vault:|ref\+|://", re.IGNORECASE
)
_USER_INFO = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#@:\s]*:([^/?#@\s]+)@")
_KEY_PARAMETER = re.compile(r"[?&](?:api_?key|access_token|auth_token|token)=([^&#\s]+)", re.IGNORECASE)
_SHORTEST = 8


class _Credential(NamedTuple):
    """A value that only a credential can be, and what it is for.

    `path` and `part` are a place beside the value: a report shows the line of a finding, and not the credential.
    """

    path: Path
    part: Part
    value: str
    what: str


@check("RL459")
def secret_in_manifest(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A token or password that stands in the manifest in clear text."""
    defaults = {text(argument.get("name")): (path, argument) for path, argument in ctx.resource.arguments}
    told: set[str] = set()
    for credential in _credentials(ctx):
        if _is_secret(credential.value):
            yield ctx.finding(credential.path, credential.part, what=credential.what)
            continue
        for placeholder in placeholders(credential.value):
            path, argument = defaults.get(placeholder.name or "", ((), {}))
            value = argument.get("value")
            if path and placeholder.name not in told and isinstance(value, str) and _is_secret(value):
                told.add(text(placeholder.name))
                yield ctx.finding(
                    (*path, "name"),
                    variant="argument",
                    related=(ctx.resource.related(credential.path, "used here", credential.part),),
                    what=credential.what,
                    argument=placeholder.name,
                )


@check("RL460")
def metric_secret_missing(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A Secret that is not there, or that lacks the key, in the namespace in which the analysis runs."""
    if ctx.resource.cluster_scope:
        return
    for path, name, key in _secrets(ctx):
        reference = ctx.world.resolve(ctx.resource.resource, Naming("secret", "", "Secret", "", name, path))
        if _made_otherwise(ctx, name):
            continue
        if reference.target is not None:
            secret = ctx.world.view(reference.target)
            keys = _keys(secret)
            if key and keys and key not in keys and not ctx.world.patched(secret.resource, ("data",)):
                field = "stringData" if secret.value.get("stringData") else "data"
                yield ctx.finding(
                    (*path[:-1], "key"),
                    variant="key",
                    related=(secret.related((field,), "the keys it has", "key"),),
                    name=name,
                    key=key,
                )
        elif reference.missing and ctx.world.closed:
            yield ctx.finding(path, name=name, key=key)


@check("RL461")
def insecure_tls(ctx: Context[AnalysisTemplate]) -> Iterator[Finding]:
    """A provider that accepts every certificate."""
    for provider in ("prometheus", "web"):
        for path, config, _ in ctx.resource.configured.get(provider, ()):
            if config.get("insecure") is True:
                yield ctx.finding((*path, "insecure"), provider=provider)


def _credentials(ctx: Context[AnalysisTemplate]) -> Iterator[_Credential]:
    """The values of a template's metrics that are credentials or contain one."""
    for provider in ("prometheus", "web"):
        for path, config, _ in ctx.resource.configured.get(provider, ()):
            for header, entry in entries(config, path, "headers"):
                name = text(entry.get("key"))
                if name.strip().lower() in SECRET_HEADERS:
                    value = text(entry.get("value"))
                    yield _Credential((*header, "key"), "value", value, f"the header `{name.strip()}`")
            for block, field in (("oauth2", "clientSecret"), ("basicAuth", "password")):
                value = text(dig(config, "authentication", block, field))
                if value:
                    yield _Credential((*path, "authentication", block), "key", value, f"`{field}`")
    for provider, field in ADDRESSES:
        for path, config, _ in ctx.resource.configured.get(provider, ()):
            address = text(config.get(field))
            for pattern in (_USER_INFO, _KEY_PARAMETER):
                found = pattern.search(address)
                if found is not None:
                    yield _Credential(path, "key", found[1], f"`{field}`")


def _is_secret(value: str) -> bool:
    """True for text that can only be a credential: no placeholder, no stand-in of a documentation."""
    token = _SCHEME.sub("", value.strip(), count=1)
    long_enough = len(token) >= _SHORTEST and len(set(token)) > 3
    return long_enough and not filled_later(value) and _STAND_IN.search(token) is None and " " not in token


def _secrets(ctx: Context[AnalysisTemplate]) -> Iterator[tuple[Path, str, str]]:
    """(path of the name, name, key or `""`) of the Secrets that an analysis reads in its own namespace."""
    for path, argument in ctx.resource.arguments:
        reference = mapping(dig(argument, "valueFrom", "secretKeyRef"))
        name, key = text(reference.get("name")), text(reference.get("key"))
        if name:
            yield (*path, "valueFrom", "secretKeyRef", "name"), name, "" if filled_later(key) else key
    for path, config, _ in ctx.resource.configured.get("datadog", ()):
        secret = mapping(config.get("secretRef"))
        if secret.get("namespaced") is True and text(secret.get("name")):
            yield (*path, "secretRef", "name"), text(secret.get("name")), ""


def _keys(secret: View) -> Mapping[str, Any]:
    return {**mapping(secret.value.get("data")), **mapping(secret.value.get("stringData"))}


def _made_otherwise(ctx: Context[AnalysisTemplate], name: str) -> bool:
    """True where a kustomization or a controller may make a Secret of that name."""
    if ctx.world.layout.kustomizations:
        return True
    return any(maker.mentions(name) for group, kind in PRODUCERS for maker in ctx.world.of_kind(group, kind))
