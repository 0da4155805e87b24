"""Fixtures of end-to-end tests: a running NOVA, and where the recordings are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk.testing.instance import Nova, running_nova


@pytest.fixture
def nova(tmp_path: Path) -> Iterator[Nova]:
    """A payload's NOVA of scope `sat` on the local transport."""
    with running_nova(tmp_path / "data", "--scope", "sat") as running:
        yield running


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings; without it these tests prove nothing, so it has to be
    there.
    """
    default = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("NOVA_TEST_DATA", default))
    assert (folder / "ccsds").is_dir(), f"no recordings in {folder}: set NOVA_TEST_DATA"
    return folder
