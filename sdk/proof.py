"""The digest of an export made again from the events of its files, in whatever order they come.

A digest is over the eventIds in the order of the query, so the ids are sorted by the keys of that
order. They are too many for memory: what does not fit is sorted in parts on disk, and merged.
"""

from __future__ import annotations

import hashlib
import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from sdk.errors import EnvelopeError
from sdk.event import check, check_stored, without_stamp
from sdk.message import Timebase

SORTED_EVENTS = 200_000
"""So many are sorted at once, in about 20 MiB."""

EVENT_ID_BYTES = 32
_TIME_BYTES = 8
_ROW_BYTES = _TIME_BYTES + 1 + EVENT_ID_BYTES
_READ_ROWS = 2_000
_TIME_OFFSET = 2**63


class Proof:
    """Takes events as they are read, and proves each by its own content."""

    def __init__(self, timebase: Timebase, sorted_events: int = SORTED_EVENTS) -> None:
        self._timebase = timebase
        self._sorted_events = sorted_events
        self._rows: list[bytes] = []
        self._files = ExitStack()
        self._runs: list[BinaryIO] = []
        self.failure = ""
        """Why there can be no digest."""

    def add(self, envelope: bytes) -> bool:
        """Take one more; whether it is what its eventId says."""
        try:
            event, canonical_ns = check_stored(envelope)
        except (EnvelopeError, RecursionError, ValueError):
            return False
        if self._timebase == "source":
            row = _time(event.source_ns) + bytes((event.lane,)) + event.event_id
        else:
            row = _time(canonical_ns) + b"\0" + event.event_id
        self._rows.append(row)
        if len(self._rows) == self._sorted_events:
            self._put_aside()
        return True

    def digest(self) -> str:
        """The digest of all that were taken."""
        found = hashlib.sha256()
        self._rows.sort()
        for row in heapq.merge(self._rows, *map(_read, self._runs)):
            found.update(row[-EVENT_ID_BYTES:].hex().encode())
        return found.hexdigest()

    def close(self) -> None:
        """Remove what lies on disk."""
        self._files.close()

    def _put_aside(self) -> None:
        rows, self._rows = sorted(self._rows), []
        if self.failure:
            return
        try:
            run = tempfile.TemporaryFile(prefix="nova-import-")  # noqa: SIM115  # until it is closed
            self._files.enter_context(run)
            run.write(b"".join(rows))
            run.flush()
        except OSError as error:
            self.failure = f"{tempfile.gettempdir()} cannot be written: {error.strerror}"
            return
        self._runs.append(run)


def is_whole(envelope: bytes) -> bool:
    """Whether an envelope is an event, and the one that its eventId says."""
    try:
        check(without_stamp(envelope), max_bytes=len(envelope))
    except (EnvelopeError, RecursionError, ValueError):
        return False
    return True


def _time(ns: int) -> bytes:
    return (ns + _TIME_OFFSET).to_bytes(_TIME_BYTES, "big")


def _read(run: BinaryIO) -> Iterator[bytes]:
    run.seek(0)
    while block := run.read(_READ_ROWS * _ROW_BYTES):
        for at in range(0, len(block), _ROW_BYTES):
            yield block[at : at + _ROW_BYTES]
