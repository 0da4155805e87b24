"""NMEA recordings: every line raw, every sentence parsed, dated by the few that say the date."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.logged_line import nmea_checksum
from nova.recordings.nmea import TAG_DAMAGED, NmeaReader
from nova.recordings.recording import RecordingError
from nova.recordings.sentence import CUT, DAMAGED, NS_PER_DAY, UNDECODABLE
from nova.recordings.sentence_clock import nearest
from nova.sdk import timestamps
from nova.sdk.events.envelope import ParsedMessage, RawFrame
from nova.sdk.events.observation import Observer
from tests.recordings.reading import Everything, everything

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
    """4,999 sentences of which pynmea2 refuses 146, and 284 positions and 147 of GLL."""
    path = recordings / "gps/bundg_zeus_9.log"
    found = read(path)
    assert found.lanes == {"raw": 4999, "parsed": 4853 + 284 + 147}
    assert found.notes == {UNDECODABLE: 146}
    assert found.problems == []
    assert found.end_bytes == path.stat().st_size
    # Receivers repeat themselves within a second: equal lines at one time are one event.
    assert len(set(found.ids)) == 9391
    times = [timestamps.text(event.source_ns) for event in found.events]
    assert min(times).startswith("2018-08-20T09:47:36")
    assert max(times).startswith("2018-08-20T09:50:04")
    positions = [one for one in found.events if one.series.message_type == "Position"]
    assert len(positions) == 284 + 147


def test_ships_around(recordings: Path) -> None:
    """1,313 sentences, and 183 AIS lines: 171 messages of 33 ships, as pyais reads them too."""
    found = read(recordings / "gps/ais-nmea.log")
    # Positions: 328 of RMC and GGA, 164 of GLL, 141 of ships.
    assert found.lanes == {"raw": 1313 + 183, "parsed": 1313 + 328 + 164 + 171 + 141}
    assert (found.notes, found.problems) == ({}, [])
    assert sum(event.series.unique_id == "VDM" for event in found.events) == 183
    ships = {one.series.unique_id for one in found.events if one.series.container_id == "ais"}
    assert len(ships) == 33
    assert len(set(found.ids)) == 3611


def test_binary_and_sentences_mixed(recordings: Path) -> None:
    """A receiver's UBX output between its 2,620 sentences is kept as raw bytes, all of it."""
    path = recordings / "gps/ublox-zed-f9p_hpg1.11.log"
    found = read(path)
    assert found.lanes["parsed"] == 2620 + 1310 + 655
    assert found.problems == []


@pytest.mark.slow
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
    assert seconds == [0, 0, 1, 1, 1]


def checked(*lines: str) -> str:
    """Sentences with their checksums, a line each."""
    return "".join(f"${line}*{nmea_checksum(line.encode()):02X}\r\n" for line in lines)


COLD = ("GPGGA,{},,,,,0,00,,,M,,M,,", "GPRMC,{},V,,,,,0.00,0.00,{},,,N")
WARM = (
    "GPGGA,{},5230.0000,N,01324.0000,E,1,08,1.0,35.0,M,45.0,M,,",
    "GPRMC,{},A,5230.0000,N,01324.0000,E,0.10,0.00,{},,,A",
)


def test_a_cold_start_is_not_later_than_the_first_fix(tmp_path: Path) -> None:
    """Before, the fixes were dated by the receiver's clock of before: a day late."""
    cold = [line.format(f"2359{s}.800", "050180") for s in range(55, 60) for line in COLD]
    warm = [line.format(f"14293{s}.000", "270921") for s in range(6) for line in WARM]
    found = read(written(tmp_path, checked(*cold, *warm)))
    fixes = {one.source_ns for one in found.events if one.series.message_type == "Position"}
    first = timestamps.parse("2021-09-27T14:29:30Z")
    assert sorted(fixes) == [first + s * 10**9 for s in range(6)]
    raw = [one.source_ns for one in found.events if one.series.lane == "raw"]
    assert max(raw[: len(cold)]) < first
    # What it says of itself is kept as it says it.
    assert timestamps.text(raw[1]) == "1980-01-05T23:59:55.800000000Z"


