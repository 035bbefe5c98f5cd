"""Asks a real kubectl how the cluster types scalars, and keeps the answers: `python tests/source/kubectl_vectors.py`.

Each scalar is asked as a value and as a key: kubectl reads YAML with sigs.k8s.io/yaml and prints JSON. The same for
`kubectl kustomize`, whose YAML output is handed to kubectl. What is refused is recorded as `{"refused": true}`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

RECORD = Path(__file__).resolve().parents[1] / "data" / "kubectl-scalars.json"
REFUSED = {"refused": True}

_SCALARS = """
y Y yes Yes YES yEs n N no No NO nO on On ON off Off OFF true True TRUE tRue false False FALSE
~ null Null NULL nULL .nan .NaN .NAN .Nan .inf .Inf .INF +.inf -.inf -.Inf +.INF +.nan inf nan NaN Infinity
0 -0 +0 1 -1 +1 00 01 07 08 09 017 018 -017 +017 0o17 0O17 -0o17 +0o17 0o18 0o 0o0 0_ 0_7
0x1F 0X1f 0xg 0x -0x1F +0x1F 0x_1 0b11 0B11 0b12 0b -0b11 +0b11 0b1_1 1_000 1__0 1_ _1 -_1 - -- +- -1- 1-
1.0 1. .5 -.5 +.5 1.5 01.5 1.5.2 . .. ..5 ._5 .5_0 1_0.5 5.0_0 -0.0 0.1 1e3 1E3 1e+3 1e-3 1.e3 .5e1 1e 1e+ e3 1e3.5
1e-7 1e20 1e21 1e22 -1e21 1e999 -1e999 1e-999 123456789.5 0.1e1 100e-2 12345678901234567890.5
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615
18446744073709551616 +18446744073709551615 123456789012345678901234567890 0xffffffffffffffff 0x7fffffffffffffff
-0x8000000000000000 0x1ffffffffffffffff -0xffffffffffffffff +0xffffffffffffffff 0777777777777777777777777777
0o7777777777777777777777777777 0b11111111111111111111111111111111111111111111111111111111111111111 -0b0
190:20:30 12:30:45 1:2 2001-01-01 2001-1-1 2001-13-01 2001-02-30 2001-01-01T10:20:30Z 2001-01-01t10:20:30Z
2001-01-01T10:20:30+02:00 2001-01-01T10:20:30.5Z 2001-01-01T1:2:3Z 20010101 1.2.3 1.2.3.4 v1 10s 5m 100Mi 50% 1,000
0x1p4
= <<
++1 +-1 1e1e1 0e0 00.5 0.0.0 .e5 -.e5 +. -. 1d 1f 0f 12_ 1_2_3 0_8 0o1_7 1e1_0 1_e5 ٣ １２ 1\u00a0 a.b/c - +
"""
SCALARS = _SCALARS.split()
SENTENCES = [
    "2001-01-01 10:20:30",
    "2001-01-01 10:20:30 Z",
    "2001-01-01 10:20:30.25",
    "1 2",
    "- 1",
    "true false",
    "0 0",
]
_TAGGED = """
! 12|! "12"|! yes|!foo 12|!foo {b: 1}|!!python/object:x.y 12|!!str 12|!!str|!!str ~|!!str yes
!!int "12"|!!int 012|!!int abc|!!int 1.0|!!int true|!!int ~|!!int|!!float 1|!!float 1.5
!!float "1e3"|!!float x|!!float 0x10|!!float .inf|!!bool yes|!!bool "yes"|!!bool 1|!!bool x
!!null ''|!!null x|!!null|!!timestamp 2001-01-01|!!timestamp x|!!binary aGVsbG8=
!!binary "aGVs bG8="|!!binary x|!!binary /w==|!!binary aGVsbG8|!!binary "aGVs\\nbG8="|!!merge 5
!!set {a, b}|!!omap [{a: 1}]|!!seq [a]|!!map {a: 1}|!!value =|!!pairs [a]|!<tag:yaml.org,2002:int> 3
!<tag:yaml.org,2002:int> x|!<foo> 5|!!int -0|!!map x|!!seq x
"""
TAGGED = _TAGGED.strip().replace("\n", "|").split("|")
QUOTED = ["'12'", '"yes"', "''", '""', "'~'", '"1e3"', "'<<'"]
MAPPINGS = [
    "{<<: {a: 1}, a: 2}",
    "{a: 2, <<: {a: 1}}",
    "{<<: [{a: 1}, {a: 2, b: 3}]}",
    "{<<: {a: 1}, <<: {a: 5}}",
    "{'<<': {a: 1}}",
    "{<<: 5}",
    "{<<: ~}",
    "{<<: [5]}",
    "{<<: [[{a: 1}]]}",
    "{<<: []}",
    "{!!merge x: {a: 1}}",
    "{!!str <<: {a: 1}}",
    "{b: {c: 1}, <<: {b: {d: 2}}}",
    "{a: 1, a: 2}",
    "{a: &x {b: 1}, c: *x}",
    "{a: &x 1, b: *x, c: &x 2, d: *x}",
    "{a: &x [*x]}",
    "{a: *x}",
    "{? {a: 1} : 2}",
    "{? [a] : 2}",
    "{!!int 1: a}",
    "{!foo 1: a}",
    "{!!binary aGVsbG8=: a}",
    "{a, b: , c: ''}",
    "{&x a: 1, b: *x}",
    "{x: &x a, *x : 1}",
]


def _object(entries: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"  {name}: {text}\n" for name, text in entries)
    return f"apiVersion: example.com/v1\nkind: Probe\nmetadata: {{name: a}}\nspec:\n{lines}"


def ask_kubectl(text: str) -> Any:
    """The `spec` that kubectl makes of `text`; `None` where it refuses the document."""
    command = ["kubectl", "annotate", "--local", "-f", "-", "a=b", "-o", "json"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return json.loads(done.stdout)["spec"] if done.returncode == 0 else None


def ask_kustomize(text: str) -> Any:
    """The same after `kubectl kustomize`."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "probe.yaml").write_text(text)
        Path(folder, "kustomization.yaml").write_text("resources: [probe.yaml]\n")
        done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, check=False)
    return ask_kubectl(done.stdout.decode()) if done.returncode == 0 else None


