"""Fixes: symbolic edits become byte-exact ones; everything around them stays as it is, comments included."""

from rolloutlint.fix.apply import apply_edits, chosen_edits, still_readable
from rolloutlint.fix.edits import text_edits

__all__ = ["apply_edits", "chosen_edits", "still_readable", "text_edits"]
