"""Reading events: by key, and by range in the order of either timebase."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.store.event_reader import FIRST_KEY, LAST_KEY
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]


@pytest.fixture
def event_keys(committer: Committer, record: Make) -> list[bytes]:
    """The event keys of seven events that came in the reverse order of their source times."""
    committer.add_batch("a", Batch([record(number) for number in reversed(range(7))]))
    return [event_key for event_key, _ in committer.close_commit().events or ()]


def test_both_timelines_hold_every_event_in_their_order(
    archive: Archive, event_keys: list[bytes]
) -> None:
    events = archive.events
    canonical = list(events.scan("canonical"))
    source = list(events.scan("source"))
    assert [key for key, _ in canonical] == event_keys
    assert [event_key for _, event_key in source] == event_keys[::-1]
    assert list(events.scan("canonical", reverse=True)) == canonical[::-1]
    blocks = events.scan_blocks("source", FIRST_KEY, LAST_KEY, expected_rows=3)
    assert list(chain.from_iterable(rows for rows, _ in blocks)) == source


def test_both_ends_of_a_range_are_included(archive: Archive, event_keys: list[bytes]) -> None:
    events, bounds = archive.events, (event_keys[2], event_keys[4])
    assert [key for key, _ in events.scan("canonical", *bounds)] == event_keys[2:5]
    first, last = events.first("canonical", *bounds), events.last("canonical", *bounds)
    assert first is not None and first[0] == event_keys[2]
    assert last is not None and last[0] == event_keys[4]


def test_events_are_found_by_either_key(archive: Archive, event_keys: list[bytes]) -> None:
    events, absent = archive.events, bytes(12)
    for order_key, event_key in events.scan("source"):
        assert events.event_key(order_key) == event_key
        assert events.has(event_key)
    stored = [value for _, value in events.scan("canonical")]
    assert events.envelopes([*event_keys, absent]) == [*stored, None]
    assert events.envelope(event_keys[0]) == stored[0] and not events.has(absent)
    assert events.event_keys([absent]) == [None] and events.event_keys([]) == []


def test_an_empty_archive_has_no_ends(archive: Archive) -> None:
    events = archive.events
    assert events.first("source") is None and events.last("canonical") is None
    assert events.first_key() == b""


def test_readers_outlive_a_secondary_that_opens_again(
    data: Path, tmp_path: Path, record: Make
) -> None:
    """Whoever holds `archive.events` reads the database that is open now, and not the one before,
    which would also stay open with the handle.
    """
    primary = Archive.open_primary(data)
    committer = Committer(primary, data)
    committer.close_commit()
    primary.sync()
    secondary = Archive.open_secondary(data, tmp_path / "scratch")
    events, series, kept = secondary.events, secondary.series, secondary.record
    committer.add_batch("a", Batch([record(1)]))
    committer.close_commit()
    primary.sync()
    assert events.last("canonical") is None
    secondary._reopen()  # noqa: SLF001 - what `catch_up` does at a stale database
    newest = events.last("canonical")
    assert newest is not None and series.last_received_ns(0) == time_of(newest[0])
    assert kept.counters().events == 1
    secondary.close()
    primary.close()
    with pytest.raises(KeyError):
        events.last("canonical")


def test_a_read_error_names_the_archive(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unreadable:
        def get(self, keys: list[bytes]) -> None:
            raise RuntimeError("Corruption: block checksum mismatch")

    monkeypatch.setitem(archive.families, "canonical", Unreadable())
    with pytest.raises(ArchiveDamagedError, match=f"canonical of the archive in {archive.path}"):
        archive.events.envelope(bytes(12))
    monkeypatch.undo()
