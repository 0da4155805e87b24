"""NMEA recordings: every line raw, every sentence parsed, dated by the few that say the date."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdk import timestamps
from sdk.envelope import ParsedMessage, RawFrame
from sdk.formats.nmea import RAW_ONLY, NmeaReader, nearest
from sdk.formats.recording import RecordingError
from sdk.formats.sentence import NS_PER_DAY
from sdk.observation import Observer
from tests.sdk.formats.reading import Everything, everything

HDG = "$SDHDG,230.0,,,1.3,E*36\r\n"
GLL = "$GPGLL,5251.0093,N,00518.8170,E,{},A,A\r\n"
ZDA = "$GPZDA,{},{},12,2025,00,00\r\n"


def read(path: Path) -> Everything:
    """A whole recording."""
    return everything(NmeaReader(path, Observer("test")).steps())


def written(folder: Path, *lines: str) -> Path:
    """A recording made of these lines."""
    path = folder / "log"
    path.write_bytes("".join(lines).encode())
    return path


def test_sailing_boat(recordings: Path) -> None:
    """4,999 sentences of which pynmea2 refuses 146, and 284 positions."""
    path = recordings / "gps/bundg_zeus_9.log"
    found = read(path)
    assert found.lanes == {"raw": 4999, "parsed": 4853 + 284}
    assert found.notes == {RAW_ONLY: 146}
    assert found.problems == []
    assert found.end_bytes == path.stat().st_size
    # Receivers repeat themselves within a second: equal lines at one time are one event.
    assert len(set(found.ids)) == 9244
    times = [timestamps.text(event.source_ns) for event in found.events]
    assert min(times).startswith("2018-08-20T09:47:36")
    assert max(times).startswith("2018-08-20T09:50:04")
    positions = [one for one in found.events if one.series.message_type == "Position"]
    assert len(positions) == 284


def test_ships_around(recordings: Path) -> None:
    """1,313 sentences and 183 AIS lines, which are raw only and not worth a note."""
    found = read(recordings / "gps/ais-nmea.log")
    assert found.lanes == {"raw": 1313 + 183, "parsed": 1313 + 328}
    assert (found.notes, found.problems) == ({}, [])
    assert sum(event.series.unique_id == "VDM" for event in found.events) == 183
    assert len(set(found.ids)) == 3135


def test_binary_and_sentences_mixed(recordings: Path) -> None:
    """A receiver's UBX output between its 2,620 sentences is kept as raw bytes, all of it."""
    path = recordings / "gps/ublox-zed-f9p_hpg1.11.log"
    found = read(path)
    assert found.lanes["parsed"] == 2620 + 1310
    assert found.problems == []


def test_same_file_has_the_same_ids(recordings: Path) -> None:
    """Invariant 2, for a recording whose times stand still for many lines."""
    path = recordings / "gps/bundg_zeus_9.log"
    assert read(path).ids == read(path).ids


def test_raw_is_the_line_with_its_end(tmp_path: Path) -> None:
    """Header lines and empty lines are no events; the others come byte for byte."""
    zda = ZDA.format("120000", "31")
    found = read(written(tmp_path, "# header\r\n", "\r\n", HDG, zda))
    frames = [one.envelope for one in found.events if isinstance(one.envelope, RawFrame)]
    assert [frame.frame for frame in frames] == [HDG.encode(), zda.encode()]
    heading = found.events[1].envelope
    assert isinstance(heading, ParsedMessage)
    assert (heading.message_type, heading.payload["heading"]) == ("HDG", 230)


def test_first_date_dates_what_came_before(tmp_path: Path) -> None:
    """A time of day before the first date is of the nearest day, here the eve of it."""
    lines = [HDG, GLL.format("235959"), HDG, ZDA.format("000001", "31")]
    found = read(written(tmp_path, *lines))
    raw = [event for event in found.events if event.series.lane == "raw"]
    before = timestamps.parse("2025-12-30T23:59:59Z")
    assert [event.source_ns - before for event in raw] == [0, 0, 0, 2 * 10**9]


def test_midnight_turns_the_day(tmp_path: Path) -> None:
    """Sentences that say only the time of day go on into the next day."""
    lines = [ZDA.format("235958", "31"), GLL.format("235959"), GLL.format("000000.5"), HDG]
    found = read(written(tmp_path, *lines))
    raw = [event for event in found.events if event.series.lane == "raw"]
    assert timestamps.text(raw[-1].source_ns) == "2026-01-01T00:00:00.500000000Z"


def test_equal_lines_at_one_time_are_one_event(tmp_path: Path) -> None:
    """A line that repeats within a second says nothing new; no time is made up to keep it."""
    found = read(written(tmp_path, ZDA.format("120000", "31"), HDG, HDG, HDG))
    headings = [one for one in found.events if one.series[1:5] == ("raw", "nmea", "SD", "HDG")]
    assert len({event.event_id for event in headings}) == 1
    assert {timestamps.text(event.source_ns) for event in headings} == {
        "2025-12-31T12:00:00.000000000Z"
    }


def test_without_a_date_says_what_to_give(tmp_path: Path) -> None:
    """The error names the option; with it, the times of day are dated near that moment."""
    path = written(tmp_path, HDG, GLL.format("120001"))
    with pytest.raises(RecordingError, match="--epoch"):
        read(path)
    epoch_ns = timestamps.parse("2020-02-29T12:00:00Z")
    found = everything(NmeaReader(path, Observer("test"), epoch_ns=epoch_ns).steps())
    seconds = [(event.source_ns - epoch_ns) // 10**9 for event in found.events]
    assert seconds == [0, 0, 1, 1]


def test_long_line_comes_in_pieces(tmp_path: Path) -> None:
    """Bounded memory: a megabyte without a line end is no sentence, and no byte of it is lost."""
    path = tmp_path / "log"
    noise = b"\x01" * 1_000_000
    path.write_bytes(ZDA.format("120000", "31").encode() + noise)
    found = read(path)
    frames = [one.envelope for one in found.events if isinstance(one.envelope, RawFrame)]
    assert b"".join(frame.frame for frame in frames[1:]) == noise
    assert len(frames) > 100


@given(st.integers(0, NS_PER_DAY - 1), st.integers(-(2**62), 2**62))
def test_nearest_moment_has_the_time_of_day_and_is_near(time_of_day: int, reference: int) -> None:
    """At most half a day away, and that time of day."""
    found = nearest(time_of_day, reference)
    assert found % NS_PER_DAY == time_of_day
    assert abs(found - reference) <= NS_PER_DAY // 2
