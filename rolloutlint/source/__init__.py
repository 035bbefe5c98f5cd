"""Texts and YAML: plain values as the cluster types them, and exact places on demand. Knows nothing of Kubernetes."""

from rolloutlint.source.comments import Comment, comments
from rolloutlint.source.documents import Document, Reader, load, slices
from rolloutlint.source.fastread import NotPlainError
from rolloutlint.source.marks import Located, Node, locate, mark, node_at, value_ranges
from rolloutlint.source.scalars import GO_YAML_V2, KUSTOMIZE, ScalarTable, resolve
from rolloutlint.source.text import LIMITS, Limits, Problem, Source, decode, line_text, offset_of, to_span

__all__ = [
    "GO_YAML_V2",
    "KUSTOMIZE",
    "LIMITS",
    "Comment",
    "Document",
    "Limits",
    "Located",
    "Node",
    "NotPlainError",
    "Problem",
    "Reader",
    "ScalarTable",
    "Source",
    "comments",
    "decode",
    "line_text",
    "load",
    "locate",
    "mark",
    "node_at",
    "offset_of",
    "resolve",
    "slices",
    "to_span",
    "value_ranges",
]
