"""How many events a slice of a range looks up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from nova.core.query import lookup, range_cursor
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.store.archive import Archive
from nova.core.store.options import MIB
from nova.core.store.secondary import open_secondary_archive
from nova.core.writer.committer import Committer
from nova.sdk.protocol.messages import Filters
from nova.sdk.transport.base import Batch, Record

EVENTS = 400
FIRST_EVENTS = 200


def test_a_slice_looks_up_what_fits_in_its_bytes(
    tmp_path: Path,
    committer: Committer,
    record: Callable[[int], Record],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is read and does not fit is read again by the next slice. The first slice does not know
    yet how large the events are.
    """
    committer.add_batch("link", Batch([record(number) for number in range(EVENTS)]))
    committer.close_commit()
    looked_up: list[int] = []

    def look_up(archive: Archive, keys: Sequence[bytes], *rest: Any) -> list[bytes]:
        looked_up.append(len(keys))
        return lookup.look_up(archive, keys, *rest)

    monkeypatch.setattr(range_cursor, "look_up", look_up)
    with open_secondary_archive(tmp_path, tmp_path / "scratch", 16 * MIB) as secondary:
        snapshot = ArchiveSnapshot(secondary)
        snapshot.advance(committer.last_ns)
        cursor = RangeCursor(snapshot, EventFilter(Filters(), snapshot.series), Span("source"))
        sizes = []
        while not cursor.done:
            sizes.append(len(cursor.read_slice(FIRST_EVENTS, 4_000)))
    assert sum(sizes) == EVENTS
    assert looked_up[0] == FIRST_EVENTS
    assert sum(looked_up[1:]) < 1.3 * EVENTS
