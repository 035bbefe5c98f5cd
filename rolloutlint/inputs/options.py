"""How rendering is to be done, apart from the renderers themselves, which few runs need."""

from __future__ import annotations

from typing import NamedTuple


class RenderOptions(NamedTuple):
    """What a run says about kustomizations and charts."""

    enabled: bool = True
    """Whether programs are started; without them only `given` counts."""
    cache: bool = True
    """Whether outputs are kept in the user's cache directory, and taken from there."""
    given: tuple[tuple[str, str], ...] = ()
    """(Application, directory or file): output that was made elsewhere."""
    seconds: float = 60.0
    """How long one build may take."""
