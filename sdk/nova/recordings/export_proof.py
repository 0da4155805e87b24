"""Verification of an export: events checked by their own content, and the export's digest computed
again from files in any order.

The digest is over eventIds in the order of the query, so the ids are sorted by the keys of that
order. They may exceed memory: runs are sorted on disk and merged.
"""

from __future__ import annotations

import hashlib
import heapq
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from nova.recordings.member_reader import RECORD_MAX_BYTES
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import check, without_stamp
from nova.sdk.protocol.message import Timebase

RUN_EVENTS = 200_000
"""Events per sorted run, about 20 MiB."""

EVENT_ID_BYTES = 32
_READ_ROWS = 2_000
_TIME = struct.Struct(">Q")
_TIME_OFFSET = 2**63
_STAMP = slice(-2 - len("2026-01-01T00:00:00.000000000Z"), -2)
"""Where the receive time is in a stored envelope, always in normal form."""

_ORDER_BYTES: dict[Timebase, int] = {
    "source": _TIME.size + 1,
    "canonical": _STAMP.stop - _STAMP.start,
}


class ExportProof:
    """Verifies events as they are read and computes their digest. Without a timebase there is no
    order, and so no digest.
    """

    def __init__(self, timebase: Timebase | None = None, sorted_events: int = RUN_EVENTS) -> None:
        self._timebase = timebase
        self._sorted_events = sorted_events
        self._checker = Checker(max_bytes=RECORD_MAX_BYTES)
        self._rows: list[bytes] = []
        self._files = ExitStack()
        self._runs: list[BinaryIO] = []
        self.no_digest_reason = ""
        """Why there is no digest."""

    def add(self, envelopes: Sequence[bytes]) -> int:
        """Add stored envelopes; returns how many of them match their eventIds."""
        found = self._checker.check_all([(None, without_stamp(one), "") for one in envelopes])
        if self._timebase == "source":
            lanes = [bytes((LANE_PRIORITY[series.lane],)) for series in found.names]
            self._rows += [
                _TIME.pack(time_ns + _TIME_OFFSET) + lanes[number] + event_id
                for time_ns, number, event_id in zip(
                    found.times_ns, found.series, found.ids, strict=True
                )
            ]
        elif self._timebase == "canonical":
            refused = {one.place for one in found.refusals}
            stamps = [one[_STAMP] for at, one in enumerate(envelopes) if at not in refused]
            self._rows += [
                stamp.ljust(_ORDER_BYTES["canonical"]) + event_id
                for stamp, event_id in zip(stamps, found.ids, strict=True)
            ]
        if len(self._rows) >= self._sorted_events:
            self._spill()
        return len(found.ids)

    def digest(self) -> str:
        found = hashlib.sha256()
        self._rows.sort()
        row_bytes = EVENT_ID_BYTES + _ORDER_BYTES[self._timebase or "source"]
        for row in heapq.merge(self._rows, *(_read_rows(run, row_bytes) for run in self._runs)):
            found.update(row[-EVENT_ID_BYTES:].hex().encode())
        return found.hexdigest()

    def close(self) -> None:
        """Delete the runs on disk."""
        self._files.close()

    def _spill(self) -> None:
        rows, self._rows = sorted(self._rows), []
        if self.no_digest_reason:
            return
        try:
            run = tempfile.TemporaryFile(prefix="nova-import-")  # noqa: SIM115
            self._files.enter_context(run)
            run.write(b"".join(rows))
            run.flush()
        except OSError as error:
            self.no_digest_reason = f"cannot write to {tempfile.gettempdir()}: {error.strerror}"
            return
        self._runs.append(run)


def matches_event_id(envelope: bytes) -> bool:
    """Whether an envelope is a valid event that matches its eventId."""
    try:
        check(without_stamp(envelope), max_bytes=len(envelope))
    except (EnvelopeError, RecursionError, ValueError):
        return False
    return True


def _read_rows(run: BinaryIO, row_bytes: int) -> Iterator[bytes]:
    run.seek(0)
    while block := run.read(_READ_ROWS * row_bytes):
        for at in range(0, len(block), row_bytes):
            yield block[at : at + row_bytes]
