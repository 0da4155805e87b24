"""Pauses between the reads of a source that can wait, in which its data gathers in the system's
buffer. A batch costs a publish, a commit and a sync, however little is in it.
"""

from __future__ import annotations

import asyncio

LEAST_S, MOST_S = 0.004, 0.02
GATHERED_BYTES = 16_384
"""After a read of so much there is no pause: the source is faster than that."""


class ReadPause:
    """Pauses for as long as the data of the read before took to be published or stored: the busier
    the machine, the larger the batches. Data that comes after the pause waits for nothing.
    """

    def __init__(self, least_s: float = LEAST_S, most_s: float = MOST_S) -> None:
        self._least_s, self._most_s = least_s, most_s
        self._read_s: float | None = None

    async def wait(self) -> None:
        """Wait until the next read is due; takes nothing, so it may be cancelled."""
        if self._read_s is None:
            return
        spent_s = asyncio.get_running_loop().time() - self._read_s
        self._read_s = None
        await asyncio.sleep(min(max(spent_s, self._least_s), self._most_s))

    def count(self, size_bytes: int) -> None:
        """Note that a read has got so much."""
        is_little = size_bytes < GATHERED_BYTES
        self._read_s = asyncio.get_running_loop().time() if is_little else None
