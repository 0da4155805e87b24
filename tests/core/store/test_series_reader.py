"""Reading a series' index: its events in the order of either timebase, and of no other series."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nova.core.ordering import TIMEBASES, Timebase, time_of
from nova.core.store.archive import Archive
from nova.core.store.keys import series_key_time
from nova.core.writer.committer import Committer
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]
EVER = (NS_MIN, NS_MAX)


@pytest.fixture
def of_series(committer: Committer, record: Make) -> list[list[bytes]]:
    """The event keys of two series whose events came alternately, latest source time first."""
    records = [record(9 - number, unit=f"u{number % 2}") for number in range(8)]
    committer.add_batch("a", Batch(records))
    event_keys = [event_key for event_key, _ in committer.close_commit().events or ()]
    return [event_keys[0::2], event_keys[1::2]]


def test_event_keys_come_in_order_of_receipt(
    archive: Archive, of_series: list[list[bytes]]
) -> None:
    for number, expected in enumerate(of_series):
        series = archive.series
        assert list(series.event_keys(number)) == expected
        times = [time_of(event_key) for event_key in expected]
        assert list(series.event_keys(number, times[1], times[2])) == expected[1:3]
        assert series.last_received_ns(number) == times[-1]
    assert archive.series.last_received_ns(len(of_series)) is None


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_a_scan_includes_both_ends_in_either_direction(
    timebase: Timebase, archive: Archive, of_series: list[list[bytes]]
) -> None:
    for number, expected in enumerate(of_series):
        rows = list(archive.series.scan(number, timebase, *EVER))
        times = [series_key_time(key) for key, _ in rows]
        assert len(rows) == len(expected) and times == sorted(times)
        part = archive.series.scan(number, timebase, times[1], times[2], reverse=True)
        assert list(part) == rows[1:3][::-1]
        if timebase == "source":
            assert [time_of(received) for _, received in rows] == [
                time_of(event_key) for event_key in expected[::-1]
            ]


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_a_seeker_finds_the_ends_of_each_series(
    timebase: Timebase, archive: Archive, of_series: list[list[bytes]]
) -> None:
    seeker = archive.series.seeker(timebase)
    for number in range(len(of_series)):
        rows = list(archive.series.scan(number, timebase, *EVER))
        second_ns = series_key_time(rows[1][0])
        assert seeker.first(number, NS_MAX) == rows[0]
        assert seeker.last(number, NS_MAX) == rows[-1]
        assert seeker.last(number, second_ns) == rows[1]
        assert seeker.last(number, second_ns - 1) == rows[0]
        assert seeker.first(number, series_key_time(rows[0][0]) - 1) is None
    assert seeker.last(len(of_series), NS_MAX) is None
