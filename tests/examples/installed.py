"""The examples as an installed package, for processes that a test starts, and as scripts."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.test_tidy import ROOT

EXAMPLES = ROOT / "examples"
SCRIPT_TIMEOUT_S = 60


def install(into: Path, patch: pytest.MonkeyPatch) -> None:
    """What `pip install ./examples` leaves, on the path of every process that starts from now on:
    the modules, and the entry points of the project file.
    """
    project = tomllib.loads((EXAMPLES / "pyproject.toml").read_text())["project"]
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    info = into / f"nova_examples-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    patch.setenv("PYTHONPATH", f"{into}:{EXAMPLES}")


def run_script(name: str, *arguments: str) -> str:
    """Run an example to its end; returns what it printed."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=SCRIPT_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
