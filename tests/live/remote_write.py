"""Prometheus' remote write 1.0 protocol, as far as samples need it: protobuf by hand, snappy without compression.

https://prometheus.io/docs/specs/prw/remote_write_spec/ and prometheus `prompb/remote.proto`, `prompb/types.proto`.
Unlike the other ways to bring samples in, it keeps staleness markers (`model/value/value.go`).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from tests.live.worlds import INTERVAL, Sample, World

HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

STALE = struct.pack("<Q", 0x7FF0000000000002)
NAN = struct.pack("<Q", 0x7FF8000000000001)
_SERIES = re.compile(r"([a-zA-Z_:][\w:]*)\{(.*)\}")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def body(world: World, start: int) -> bytes:
    """The request that stores `world` from `start` (seconds since the epoch) on."""
    return _snappy(b"".join(_field(1, _series(name, list(samples), start)) for name, samples in world.items()))


def _series(text: str, samples: list[Sample], start: int) -> bytes:
    found = _SERIES.fullmatch(text)
    assert found, text
    labels = sorted([("__name__", found[1]), *_LABEL.findall(found[2])])
    pairs = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    return b"".join(pairs) + b"".join(_samples(samples, start))


def _samples(samples: list[Sample], start: int) -> Iterator[bytes]:
    for index, sample in enumerate(samples):
        if sample is None:
            continue
        value = STALE if sample == "stale" else NAN if sample != sample else struct.pack("<d", sample)
        milliseconds = (start + index * INTERVAL) * 1000
        yield _field(2, _varint(1 << 3 | 1) + value + _varint(2 << 3) + _varint(milliseconds))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _snappy(data: bytes) -> bytes:
    """The block format with literals only."""
    out = bytearray(_varint(len(data)))
    for at in range(0, len(data), 60_000):
        chunk = data[at : at + 60_000]
        out += bytes([61 << 2]) + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(out)
