"""Fixtures of the sdk's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; without it tests prove nothing, so it has to be there."""
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("NOVA_TEST_DATA", default))
    assert (folder / "ccsds").is_dir(), f"no recordings in {folder}: set NOVA_TEST_DATA"
    return folder
