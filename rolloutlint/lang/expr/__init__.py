"""Conditions of a metric, in the language of expr-lang as Argo Rollouts evaluates it.

`parse` gives the tree, with exact places; `compile_condition` (`expr.compile`) a program for a shape of result, and
`Program.run` its answer; `decide` the phase of a measurement, `regions` the phases of all numbers. The rest are
questions for rules.
"""

from __future__ import annotations

from rolloutlint.lang.expr.cells import MAX_POINTS, Region, breakpoints, cells, looks_at_several, pairs, regions
from rolloutlint.lang.expr.closures import UNKNOWN, Unknown
from rolloutlint.lang.expr.hints import CompileError
from rolloutlint.lang.expr.lexer import ExprError
from rolloutlint.lang.expr.library import LIBRARIES, NEWEST, Library, library_of, rollouts_of
from rolloutlint.lang.expr.parser import parse
from rolloutlint.lang.expr.program import (
    Fault,
    Phase,
    Program,
    compile_condition,
    decide,
    program_of,
    shape_of,
)
from rolloutlint.lang.expr.questions import (
    Access,
    Comparison,
    Constant,
    Ignored,
    LateGuard,
    UnknownName,
    author_decided_empty,
    comparisons,
    constants,
    ignored_arguments,
    is_result,
    late_guards,
    length_checks,
    nan_checks,
    unknown_names,
    uses_index,
)
from rolloutlint.lang.expr.tree import (
    Binary,
    Call,
    Hole,
    Member,
    Name,
    Node,
    Number,
    Predicate,
    Slice,
    Span,
    String,
    Unary,
    children,
    walk,
)
from rolloutlint.lang.expr.types import SHAPES, Shape

compile = compile_condition  # noqa: A001 - as re.compile

__all__ = [
    "LIBRARIES",
    "MAX_POINTS",
    "NEWEST",
    "SHAPES",
    "UNKNOWN",
    "Access",
    "Binary",
    "Call",
    "Comparison",
    "CompileError",
    "Constant",
    "ExprError",
    "Fault",
    "Hole",
    "Ignored",
    "LateGuard",
    "Library",
    "Member",
    "Name",
    "Node",
    "Number",
    "Phase",
    "Predicate",
    "Program",
    "Region",
    "Shape",
    "Slice",
    "Span",
    "String",
    "Unary",
    "Unknown",
    "UnknownName",
    "author_decided_empty",
    "breakpoints",
    "cells",
    "children",
    "comparisons",
    "compile",
    "compile_condition",
    "constants",
    "decide",
    "ignored_arguments",
    "is_result",
    "late_guards",
    "length_checks",
    "library_of",
    "looks_at_several",
    "nan_checks",
    "pairs",
    "parse",
    "program_of",
    "regions",
    "rollouts_of",
    "shape_of",
    "unknown_names",
    "uses_index",
    "walk",
]
