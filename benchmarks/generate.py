"""Writes a corpus of N applications of eight documents each, clean or with one planted fault in some of them.

Deterministic: application *i* has the same bytes whatever the size of the corpus, the layout (but for the
path in its Application) and the process that writes it. The faults are listed in `<directory>.planted.json`.

Layouts:

* `app`: a directory for each application and one for the Applications (5 files each), as teams do it;
* `perdoc`: a file for each document (8 files each);
* `bundle`: a multi-document file for each application (1 file each);
* `big`: one file with everything, as `kubectl get -o yaml` or a renderer gives it. Which Application its
  resources belong to cannot be told from it, so faults that only the pair shows are not to be found there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from string import Template
from typing import Literal

from applications import BLUE_GREEN, BLUE_GREEN_FAULTS, CANARY, CANARY_FAULTS, Fault

Layout = Literal["app", "perdoc", "bundle", "big"]
LAYOUTS: tuple[Layout, ...] = ("app", "perdoc", "bundle", "big")

_NAMES = (
    "api",
    "auth",
    "billing",
    "cart",
    "catalog",
    "checkout",
    "currency",
    "email",
    "fraud",
    "gateway",
    "geo",
    "inventory",
    "ledger",
    "mailer",
    "media",
    "notify",
    "order",
    "payment",
    "price",
    "profile",
    "quote",
    "rank",
    "rating",
    "recommend",
    "report",
    "review",
    "search",
    "session",
    "shipping",
    "stock",
    "tax",
    "token",
    "track",
    "user",
    "vault",
    "wallet",
)
_SUFFIXES = ("service", "worker", "api", "web")
_TEAMS = ("payments", "platform", "growth", "search", "logistics", "identity", "data", "core")
_NAMESPACES = ("production", "staging", "prod-eu", "prod-us")
_FILES = {
    "Rollout": "rollout",
    "Service": "services",
    "VirtualService": "istio",
    "DestinationRule": "istio",
    "AnalysisTemplate": "analysis",
}
_PATHS: dict[Layout, str] = {
    "app": "    path: apps/${app}",
    "perdoc": "    path: apps/${app}",
    "bundle": "    path: apps\n    directory:\n      include: ${app}.yaml",
    "big": "    path: apps/${app}",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault in the corpus: what it is, in which kind of document and in which file below the corpus."""

    fault: str
    kind: str
    file: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """What was written; `size` in bytes, `planted` by application."""

    apps: int
    files: int
    documents: int
    size: int
    planted: Mapping[str, Planted]


@dataclass(frozen=True, slots=True)
class App:
    """One application: document name (a kind, numbered where there are two) -> text."""

    name: str
    documents: Mapping[str, str]
    fault: Fault | None


def application(number: int, layout: Layout, faulty: bool, seed: int = 1) -> App:
    """Application `number`: three of four are canaries, the rest blue-green."""
    rnd = random.Random(f"{seed}/{number}")
    name = f"{rnd.choice(_NAMES)}-{rnd.choice(_SUFFIXES)}-{number:05d}"
    values = {
        "app": name,
        "team": rnd.choice(_TEAMS),
        "namespace": rnd.choice(_NAMESPACES),
        "replicas": str(rnd.randint(2, 40)),
        "version": f"v{rnd.randint(1, 9)}.{rnd.randint(0, 40)}.{rnd.randint(0, 9)}",
    }
    values["path"] = Template(_PATHS[layout]).substitute(values)
    texts, faults = (BLUE_GREEN, BLUE_GREEN_FAULTS) if rnd.random() < 0.25 else (CANARY, CANARY_FAULTS)
    fault = rnd.choice(faults) if faulty else None
    documents = {
        document: Template(plant(text, fault) if fault and fault.document == document else text).substitute(values)
        for document, text in texts.items()
    }
    return App(name, documents, fault)


def plant(text: str, fault: Fault) -> str:
    """`text` with the fault. Raises `ValueError` unless the good spelling stands there exactly once."""
    if text.count(fault.good) != 1:
        raise ValueError(f"{fault.name}: {fault.good!r} stands {text.count(fault.good)} times in {fault.document}")
    return text.replace(fault.good, fault.bad)


def kind(document: str) -> str:
    """The kind of a document of an `App`: `"Service 2"` is a `Service`."""
    return document.split(" ")[0]


def file_name(layout: Layout, app: str, document: str, number: int) -> str:
    """The file, below the corpus, that document `number` of an application goes to."""
    if layout == "big":
        return "all.yaml"
    if layout == "bundle":
        return f"apps/{app}.yaml"
    if document == "Application":
        return f"argocd/{app}.yaml"
    if layout == "perdoc":
        return f"apps/{app}/{number}-{kind(document).lower()}.yaml"
    return f"apps/{app}/{_FILES[kind(document)]}.yaml"


def faulty_apps(apps: int, fraction: float, seed: int) -> frozenset[int]:
    """Which applications get a fault: exactly `fraction` of them, rounded."""
    return frozenset(random.Random(f"{seed}/faults").sample(range(apps), round(apps * fraction)))


def _corpus_documents(
    apps: int, layout: Layout, fraction: float, seed: int, planted: dict[str, Planted]
) -> Iterator[tuple[str, str]]:
    faulty = faulty_apps(apps, fraction, seed)
    for number in range(apps):
        app = application(number, layout, number in faulty, seed)
        for position, (document, text) in enumerate(app.documents.items()):
            file = file_name(layout, app.name, document, position)
            if app.fault and app.fault.document == document:
                planted[app.name] = Planted(app.fault.name, kind(document), file)
            yield file, text


def generate(directory: str, apps: int, layout: Layout = "app", faults: float = 0.0, seed: int = 1) -> Corpus:
    """Writes a corpus to `directory`, which must not exist yet, and its list of faults beside it."""
    os.makedirs(directory)
    planted: dict[str, Planted] = {}
    files = documents = size = 0
    current = ""
    with ExitStack() as stack:
        handle = None
        for name, text in _corpus_documents(apps, layout, faults, seed, planted):
            if name != current:
                stack.close()
                path = os.path.join(directory, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                handle = stack.enter_context(open(path, "w", encoding="utf-8", newline="\n"))
                current, files = name, files + 1
            else:
                text = "---\n" + text
            assert handle is not None
            handle.write(text)
            documents += 1
            size += len(text.encode())
    with open(directory.rstrip("/") + ".planted.json", "w", encoding="utf-8") as listing:
        json.dump({app: asdict(fault) for app, fault in planted.items()}, listing, indent=1, sort_keys=True)
    return Corpus(apps, files, documents, size, planted)


def main() -> None:
    """Command line: writes one corpus and prints what it holds."""
    parser = argparse.ArgumentParser(description="Write a corpus of Argo Rollouts applications.")
    parser.add_argument("directory", help="where to write it; must not exist yet")
    parser.add_argument("--apps", type=int, default=10, help="how many applications of 8 documents (default: 10)")
    parser.add_argument("--layout", choices=LAYOUTS, default="app")
    parser.add_argument("--faults", type=float, default=0.0, help="fraction of the applications with a planted fault")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    corpus = generate(given.directory, given.apps, given.layout, given.faults, given.seed)
    print(
        f"{corpus.documents} documents, {corpus.files} files, {corpus.size / 1e6:.2f} MB, "
        f"{len(corpus.planted)} planted faults in {given.directory}"
    )


if __name__ == "__main__":
    main()
