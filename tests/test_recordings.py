"""A clone without recordings: its tests are collected, and missing recordings are listed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import real_recordings as real
from tests.test_tidy import ROOT, tracked

COLLECTION_TIMEOUT_S = 150
OVER_RECORDINGS = "tests/recordings/test_format_detection.py"


@pytest.fixture(scope="module")
def bare_clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the repository in a folder of their own, and nothing else."""
    clone = tmp_path_factory.mktemp("empty") / "nova"
    for file in tracked("*.py", "pyproject.toml", "tests", "docs", "scripts", "deploy", "*.md"):
        place = clone / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
    subprocess.run(["git", "init", "-q", clone], check=True)
    return clone


def pytest_in(clone: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest over the clone's own tests and packages."""
    environment = {name: value for name, value in os.environ.items() if name != real.VARIABLE}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=clone,
        env={**environment, "PYTHONPATH": str(clone)},
        capture_output=True,
        text=True,
        timeout=COLLECTION_TIMEOUT_S,
    )


@pytest.mark.slow
def test_everything_is_collected(bare_clone: Path) -> None:
    """No module asks for a file beside the repository when it is imported."""
    done = pytest_in(bare_clone, "--collect-only")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "error" not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_not_here_is_listed(bare_clone: Path, processes: tuple[str, ...]) -> None:
    """The tests over real recordings are no silent skips: the end of the run counts them."""
    done = pytest_in(
        bare_clone, "tests/recordings/test_bounded_lines.py", OVER_RECORDINGS, *processes
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"^not here: \d+ tests over real recordings", done.stdout, re.MULTILINE)
    assert re.search(rf"^  {OVER_RECORDINGS}: \d+$", done.stdout, re.MULTILINE)
    assert "skipped" not in done.stdout


def test_a_folder_that_is_named_has_to_hold_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong name is an error, not a run without those tests."""
    monkeypatch.setenv(real.VARIABLE, str(tmp_path))
    with pytest.raises(pytest.UsageError, match=real.VARIABLE):
        real.folder()
    (tmp_path / "ccsds").mkdir()
    assert real.folder() == tmp_path
