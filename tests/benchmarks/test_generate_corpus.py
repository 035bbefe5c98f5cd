"""The benchmark corpora are what they say: deterministic, well formed, faulty where it is written down."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

import pytest
import yaml
from applications import BLUE_GREEN, BLUE_GREEN_FAULTS, CANARY, CANARY_FAULTS, Fault
from generate import Layout, application, generate, plant

FAULTS = [(CANARY, f) for f in CANARY_FAULTS] + [(BLUE_GREEN, f) for f in BLUE_GREEN_FAULTS]


def _files(directory: Path) -> dict[str, str]:
    return {str(p.relative_to(directory)): p.read_text() for p in sorted(directory.rglob("*.yaml"))}


def _documents(directory: Path) -> list[dict[str, Any]]:
    return [d for text in _files(directory).values() for d in yaml.safe_load_all(text)]


def test_the_same_arguments_write_the_same_bytes(tmp_path: Path) -> None:
    generate(str(tmp_path / "one"), 8, faults=0.5)
    generate(str(tmp_path / "two"), 8, faults=0.5)
    assert _files(tmp_path / "one") == _files(tmp_path / "two")


def test_an_application_does_not_depend_on_the_size_of_the_corpus(tmp_path: Path) -> None:
    generate(str(tmp_path / "few"), 3)
    generate(str(tmp_path / "many"), 9)
    assert _files(tmp_path / "few").items() <= _files(tmp_path / "many").items()


@pytest.mark.parametrize(("layout", "files"), [("app", 20), ("perdoc", 32), ("bundle", 4), ("big", 1)])
def test_every_layout_holds_the_same_documents(tmp_path: Path, layout: Layout, files: int) -> None:
    corpus = generate(str(tmp_path / layout), 4, layout)
    generate(str(tmp_path / "reference"), 4)
    written, expected = _documents(tmp_path / layout), _documents(tmp_path / "reference")
    for document in written + expected:
        if document["kind"] == "Application":
            del document["spec"]["source"]
    assert corpus.files == len(_files(tmp_path / layout)) == files
    assert corpus.documents == len(written) == 32
    assert all(document in expected for document in written)


def test_the_size_reported_is_the_size_on_disk(tmp_path: Path) -> None:
    corpus = generate(str(tmp_path / "corpus"), 5, faults=0.4)
    assert corpus.size == sum(p.stat().st_size for p in (tmp_path / "corpus").rglob("*.yaml"))


def test_the_planted_faults_are_written_beside_the_corpus(tmp_path: Path) -> None:
    corpus = generate(str(tmp_path / "corpus"), 10, faults=0.3)
    listed = json.loads((tmp_path / "corpus.planted.json").read_text())
    assert len(listed) == len(corpus.planted) == 3
    assert all((tmp_path / "corpus" / fault["file"]).is_file() for fault in listed.values())


def test_a_clean_and_a_faulty_corpus_differ_only_in_the_planted_files(tmp_path: Path) -> None:
    generate(str(tmp_path / "clean"), 20)
    corpus = generate(str(tmp_path / "faulty"), 20, faults=0.3)
    clean, faulty = _files(tmp_path / "clean"), _files(tmp_path / "faulty")
    assert {name for name in clean if clean[name] != faulty[name]} == {f.file for f in corpus.planted.values()}


@pytest.mark.parametrize(("texts", "fault"), FAULTS, ids=lambda v: v.name if isinstance(v, Fault) else "")
def test_every_fault_changes_its_document_and_leaves_it_yaml(texts: dict[str, str], fault: Fault) -> None:
    values = {
        "app": "a",
        "team": "t",
        "namespace": "n",
        "replicas": "2",
        "version": "v1",
        "path": "    path: a",
    }
    good = yaml.safe_load(Template(texts[fault.document]).substitute(values))
    bad = yaml.safe_load(Template(plant(texts[fault.document], fault)).substitute(values))
    assert bad != good
    assert bad["kind"] == good["kind"]


def test_a_fault_that_is_not_unique_in_its_document_is_refused() -> None:
    with pytest.raises(ValueError, match="stands 2 times"):
        plant("x x", Fault("twice", "Rollout", "x", "y"))


def test_references_inside_a_clean_application_resolve() -> None:
    for number in range(12):
        texts = application(number, "app", faulty=False).documents.values()
        by_name = {(d["kind"], d["metadata"]["name"]): d for d in map(yaml.safe_load, texts)}
        services = {name for kind, name in by_name if kind == "Service"}
        templates = {name for kind, name in by_name if kind == "AnalysisTemplate"}
        (route,) = (d["spec"]["http"][0] for (kind, _), d in by_name.items() if kind == "VirtualService")
        (rollout,) = (d["spec"]["strategy"] for (kind, _), d in by_name.items() if kind == "Rollout")
        assert {destination["destination"]["host"] for destination in route["route"]} <= services
        assert set(_values(rollout, "templateName")) == templates
        assert {*_values(rollout, "canaryService"), *_values(rollout, "activeService")} <= services


def _values(node: Any, key: str) -> list[Any]:
    if isinstance(node, dict):
        return [v for k, v in node.items() if k == key] + [v for child in node.values() for v in _values(child, key)]
    return [v for child in node for v in _values(child, key)] if isinstance(node, list) else []
