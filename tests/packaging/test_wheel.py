"""Wheel and source distribution hold the data that the program reads, and find it in both layouts."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from rolloutlint.resources import data_dir

ROOT = Path(__file__).parent.parent.parent
DATA = ("rules", "schemas")

pytestmark = pytest.mark.slow


def checked_out() -> set[str]:
    """The data files of the checkout, by their path in it."""
    return {str(p.relative_to(ROOT)) for folder in DATA for p in (ROOT / folder).rglob("*") if p.is_file()}


def below(names: Iterable[str], prefix: str) -> set[str]:
    return {n.removeprefix(prefix) for n in names if n.startswith(prefix) and not n.endswith("/")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a wheel and a source distribution of this checkout."""
    pytest.importorskip("hatchling", reason="the build backend is not installed, and no test downloads it")
    out = tmp_path_factory.mktemp("dist")
    for target in ("wheel", "sdist"):
        build(target, ROOT, out)
    return out


def build(target: str, checkout: Path, out: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=checkout, check=True, capture_output=True)


def contents(directory: Path) -> dict[str, bytes]:
    """The files of the wheel in `directory`, without the list of its own hashes."""
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}


def test_the_wheel_holds_rules_and_schemas_and_nothing_strange(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    assert below(names, "rolloutlint/_data/") == checked_out()
    top = {n.split("/")[0] for n in names}
    assert {n for n in top if not n.endswith(".dist-info")} == {"rolloutlint"}
    assert "rolloutlint/py.typed" in names


def test_the_source_distribution_holds_rules_and_schemas(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = archive.getnames()
    root = names[0].split("/")[0]
    files = {n.removeprefix(f"{root}/") for n in names}
    assert checked_out() <= files
    assert {"pyproject.toml", "README.md", "PKG-INFO", "rolloutlint/__main__.py"} <= files


def test_the_source_distribution_builds_the_same_wheel(built: Path, tmp_path: Path) -> None:
    archive = str(next(built.glob("*.tar.gz")))
    subprocess.run([sys.executable, "-m", "tarfile", "-e", archive, str(tmp_path / "source")], check=True)
    build("wheel", next((tmp_path / "source").iterdir()), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(built)


def test_an_unpacked_wheel_runs_anywhere(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path)
    manifest = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    code = "import rolloutlint.resources as r; print(r.data_dir('rules'), r.data_dir('schemas'))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    where = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert where.split() == [str(tmp_path / "rolloutlint" / "_data" / folder) for folder in DATA]
    command = [sys.executable, "-m", "rolloutlint", "check", "-"]
    done = subprocess.run(
        command, cwd="/", env=environment, input=manifest, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_checkout_uses_its_own_data() -> None:
    assert [data_dir(folder) for folder in DATA] == [str(ROOT / folder) for folder in DATA]


def test_a_broken_installation_says_what_to_do() -> None:
    with pytest.raises(FileNotFoundError, match="reinstall"):
        data_dir("no-such-data")
