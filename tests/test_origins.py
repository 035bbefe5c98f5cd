"""Places in rendered text, led back: whatever stands in the files, and never with more certainty than there is."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rolloutlint.finding import DocumentId, Path, Place
from rolloutlint.model.values import dig
from rolloutlint.origins import DocumentOrigin, Origins, Rendering
from rolloutlint.settle import Texts
from rolloutlint.source import Source, load

NAME = "over/(rendered)"
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["a", "b c", "web"]))
KEYS = st.sampled_from(["name", "spec", "steps", "metadata", "patch", "x"])
TREES = st.recursive(LEAVES, lambda t: st.lists(t, max_size=3) | st.dictionaries(KEYS, t, max_size=3), max_leaves=8)


def objects(tree: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": tree}


def paths(value: Any, here: Path = ()) -> list[Path]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, child in below for path in paths(child, (*here, key)))]


def origins(rendered: str, by: str, files: dict[str, str]) -> tuple[Origins, Texts]:
    changed = ("over/kustomization.yaml",) if "over/kustomization.yaml" in files else ()
    rendering = Rendering(
        NAME,
        by,
        "over",
        "over/kustomization.yaml",
        Source(NAME, rendered),
        (DocumentOrigin("base/web.yaml", False, changed),),
        ("over/values.yaml",) if by == "helm" else (),
        frozenset(files),
    )
    found = Origins([rendering], lambda name: Source(name, files[name]) if name in files else None)
    return found, Texts(found.source, found.parts({NAME: [(0, len(rendered))]}))


@given(TREES, TREES, TREES, st.data())
def test_what_is_called_the_same_is_the_same(tree: Any, base: Any, patch: Any, data: st.DataObject) -> None:
    value = objects(tree)
    kustomization = {
        "patches": [{"path": "p.yaml"}, {"patch": json.dumps(objects(patch)) + "\n"}, patch],
        "images": patch,
    }
    files = {
        "base/web.yaml": json.dumps(objects(base)),
        "over/kustomization.yaml": json.dumps(kustomization),
        "over/p.yaml": json.dumps(data.draw(st.sampled_from([objects(patch), [patch], patch]))),
    }
    found, texts = origins(json.dumps(value), "kustomize", files)
    path = data.draw(st.sampled_from(paths(value)))
    (traced,) = found.places(Place(DocumentId(NAME, 0), path), texts)
    assert traced.place.document.source in files
    if traced.same:
        text = files[traced.place.document.source]
        (document,) = load(Source("x", text))
        assert dig(document.value, *traced.place.path) == dig(value, *path)  # type: ignore[union-attr]


@given(TREES, st.text(alphabet="{}.-: \nabkind$Valuestoym'\"#", max_size=120), TREES, st.data())
def test_any_template_and_any_values_are_survived(tree: Any, template: str, values: Any, data: st.DataObject) -> None:
    value = objects(tree)
    files = {"base/web.yaml": template, "over/values.yaml": json.dumps(values)}
    found, texts = origins(json.dumps(value, indent=1), "helm", files)
    path = data.draw(st.sampled_from([*paths(value), ("spec", "gone")]))
    for traced in found.places(Place(DocumentId(NAME, 0), path), texts):
        assert traced.place.document.source in {*files, "over/kustomization.yaml"}
        texts.span(traced.place)
