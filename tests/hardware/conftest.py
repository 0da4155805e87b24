"""Fixtures of the hardware host's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hardware import verifying


@pytest.fixture
def verification(tmp_path: Path) -> Path:
    """An XTCE file of telemetry that verifies telecommands."""
    path = tmp_path / "verification.xml"
    path.write_text(verifying.definition())
    return path
