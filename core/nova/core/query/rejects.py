"""Pages of the reject log. A rejected record may have megabytes, of which little is shown."""

from __future__ import annotations

import asyncio

import msgspec

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.range_cursor import LOOP_PASSES_PER_SLICE
from nova.core.store import catalog
from nova.core.store.catalog_record import read_record
from nova.sdk import timestamps
from nova.sdk.protocol.messages import RejectInfo, Rejects, RejectsResponse

RAW_SHOWN_BYTES = 4096
TURN_MAX_ROWS = 100
TURN_MAX_BYTES = 1024 * 1024
"""Bounds of what is read before the event loop serves sockets."""

READ_MAX_BYTES = 32 * 1024 * 1024
"""Bytes of rows that are read for one page."""

_encode = msgspec.json.Encoder().encode


async def rejects(
    view: ArchiveSnapshot,
    request: Rejects,
    max_bytes: int = PAGE_MAX_BYTES,
    read_max_bytes: int = READ_MAX_BYTES,
) -> RejectsResponse:
    """A page of the reject log; the entry that reaches `max_bytes` is the last, and the one after
    which `read_max_bytes` have been read.
    """
    view.refresh()
    counters = view.archive.record.counters()
    page = _Page(view, request, max_bytes, read_max_bytes)
    while not page.done:
        async with view.slice_lock:
            page.turn()
            for _ in range(LOOP_PASSES_PER_SLICE):
                await asyncio.sleep(0)
    return RejectsResponse(rejects=page.found, total=counters.rejects, next_after=page.next_after)


class _Page:
    """A page that is read turn by turn."""

    def __init__(
        self, view: ArchiveSnapshot, request: Rejects, max_bytes: int, read_max_bytes: int
    ) -> None:
        self._view = view
        self._watermark = view.watermark
        self._limit = request.limit
        self._bytes_left = max_bytes
        self._read_left = read_max_bytes
        self._next = 0 if request.after is None else request.after + 1
        self.found: list[RejectInfo] = []
        self.next_after: int | None = None
        self.done = False

    def turn(self) -> None:
        """Read some rows."""
        rows, read = self._view.archive.record.rejects(), 0
        for _ in range(TURN_MAX_ROWS):
            row = rows.first(self._next)
            if row is None or not self._add(*row):
                self.done = True
                return
            read += len(row[1])
            if read >= TURN_MAX_BYTES:
                return

    def _add(self, number: int, stored: bytes) -> bool:
        """Append a row; False at the end of the page, which may be that of the log."""
        path, key = self._view.archive.path, catalog.reject_key(number)
        reject = read_record(path, key, stored, _decode)
        if reject.canonical_ns > self._watermark:
            return False
        if len(self.found) == self._limit or min(self._bytes_left, self._read_left) <= 0:
            self.next_after = self._next - 1
            return False
        self.found.append(_reject(number, reject))
        self._bytes_left -= len(_encode(self.found[-1]))
        self._read_left -= len(stored)
        self._next = number + 1
        return True


def _decode(stored: bytes) -> catalog.Reject:
    return catalog.decode_reject(stored, RAW_SHOWN_BYTES)


def _reject(number: int, reject: catalog.Reject) -> RejectInfo:
    return RejectInfo(
        number=number,
        time=timestamps.text(reject.canonical_ns),
        code=reject.code,
        member=reject.member,
        reason=reject.reason,
        link=reject.link,
        position=reject.position,
        address=reject.address,
        size=reject.size,
        raw=reject.raw,
    )