def test_an_idle_receiver_is_not_believed_beside_a_real_one(tmp_path: Path) -> None:
    """At 0/0, with status A and a date. Before, every line between was dated 2005."""
    idle = "GPRMC,000000.00,A,0.000,N,0.000,E,0.0,0.0,050505,0.0,E"
    empty = "GPGGA,,,,,,0,00,99.99,,,,,,"
    real = [line.format("091500.00", "230322") for line in WARM]
    found = read(written(tmp_path, checked(idle, empty, *real, idle, empty)))
    raw = [timestamps.text(one.source_ns)[:19] for one in found.events if one.series.lane == "raw"]
    itself, others = "2005-05-05T00:00:00", "2022-03-23T09:15:00"
    assert raw == [itself, others, others, others, itself, others]


def test_a_date_before_a_receiver_says_that_it_has_no_fix(tmp_path: Path) -> None:
    """A ZDA does not say; what the same talker says next decides. `--epoch` moves neither."""
    zda, lost = "GPZDA,000001.00,06,01,1980,00,00", "GPRMC,000001.00,V,,,,,,,060180,,,N"
    real = WARM[1].format("142930.000", "270921")
    path = written(tmp_path, checked("SDHDG,230.0,,,1.3,E", zda, lost, real))
    epoch_ns = timestamps.parse("2021-09-27T14:00:00Z")
    for epoch in (None, epoch_ns):
        found = everything(NmeaReader(path, Observer("test"), epoch_ns=epoch).steps())
        raw = [one.source_ns for one in found.events if one.series.lane == "raw"]
        itself, others = (
            timestamps.parse(text) for text in ("1980-01-06T00:00:01Z", "2021-09-27T14:29:30Z")
        )
        assert raw == [others, itself, itself, others]


def test_epoch_decides_the_rollover(tmp_path: Path) -> None:
    """A receiver that counts its weeks anew is 1,024 weeks behind."""
    path = written(tmp_path, checked(WARM[1].format("102030.00", "141000")))
    assert timestamps.text(read(path).events[0].source_ns).startswith("2000-10-14T10:20:30")
    epoch_ns = timestamps.parse("2020-05-30T10:20:00Z")
    found = everything(NmeaReader(path, Observer("test"), epoch_ns=epoch_ns).steps())
    assert {one.source_ns - epoch_ns for one in found.events} == {30 * 10**9}


