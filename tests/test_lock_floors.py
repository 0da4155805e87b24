"""Libraries that guard the outside are locked at versions without known advisories."""

from __future__ import annotations

import re

import pytest

from tests.test_tidy import ROOT

FLOORS = {"aiohttp": (3, 14, 4), "pyjwt": (2, 15, 0), "argon2-cffi": (23, 1, 0)}
"""The first versions without the advisories that were known when they were chosen."""


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements.runtime.lock"])
@pytest.mark.parametrize("name", FLOORS)
def test_no_older_version_is_locked(lock: str, name: str) -> None:
    locked = re.search(rf"^{name}==([\d.]+)", (ROOT / lock).read_text(), re.MULTILINE)
    assert locked is not None, f"{name} is not in {lock}"
    assert tuple(map(int, locked[1].split("."))) >= FLOORS[name]
