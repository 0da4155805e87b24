"""A disk whose sync hangs until the test releases it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from nova.core.store.archive import Archive
from tests.core.commanding import WAIT_S


class StuckDisk:
    """The disk of an archive, stuck from its next sync on."""

    def __init__(self, archive: Archive, patch: pytest.MonkeyPatch) -> None:
        self._sync = archive.sync
        self._entered, self._goes_on = threading.Event(), threading.Event()
        patch.setattr(archive, "sync", self._stick)

    def _stick(self) -> None:
        self._entered.set()
        assert self._goes_on.wait(WAIT_S)
        self._sync()

    async def is_stuck(self) -> None:
        """Wait until somebody waits for it."""
        assert await asyncio.to_thread(self._entered.wait, WAIT_S)

    def go_on(self) -> None:
        """Let it work as ever."""
        self._goes_on.set()
