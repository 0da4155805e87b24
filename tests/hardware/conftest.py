"""Fixtures of the hardware host's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.hardware import host
from tests.hardware import verifying


@pytest.fixture(autouse=True)
def ready_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is away is not waited for."""
    monkeypatch.setattr(host, "READY_TIMEOUT_S", 0.5)


@pytest.fixture
def verification(tmp_path: Path) -> Path:
    """An XTCE file of telemetry that verifies telecommands."""
    path = tmp_path / "verification.xml"
    path.write_text(verifying.definition())
    return path
