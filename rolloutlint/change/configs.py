"""The ConfigMaps and Secrets that a pod template names: without them its pods cannot start again."""

from __future__ import annotations

from collections.abc import Iterator

from rolloutlint.model.values import dig, mapping, sequence, text


def configs_of(template: object) -> Iterator[tuple[str, str]]:
    """(kind, name) of each one that is not optional: environment, volumes, projections and pull secrets."""
    spec = mapping(dig(template, "spec"))
    for key in ("initContainers", "containers", "ephemeralContainers"):
        for container in sequence(spec.get(key)):
            for entry in sequence(mapping(container).get("env")):
                source = dig(entry, "valueFrom")
                yield from _named(dig(source, "configMapKeyRef"), "ConfigMap", "name")
                yield from _named(dig(source, "secretKeyRef"), "Secret", "name")
            for entry in sequence(mapping(container).get("envFrom")):
                yield from _named(dig(entry, "configMapRef"), "ConfigMap", "name")
                yield from _named(dig(entry, "secretRef"), "Secret", "name")
    for volume in sequence(spec.get("volumes")):
        yield from _named(dig(volume, "configMap"), "ConfigMap", "name")
        yield from _named(dig(volume, "secret"), "Secret", "secretName")
        for source in sequence(dig(volume, "projected", "sources")):
            yield from _named(dig(source, "configMap"), "ConfigMap", "name")
            yield from _named(dig(source, "secret"), "Secret", "name")


def _named(reference: object, kind: str, key: str) -> Iterator[tuple[str, str]]:
    name = text(mapping(reference).get(key))
    if name and mapping(reference).get("optional") is not True:
        yield kind, name
