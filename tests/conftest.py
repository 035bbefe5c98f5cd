"""What all tests share: how hypothesis searches, golden files, and a Prometheus to ask.

`pytest --renew` writes the golden files that tests compare with; the difference is then reviewed in git.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.live.server import NoPrometheusError, Server

# A busy machine is no fault of the code, so no example is timed. Continuous integration runs the same examples every
# time; everybody else searches further with every run.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("local"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--renew", action="store_true", help="write golden files in place of comparing with them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: `text` equals the file `golden/<name>` beside the test module."""
    folder = Path(request.path).parent / "golden"

    def compare(name: str, text: str) -> None:
        path = folder / name
        if request.config.getoption("--renew"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        assert text == path.read_bytes().decode(), f"differs from {path}; if it is meant, run pytest --renew"

    return compare


@pytest.fixture(scope="session")
def prometheus() -> Iterator[Server]:
    """A real Prometheus that holds the worlds of tests/live/worlds.py; without one the test is skipped and says why."""
    try:
        server = Server()
    except NoPrometheusError as reason:
        pytest.skip(f"Prometheus cannot be had: {reason}")
    with server:
        yield server
