"""Asks where requests go among texts in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rolloutlint.engine import Run
from rolloutlint.graph import Layout
from rolloutlint.loading import Loaded
from rolloutlint.routes import Answer, Question, answers
from rolloutlint.settings import Settings
from rolloutlint.source import Source
from tests.harness import CATALOGUE, sources


def ask(
    files: str | Mapping[str, str], host: str, *, settings: Settings | None = None, **question: Any
) -> Sequence[Answer]:
    """The answers for a request to `host` among the files (name -> text; a lone text is `mesh.yaml`)."""
    named = {"mesh.yaml": files} if isinstance(files, str) else files
    loaded = Loaded()
    for source in sources(named):
        assert isinstance(source, Source)
        loaded.add(source)
    loaded.sort()

    def fetch(name: str) -> Source | None:
        found = next(sources({name: named[name]}))
        return found if isinstance(found, Source) else None

    def layout(_: object) -> Layout:
        return Layout(roots=dict.fromkeys(named, "."))

    chosen = settings or Settings()
    run = Run(loaded, layout, fetch, chosen, CATALOGUE, debug=True)
    return answers(run.world, run.texts, chosen, Question(host, **question))


def only(files: str | Mapping[str, str], host: str, **question: Any) -> Answer:
    """The one answer."""
    (answer,) = ask(files, host, **question)
    return answer


def told(answer: Answer) -> list[str]:
    """Each destination as `share host/subset: version of workload`."""
    return [
        f"{float(d.share):g} {d.host.removesuffix('.svc.cluster.local')}{'/' * bool(d.subset)}{d.subset}: "
        + ", ".join(f"{r.version}{' ' * bool(r.version)}{r.workload}" for r in d.receivers)
        for d in answer.destinations
    ]
