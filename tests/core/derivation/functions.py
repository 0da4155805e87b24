"""Functions as an installed package registers them, for the processes that a test starts."""

from __future__ import annotations

from pathlib import Path

import pytest

SOURCE = """
import os

import numpy as np


def power(volts, amps):
    return volts * amps


def guarded(volts, amps):
    if np.any(volts < 0):
        raise ValueError("a negative voltage")
    return volts * amps


def hang(volts, amps):
    while True:
        pass


def crash(volts, amps):
    os._exit(7)


def grow(volts, amps):
    return np.zeros(2**33)[: len(volts)]


def short(volts, amps):
    return volts[:-1]


def named(volts, amps):
    return None if volts < 0 else f"{volts:g} V"


def peak(volts, amps):
    return max(volts)
"""
NAMES = ("power", "guarded", "hang", "crash", "grow", "short", "named", "peak")
MODULE = "derived_functions_of_tests"


def install_functions(into: Path, patch: pytest.MonkeyPatch) -> None:
    """Put the functions on the path of the processes that start from now on."""
    info = into / f"{MODULE}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {MODULE}\nVersion: 1.0\n")
    points = "\n".join(f"{name} = {MODULE}:{name}" for name in NAMES)
    (info / "entry_points.txt").write_text(f"[nova.derived]\n{points}\n")
    (into / f"{MODULE}.py").write_text(SOURCE)
    patch.setenv("PYTHONPATH", str(into))
