"""Fixtures of the hardware host's tests."""

from __future__ import annotations

import pytest

from sdk.hardware import host


@pytest.fixture(autouse=True)
def ready_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is away is not waited for."""
    monkeypatch.setattr(host, "READY_TIMEOUT_S", 0.5)
