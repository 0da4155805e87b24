"""Sequence counts of the packets that are sent, per APID, kept on disk over restarts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from sdk import durable
from sdk.errors import NovaError

MODULUS = 1 << 14
"""The count of a space packet has 14 bits."""


class SequenceCounts:
    """The next count of each APID; one is given out only once, also where the process is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = self._load()

    def take(self, apid: int) -> int:
        """The count of the next packet; it is durable that it was given out. Raises OSError."""
        count = self._next.get(apid, 0)
        self._save(self._next | {apid: (count + 1) % MODULUS})
        self._next[apid] = (count + 1) % MODULUS
        return count

    def _load(self) -> dict[int, int]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        try:
            found = msgspec.json.decode(data, type=dict[int, int])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise NovaError(
                f"{self._path} is damaged ({error}): move it away to count from 0 again"
            ) from None
        return {apid: count % MODULUS for apid, count in found.items()}

    def _save(self, counts: dict[int, int]) -> None:
        """Replace the file as a whole, or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(self._path, msgspec.json.encode(counts))