def test_times_beside_sentences(tmp_path: Path) -> None:
    """TAG blocks, prefixes and what stands behind a checksum; the ship is the entity."""
    ship = "!BSVDM,1,1,,B,13md`u0P00PoLB4V`C8=;wvF24r0,0*0F"
    lines = [
        f"\\s:2573435,c:1699169531*03\\{ship}\r\n",
        f"\\c:1699169540*00\\{ship}\r\n",
        f"{ship},1699169541,1699169549\r\n",
        f"2023-11-05T07:32:22Z {ship}\r\n",
        "2023-11-05T07:32:23Z $IIXXX,1\r\n",
    ]
    found = read(written(tmp_path, *lines))
    raw = [one.source_ns // 10**9 for one in found.events if one.series.lane == "raw"]
    assert raw == [1699169531, 1699169540, 1699169541, 1699169542, 1699169543]
    parsed = [one for one in found.events if one.series.message_type == "AIS"]
    assert {one.series[2:5] for one in parsed} == {("nmea", "ais", "257632500")}
    assert [one.source_ns // 10**9 for one in parsed] == raw[:4]
    assert found.notes == {TAG_DAMAGED: 1, UNDECODABLE: 1}


def test_damaged_lines_are_said_and_cost_only_themselves(tmp_path: Path) -> None:
    """A torn line that runs into the next, a wrong checksum, a cut one without, CR alone."""
    good = checked(WARM[1].format("102030.00", "141020"))
    lines = good[:40] + good + good.replace("*", "*0") + good[:30] + "\r" + good
    found = read(written(tmp_path, lines))
    frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
    assert b"".join(frames) == lines.encode()
    positions = [one.source_ns for one in found.events if one.series.message_type == "Position"]
    assert len(positions) == 2
    assert found.notes == {CUT: 2, DAMAGED: 1}


def test_overlapping_logs_have_the_same_ids(tmp_path: Path) -> None:
    """A part of a log that begins with a date makes a part of its events."""
    hours = [line.format(f"1029{s}.00", "141020") for s in range(10, 60) for line in WARM[::-1]]
    whole = read(written(tmp_path, checked(*hours)))
    part = read(written(tmp_path, checked(*hours[40:])))
    ids = [one.event_id for one in whole.events if one.series.lane != "ui"]
    assert [one.event_id for one in part.events if one.series.lane != "ui"] == ids[-len(part.ids) :]


def test_what_the_library_trips_over_costs_only_its_line(tmp_path: Path) -> None:
    """A traceback, before; a stamp beyond every time put the lines behind it out of range."""
    good = checked(WARM[1].format("102030.00", "141020"))
    bare = "$PUBX\r\n$PASHR\r\n$PTNL\r\n$PSXN1\r\n$PVTX\r\n"
    far = "\\c:9999999999*59\\" + checked("SDHDG,230.0,,,1.3,E")
    found = read(written(tmp_path, good, bare, "$GPZDA,1,99999999999999999999,1,1,,\r\n", far, HDG))
    assert found.problems == []
    assert found.notes == {UNDECODABLE: 5}
    raw = {one.source_ns for one in found.events if one.series.lane == "raw"}
    assert raw == {timestamps.parse("2020-10-14T10:20:30Z")}


def off_and_on(days: float, *, cold: int = 0) -> list[tuple[str, str]]:
    """Sentences with their times: a logger that is off for this many days, GGA before RMC."""
    lines = []
    first = timestamps.parse("2024-03-23T10:00:00Z")
    for begin, lost in ((first, 0), (first + int(days * NS_PER_DAY), cold)):
        for second in range(lost + 5):
            text = timestamps.text(begin + second * 10**9)
            day = f"{text[8:10]}{text[5:7]}{text[2:4]}"
            pair = (COLD[0],) if second < lost else WARM
            lines += [
                (line.format(f"{text[11:19]}.00".replace(":", ""), day), text) for line in pair
            ]
    return lines


@pytest.mark.parametrize(
    ("days", "cold"), [(3, 0), (13 / 24, 0), (3, 3), (1, 4), (-3, 0), (30.01, 2)]
)
def test_behind_a_gap_the_next_date_counts(tmp_path: Path, days: float, cold: int) -> None:
    """Before, the first GGA behind it was dated by the last date before it."""
    lines = off_and_on(days, cold=cold)
    whole = read(written(tmp_path, checked(*(line for line, _ in lines))))
    raw = [one for one in whole.events if one.series.lane == "raw"]
    assert [timestamps.text(one.source_ns) for one in raw] == [text for _, text in lines]
    for begin in range(1, len(lines)):
        part = read(written(tmp_path, checked(*(line for line, _ in lines[begin:]))))
        ids = [one.event_id for one in part.events if one.series.lane == "raw"]
        assert ids == [one.event_id for one in raw[begin:]]


def mutated(whole: bytes, random: Random) -> bytes:
    """Some bytes changed, lost, repeated or moved."""
    data = bytearray(whole)
    for _ in range(random.randint(1, 12)):
        at = random.randrange(len(data))
        kind = random.randrange(4)
        if kind == 0:
            data[at] = random.randrange(256)
        elif kind == 1:
            del data[at : at + random.randint(1, 40)]
        elif kind == 2:
            data[at:at] = data[at : at + random.randint(1, 80)]
        else:
            data[at:at] = random.choice([b"\r", b"\n", b"\\", b"$", b"!", b",", b"*", b"\xff"])
    return bytes(data)


def fuzz(folder: Path, files: int) -> None:
    """Read mutated logs: no crash, no byte lost, no place that nobody said."""
    ship = "\\s:1,c:1602671425*5F\\!BSVDM,1,1,,B,13md`u0P00PoLB4V`C8=;wvF24r0,0*0F\r\n"
    lines = [line.format(f"1030{s}.00", "141020") for s in range(10, 22) for line in WARM]
    whole = checked(*lines).encode() + ship.encode() + HDG.encode()
    random = Random(15)
    for _ in range(files):
        data = mutated(whole, random)
        path = folder / "log"
        path.write_bytes(data)
        try:
            found = read(path)
        except RecordingError:
            continue
        frames = [one.envelope.frame for one in found.events if isinstance(one.envelope, RawFrame)]
        assert b"".join(frames).split() == data.split()
        for one in found.events:
            if one.series.message_type == "Position":
                assert isinstance(one.envelope, ParsedMessage)
                assert one.envelope.payload["longitude"] != 0.0


def test_mutated_logs(tmp_path: Path) -> None:
    """A hundredth of the number below."""
    fuzz(tmp_path, 100)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_mutated_logs(tmp_path: Path) -> None:
    """Ten thousand."""
    fuzz(tmp_path, 10_000)


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