def ask_values(ask: Callable[[str], Any], texts: Sequence[str]) -> list[Any]:
    """How each text is typed as a value: many in one document, halved where the document is refused."""
    answer = ask(_object([(f"k{i}", text) for i, text in enumerate(texts)]))
    if answer is not None:
        return [answer[f"k{i}"] for i in range(len(texts))]
    if len(texts) == 1:
        return [REFUSED]
    half = len(texts) // 2
    return [*ask_values(ask, texts[:half]), *ask_values(ask, texts[half:])]


def ask_keys(ask: Callable[[str], Any], texts: Sequence[str]) -> list[Any]:
    """How each text is spelled as a key."""
    return [
        next(iter(a), None) if a.__class__ is dict else a for a in ask_values(ask, [f"{{{text}: x}}" for text in texts])
    ]


def version() -> str:
    """The versions of kubectl and its kustomize."""
    done = subprocess.run(["kubectl", "version", "--client"], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def record() -> dict[str, Any]:
    """All vectors: text -> JSON value."""
    plain = [*dict.fromkeys(SCALARS), *SENTENCES, *QUOTED]
    keys = [s for s in plain if s not in ("<<", "- 1", "-") and "," not in s]
    return {
        "recorded from": version(),
        "values": dict(zip(plain, ask_values(ask_kubectl, plain), strict=True)),
        "keys": dict(zip(keys, ask_keys(ask_kubectl, keys), strict=True)),
        "tagged": dict(zip(TAGGED, ask_values(ask_kubectl, TAGGED), strict=True)),
        "mappings": dict(zip(MAPPINGS, ask_values(ask_kubectl, MAPPINGS), strict=True)),
        "kustomize values": dict(zip(plain, ask_values(ask_kustomize, plain), strict=True)),
        "kustomize keys": dict(zip(keys, ask_keys(ask_kustomize, keys), strict=True)),
        "kustomize mappings": dict(zip(MAPPINGS, ask_values(ask_kustomize, MAPPINGS), strict=True)),
    }


if __name__ == "__main__":
    if shutil.which("kubectl") is None:
        raise SystemExit("kubectl is not on PATH")
    os.environ["KUBECONFIG"] = os.devnull
    RECORD.write_text(json.dumps(record(), ensure_ascii=True, indent=1) + "\n")
