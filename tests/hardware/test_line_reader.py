"""Lines: cut out of a stream in bounded memory, and understood where they can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.device import Output, Parsed, Raw, Reading
from nova.hardware.event_builder import EventBuilder
from nova.hardware.line_reader import (
    LINE_MAX_BYTES,
    LineFormat,
    LineReader,
    LineSplitter,
    LineState,
)
from nova.recordings.influx import InfluxReader
from nova.recordings.logged_line import nmea_checksum
from nova.recordings.nmea import NmeaReader
from nova.sdk import timestamps
from nova.sdk.events.event import address_of, check
from nova.sdk.events.observation import Entity, Observer
from tests.recordings.reading import everything

ENTITY = Entity("boat", "bridge", "log")
RMC = b"$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A\r\n"


@given(st.lists(st.binary(max_size=40)), st.integers(1, 16))
def test_nothing_of_a_stream_is_lost(pieces: list[bytes], max_bytes: int) -> None:
    """Whatever comes in whatever pieces comes out in order, and no piece is beyond the limit."""
    splitter = LineSplitter(max_bytes)
    found = [line for piece in pieces for line in splitter.feed(piece)]
    assert all(0 < len(line) <= max_bytes for line in found)
    assert all(b"\n" not in line[:-1] for line in found)
    assert splitter.waiting_bytes <= max_bytes
    assert b"".join([*found, *splitter.rest()]) == b"".join(pieces)


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"bc"]), st.sampled_from([b"\r", b"\n", b"\r\n"]))),
    st.integers(1, 5),
)
def test_cr_lf_and_both_end_lines(lines: list[tuple[bytes, bytes]], step: int) -> None:
    """However the stream is cut into pieces; lines that end with CR alone gave nothing."""
    data = b"".join(text + end for text, end in lines)
    splitter = LineSplitter()
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    found = [line for piece in pieces for line in splitter.feed(piece)]
    assert [*found, *splitter.rest()] == [text + end for text, end in lines]


def test_noise_without_a_line_end_comes_in_pieces() -> None:
    """A device that never ends its line takes no more memory than one line."""
    splitter = LineSplitter()
    found = splitter.feed(b"\xff" * (3 * LINE_MAX_BYTES + 5))
    assert [len(line) for line in found] == [LINE_MAX_BYTES] * 3
    assert splitter.waiting_bytes == 5


def read(meaning: LineFormat, line: bytes, type_member: str | None = None) -> Reading:
    """What a line says."""
    (reading,) = LineReader(meaning, ENTITY, type_member=type_member).readings(line)
    return reading


def outputs(reading: Reading) -> list[Output]:
    """All of them."""
    return list(reading.outputs)


def test_sentences_are_what_recordings_of_them_are() -> None:
    """A live sentence makes the events that `nova produce` makes of the same line."""
    reading = read("nmea", RMC)
    assert reading.entity == Entity("boat", "GP", "RMC")
    raw, parsed, position = outputs(reading)
    assert raw == Raw(RMC)
    assert isinstance(parsed, Parsed) and isinstance(position, Parsed)
    assert (parsed.message_type, parsed.payload["spd_over_grnd"]) == ("RMC", 22.4)
    assert position.payload == {"latitude": 48.1173, "longitude": 11.516666667}


def test_a_log_of_sentences_is_understood(made: Path) -> None:
    """A receiver's log, line by line as it would come over a wire."""
    lines = (made / "boat.log").read_bytes().splitlines(keepends=True)
    readings = [read("nmea", line) for line in lines]
    found = [one for reading in readings for one in reading.outputs if isinstance(one, Parsed)]
    assert {parsed.message_type for parsed in found} == {"RMC", "GGA", "HDG", "Position"}
    assert all(isinstance(reading.outputs[0], Raw) for reading in readings)


def test_real_sentences_are_understood(recordings: Path) -> None:
    """A real receiver's log, line by line as it would come over a wire."""
    lines = (recordings / "gps/bundg_zeus_9.log").read_bytes().splitlines(keepends=True)
    readings = [read("nmea", line) for line in lines[:500]]
    found = [one for reading in readings for one in reading.outputs if isinstance(one, Parsed)]
    assert "Position" in {parsed.message_type for parsed in found}
    assert all(isinstance(reading.outputs[0], Raw) for reading in readings)


