"""Prometheus and its tool: those of PATH, or else of Debian's package, unpacked into a folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = "prometheus"


def prometheus_program(name: str, folder: Path) -> str:
    """The path of a program; skips the test if it cannot be had."""
    if found := shutil.which(name):
        return found
    try:
        subprocess.run(["apt-get", "download", PACKAGE], cwd=folder, check=True)
        (package,) = folder.glob("*.deb")
        subprocess.run(["dpkg", "-x", package.name, "root"], cwd=folder, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"there is no {name} here: {error}")
    return str(folder / "root" / "usr" / "bin" / name)
