"""Conditions of a metric, in the language of expr-lang as Argo Rollouts evaluates it.

`parse` gives the tree, with exact places; `library_of` which release of expr-lang a release of Argo Rollouts has.
"""

from __future__ import annotations

from rolloutlint.lang.expr.lexer import ExprError
from rolloutlint.lang.expr.library import LIBRARIES, NEWEST, Library, library_of
from rolloutlint.lang.expr.parser import parse
from rolloutlint.lang.expr.tree import Node, Span, children, walk

__all__ = ["LIBRARIES", "NEWEST", "ExprError", "Library", "Node", "Span", "children", "library_of", "parse", "walk"]