BIG = Parsed("Line", {"a": ["9007199254740992", {"b": "-9007199254740993"}], "c": 2**53 - 1})


@pytest.mark.parametrize(
    ("meaning", "line", "expected"),
    [
        ("text", b"all is well\r\n", Parsed("Line", {"text": "all is well"})),
        ("text", b"\xff\xfe\n", None),
        ("json", b'{"class":"TPV","lat":1.5}\n', Parsed("TPV", {"class": "TPV", "lat": 1.5})),
        ("json", b'{"a":[9007199254740992,{"b":-9007199254740993}],"c":9007199254740991}\n', BIG),
        ("json", b'{"class":"two words"}\n', Parsed("Line", {"class": "two words"})),
        ("json", b'{"half":\n', None),
        ("json", b"[1]\n", None),
        ("json", b'{"a":' + b"[" * 5000 + b"\n", None),
        ("json", b'{"a":' + b"9" * 5000 + b"}\n", None),
        ("none", b"x\n", None),
        ("nmea", b"$GPRMC,garbage*00\n", None),
        ("nmea", b"\x00\xff noise\n", None),
    ],
)
def test_what_is_not_understood_is_raw(
    meaning: LineFormat, line: bytes, expected: Output | None
) -> None:
    """The bytes are always there, garbage too."""
    raw, *rest = outputs(read(meaning, line, "class"))
    assert raw == Raw(line)
    assert rest == ([expected] if expected is not None else [])


NOW = timestamps.parse("2024-03-23T10:16:00Z")


def checked(line: str) -> bytes:
    """A sentence with its checksum."""
    return f"${line}*{nmea_checksum(line.encode()):02X}\r\n".encode()


def heard(*lines: bytes, device_time: bool = True) -> list[Reading]:
    """What a device says line by line, at a time of the host."""
    reader = LineReader("nmea", ENTITY, device_time=device_time, now_ns=lambda: NOW)
    return [reading for line in lines for reading in reader.readings(line)]


def stamps(readings: list[Reading]) -> list[str | None]:
    """Their times, to the second."""
    return [None if one.at_ns is None else timestamps.text(one.at_ns)[:19] for one in readings]


def test_the_time_of_a_device() -> None:
    """Its own date is kept, however far from the host's; what has none is of the last one."""
    gga = "GPGGA,{},5230.0000,N,01324.0000,E,1,08,1.0,35.0,M,45.0,M,,"
    rmc = "GPRMC,{},{},5230.0000,N,01324.0000,E,0.0,0.0,{},,,A"
    readings = heard(
        checked(gga.format("101559.00")),
        checked(rmc.format("235959.00", "A", "311220")),
        checked(gga.format("000000.00")),
        checked("SDHDG,230.0,,,1.3,E"),
    )
    assert stamps(readings) == [
        "2024-03-23T10:15:59",
        "2020-12-31T23:59:59",
        "2021-01-01T00:00:00",
        None,
    ]
    rolled = heard(checked(rmc.format("101530.00", "A", "070804")))
    assert stamps(rolled) == ["2024-03-23T10:15:30"]


def test_without_a_fix_a_device_dates_nothing_but_itself() -> None:
    """As in a recording, its own date and time are kept for its own line."""
    lost = checked("GPRMC,235955.800,V,,,,,0.00,0.00,050180,,,N")
    zda = checked("GPZDA,235956.800,05,01,1980,00,00")
    idle = checked("GPRMC,000000.00,A,0.000,N,0.000,E,0.0,0.0,050505,0.0,E")
    searching = checked("GPGGA,000001.00,,,,,0,00,,,M,,M,,")
    assert stamps(heard(lost, zda, idle, searching)) == [
        "1980-01-05T23:59:55",
        "1980-01-05T23:59:56",
        "2005-05-05T00:00:00",
        None,
    ]
    assert all(len(one.outputs) == 2 for one in heard(lost, idle))


GGA = "GPGGA,{:02d}0000.00,5230.0000,N,01324.0000,E,1,08,1.0,35.0,M,45.0,M,,"


