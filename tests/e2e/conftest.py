"""Fixtures of end-to-end tests: a running NOVA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk.testing.instance import Nova, running_nova


@pytest.fixture
def nova(tmp_path: Path) -> Iterator[Nova]:
    """A payload's NOVA of scope `sat` on the local transport."""
    with running_nova(tmp_path / "data", "--scope", "sat") as running:
        yield running
