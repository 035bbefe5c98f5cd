"""References between objects: a plain index, and the world's three-valued answers."""

from rolloutlint.graph.layout import Layout, Overlay
from rolloutlint.graph.references import Naming, namings
from rolloutlint.graph.world import Reference, World

__all__ = ["Layout", "Naming", "Overlay", "Reference", "World", "namings"]