def test_a_date_that_nobody_has_a_fix_for_dates_no_other() -> None:
    """A cold receiver's ZDA dated others, 1,024 weeks on: in 2019."""
    zda = checked("GPZDA,000003.00,01,01,2000,00,00")
    other = checked("GNGGA,101500.00,5230.0000,N,01324.0000,E,1,08,1.0,35.0,M,45.0,M,,")
    cold = checked("GPRMC,000004.00,V,,,,,,,010100,,,N")
    assert stamps(heard(zda, other, cold)) == [
        "2000-01-01T00:00:03",
        "2024-03-23T10:15:00",
        "2000-01-01T00:00:04",
    ]
    assert stamps(heard(checked("GPGST,000003.00,1,1,1,1,1,1,1"))) == [None]


def test_the_day_moves_on_with_the_sentences() -> None:
    """Each is of the day nearest to the one before; 12:00 to 23:00 went a day back."""
    rmc = checked("GPRMC,000000.00,A,5230.0000,N,01324.0000,E,0.0,0.0,281120,,,A")
    hourly = [checked(GGA.format(hour % 24)) for hour in range(48)]
    assert stamps(heard(rmc, *hourly)) == ["2020-11-28T00:00:00"] + [
        f"2020-11-{28 + hour // 24}T{hour % 24:02d}:00:00" for hour in range(48)
    ]


RMC_A = "GPRMC,{},A,5230.0000,N,01324.0000,E,0.0,0.0,{},,,A"
HOUR_NS = 3600 * 10**9


class TerminalDevice:
    """A reader whose host's clock is set by hand."""

    def __init__(self, state: LineState | None = None, host_ns: int = NOW) -> None:
        self.host_ns = host_ns
        self.reader = LineReader("nmea", ENTITY, device_time=True, now_ns=lambda: self.host_ns)
        if state is not None:
            self.reader.resume(state)

    def says(self, *lines: bytes) -> list[str | None]:
        """The times of sentences that it says now."""
        return stamps([reading for line in lines for reading in self.reader.readings(line)])


@pytest.mark.parametrize(
    ("date", "hours_off", "expected"),
    [
        ("230324", 13, "2024-03-23T23:16:00"),
        ("230324", 72, "2024-03-26T10:16:00"),
        ("230323", 13, "2023-03-23T23:16:00"),
        ("230323", 72, "2023-03-26T10:16:00"),
        ("230325", 72, "2025-03-26T10:16:00"),
        ("311224", 26, "2025-01-01T12:16:00"),
    ],
)
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_device_that_was_off_goes_on_at_its_own_clock(
    date: str, hours_off: int, expected: str, is_restarted: bool
) -> None:
    """Also one whose clock is a year off, and over a restart. Its first GGA was days early."""
    device = TerminalDevice()
    device.says(checked(RMC_A.format("101600.00", date)))
    host_ns = NOW + hours_off * HOUR_NS
    device = TerminalDevice(device.reader.state(), host_ns) if is_restarted else device
    device.host_ns = host_ns
    hour = (10 + hours_off) % 24
    gga = checked(GGA.format(hour).replace("0000.00", "1600.00", 1))
    assert device.says(gga) == [expected]
    assert device.says(gga) == [expected]


@pytest.mark.parametrize("pace", [0.1, 1, 10, 1_000_000])
def test_a_replayed_log_keeps_its_own_pace(pace: float) -> None:
    """An old log, from a tenth of its pace to as fast as it goes: with the times it recorded."""
    device = TerminalDevice()
    device.says(checked(RMC_A.format("000000.00", "281120")))
    for hour in range(1, 60):
        device.host_ns += int(HOUR_NS / pace)
        expected = f"2020-11-{28 + hour // 24}T{hour % 24:02d}:00:00"
        assert device.says(checked(GGA.format(hour % 24))) == [expected]


def test_a_clock_of_the_host_that_is_put_back_is_no_silence() -> None:
    """The device's last time counts then."""
    device = TerminalDevice()
    device.says(checked(RMC_A.format("101600.00", "230324")))
    device.host_ns -= 100 * HOUR_NS
    assert device.says(checked(GGA.format(11))) == ["2024-03-23T11:00:00"]


def test_a_time_in_which_nothing_was_read_is_no_silence() -> None:
    """A host that pauses for days reads what was said at the begin of its pause."""
    device = TerminalDevice()
    device.says(checked(RMC_A.format("101600.00", "230324")))
    device.host_ns += 72 * HOUR_NS
    device.reader.leave_out(NOW, device.host_ns)
    assert device.says(checked(GGA.format(11))) == ["2024-03-23T11:00:00"]


