"""Sequence counts of sent packets, per APID, stored across restarts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nova.sdk import durable
from nova.sdk.errors import NovaError

MODULUS = 1 << 14
"""The sequence count of a space packet has 14 bits."""


class SequenceCounts:
    """The next count of each APID; none is used twice, even if the process is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = self._load()

    def reserve(self, apid: int) -> int:
        """Reserve the next packet's count; the reservation is durable on return. Raises OSError."""
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
                f"{self._path} is damaged ({error}): move it away to start again from 0"
            ) from None
        return {apid: count % MODULUS for apid, count in found.items()}

    def _save(self, counts: dict[int, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(self._path, msgspec.json.encode(counts))
