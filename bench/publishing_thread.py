"""A producer in its own thread, which publishes until it is stopped."""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Self


class PublishingThread(ABC):
    """Publishes while the block runs; `is_over` says that it has ended."""

    def __init__(self) -> None:
        self.sent = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.publish()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    @abstractmethod
    async def publish(self) -> None:
        """Publish until it is over, and count in `sent`."""