def test_a_device_and_a_recording_of_it_give_the_same_events(tmp_path: Path) -> None:
    """With its date first, every sentence that has a time has the same one both ways."""
    rmc = "GPRMC,{},{},5230.0000,N,01324.0000,E,0.0,0.0,{},,,{}"
    lines = [
        checked(rmc.format("210000.00", "A", "281120", "A")),
        *(checked(GGA.format(hour % 24)) for hour in range(21, 60)),
        checked(rmc.format("000002.00", "V", "010100", "N")),
        checked("GPZDA,000003.00,01,01,2000,00,00"),
        checked("GPGGA,000004.00,,,,,0,00,,,M,,M,,"),
        checked(rmc.format("120500.00", "A", "301120", "A")),
        checked("GPZDA,120501.00,30,11,2020,00,00"),
        checked("GPGLL,5230.0000,N,01324.0000,E,120502.00,A,A"),
    ]
    log = tmp_path / "boat.nmea"
    log.write_bytes(b"".join(lines))
    recorded = everything(NmeaReader(log, Observer("s"), system_id=ENTITY.system_id).steps())
    wrapped = EventBuilder("s").readings(heard(*lines))
    assert not wrapped.refused
    ids = [check(one.value, address_of(one.address)).event_id.hex() for one in wrapped.records]
    assert ids == recorded.ids


def test_ships_and_tag_blocks_of_a_device() -> None:
    """The ship is its entity, and a TAG block's time counts where the device's does."""
    line = b"\\s:1,c:1699169531*2B\\!BSVDM,1,1,,B,13md`u0P00PoLB4V`C8=;wvF24r0,0*0F\r\n"
    raw, ship = heard(line)
    assert (raw.entity, list(raw.outputs)) == (Entity("boat", "BS", "VDM"), [Raw(line)])
    assert ship.entity == Entity("boat", "ais", "257632500")
    assert [one.message_type for one in ship.outputs if isinstance(one, Parsed)] == [
        "AIS",
        "Position",
    ]
    assert stamps([raw, ship]) == ["2023-11-05T07:32:11"] * 2
    assert stamps(heard(line, device_time=False)) == [None, None]


def test_a_torn_line_of_a_device_costs_only_itself() -> None:
    """The sentence that begins within it is read."""
    torn = RMC[:30] + RMC
    readings = heard(torn)
    assert (
        b"".join(
            one.frame for reading in readings for one in reading.outputs if isinstance(one, Raw)
        )
        == torn
    )
    assert len(readings[1].outputs) == 3


@pytest.mark.parametrize(
    "line", [b"$PUBX\r\n", b"$PSXN1\r\n", b"$GPZDA,1," + b"9" * 40 + b",1,1,,\r\n"]
)
def test_what_the_library_trips_over_is_raw_and_the_device_goes_on(line: bytes) -> None:
    """Before, the device ended with the library's IndexError or OverflowError."""
    first, *_, last = heard(line, RMC)
    assert first.outputs[0] == Raw(line)
    assert len(last.outputs) == 3


def test_points_are_those_of_a_recording(tmp_path: Path) -> None:
    """The same parsed events, at their own times; others, and what is no point, at the host's."""
    lines = [
        b"weather,location=us\\ mid temperature=82.5,humidity=71i 1722000000000000123\n",
        b'my\\ note text="too warm",ok=t 1722000000000000124\r\n',
    ]
    path = tmp_path / "points.lp"
    path.write_bytes(b"".join(lines))
    recorded = everything(InfluxReader(path, Observer("s"), system_id=ENTITY.system_id).steps())
    reader = LineReader("influx", ENTITY, device_time=True)
    readings = [one for line in lines for one in reader.readings(line)]
    built = EventBuilder("s").readings(readings)
    found = [check(one.value, address_of(one.address)) for one in built.records]
    assert [one.event_id for one in found if one.series.lane == "parsed"] == [
        one.event_id for one in recorded.events
    ]
    assert reader.readings(b"cpu load=1\n")[0].at_ns is None
    assert reader.readings(b"cpu load=1 9999999999999999999\n")[0].at_ns is None
    assert reader.readings(b"# no point\n") == [Reading(ENTITY, [Raw(b"# no point\n")])]
    by_host = LineReader("influx", ENTITY).readings(lines[0])
    assert by_host[0].at_ns is None
