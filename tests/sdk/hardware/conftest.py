"""Fixtures of the hardware host's tests."""

from __future__ import annotations

import pytest

from sdk.hardware import host


@pytest.fixture(autouse=True)
def ready_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices of tests that say nothing are not waited for."""
    monkeypatch.setattr(host, "FIRST_READING_TIMEOUT_S", 0.05)
    monkeypatch.setattr(host, "FIRST_PUBLISH_TIMEOUT_S", 0.5)
