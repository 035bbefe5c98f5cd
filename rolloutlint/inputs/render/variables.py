"""`$NAME` and `${NAME}` in the options of an Application, as Argo CD fills them in."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"\$(?:\{([^{}]+)\}|([A-Za-z0-9_]+)|(\$))")


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """argo-cd `pkg/apis/application/v1alpha1/types.go Envsubst`: `$$` is a dollar, an unknown name nothing."""
    if "$" not in text:
        return text
    return _NAME.sub(lambda m: "$" if m[3] else variables.get(m[1] or m[2], ""), text)
