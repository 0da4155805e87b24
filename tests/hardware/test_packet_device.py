"""Packet devices: packets over UDP and TCP, whole, in pieces, and damaged."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from nova.hardware.device import (
    Command,
    CommandRefusedError,
    DeviceError,
    Metadata,
    Parsed,
    Raw,
    Reading,
    Setup,
)
from nova.hardware.packet_device import DROPPED, INCOMPLETE_SEGMENTS, PacketDevice
from nova.recordings.frame_layout import FRAME_LAYOUT
from nova.recordings.packets import FIRST, LAST, Packet
from nova.sdk import timestamps
from nova.sdk.errors import SettingsError
from nova.sdk.events.observation import Entity
from nova.testkit.ports import free_port
from tests.hardware.serving import Speaker
from tests.hardware.verifying import report
from tests.made_packets import ORBIT_PACKET_BYTES, orbit_packets
from tests.recordings.packet_files import housekeeping, packet, xtce_file

PACKET_BYTES = ORBIT_PACKET_BYTES
PING = "1801c000000100ff"
APID_11 = Entity("ccsds", "apid", "11")


@pytest.fixture
def packets() -> bytes:
    """The packets of some minutes."""
    return orbit_packets(200)


@pytest.fixture
def options(made: Path) -> dict[str, object]:
    """Decode them, and take their own times."""
    return {"xtce": str(made / "orbit.xml"), "time": "cds"}


def device(folder: Path, source: str, **options: object) -> PacketDevice:
    """A packet device called `radio`."""
    return PacketDevice(Setup("radio", {"source": source, **options}, folder))


async def read(radio: PacketDevice, count: int) -> list[Reading]:
    """This many readings, or more."""
    found: list[Reading] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            found += await radio.read()
    return found


def frames(readings: list[Reading]) -> bytes:
    """All raw bytes, one after the other."""
    first = [reading.outputs[0] for reading in readings]
    return b"".join(output.frame for output in first if isinstance(output, Raw))


async def test_datagrams(tmp_path: Path, packets: bytes, options: dict[str, object]) -> None:
    """One packet or several in a datagram; each raw and parsed, with its own time."""
    port = free_port()
    radio = device(tmp_path, f"udp://127.0.0.1:{port}", commands={"radio.ping": PING}, **options)
    await radio.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        far.settimeout(20)
        for start in range(0, len(packets), 5 * PACKET_BYTES):
            far.sendto(packets[start : start + 5 * PACKET_BYTES], ("127.0.0.1", port))
        readings = await read(radio, 200)
        ping = Command("c1", APID_11, "radio.ping", {}, 0)
        assert await radio.execute(ping, _no_progress) is None
        assert far.recv(100) == bytes.fromhex(PING)
    await radio.close()
    assert frames(readings) == packets
    assert {reading.entity for reading in readings} == {APID_11}
    assert timestamps.text(readings[0].at_ns or 0).startswith("2026-03-01T12:00:00.25")
    layout = readings[0].outputs[1]
    assert isinstance(layout, Metadata) and layout.message_type == FRAME_LAYOUT
    parsed = [reading.outputs[-1] for reading in readings]
    assert all(isinstance(one, Parsed) and len(one.payload) == 20 for one in parsed)


async def _no_progress(percent: float, message: str | None = None) -> None:
    """Nobody listens."""


async def test_every_packet_has_a_count_of_its_own(tmp_path: Path) -> None:
    """Before, each was the same bytes, which a spacecraft drops as a repetition."""
    counts = []
    async with Speaker().serving() as speaker:
        for _ in range(2):  # Another process has the folder of the one before.
            radio = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}", commands={"ping": PING})
            await radio.open()
            await speaker.connection()
            for _ in range(2):
                await radio.execute(Command("c", APID_11, "ping", {}, 0), _no_progress)
                counts.append(Packet(0, await speaker.heard.get()).sequence)
            await radio.close()
    assert counts == [0, 1, 2, 3]


async def test_telemetry_says_how_a_command_ended(tmp_path: Path, verification: Path) -> None:
    """Before, a command was a success as soon as its packet was written."""
    done, refused = ({"SERVICE": 1, "SUBTYPE": n, "ECHO": "$sequence"} for n in (7, 8))
    setting = {"packet": PING, "confirm": done, "refuse": refused}
    ping = Command("c", APID_11, "ping", {}, 0)
    async with Speaker().serving() as speaker:
        source = f"tcp://127.0.0.1:{speaker.port}"
        radio = device(tmp_path, source, xtce=str(verification), commands={"ping": setting})
        await radio.open()
        far = await speaker.connection()
        reading = asyncio.create_task(_read_on(radio))
        doing = asyncio.create_task(radio.execute(ping, _no_progress))
        await speaker.heard.get()
        far.write(report(1, 0) + report(7, 41))
        finished, _ = await asyncio.wait((doing,), timeout=0.1)
        assert not finished, "acceptance is no completion, and 41 is another's count"
        far.write(report(7, 0))
        assert await doing == {"sequence": 0, "SERVICE": 1, "SUBTYPE": 7, "ECHO": 0}
        doing = asyncio.create_task(radio.execute(ping, _no_progress))
        await speaker.heard.get()
        far.write(report(8, 1))
        with pytest.raises(CommandRefusedError, match="SUBTYPE 8"):
            await doing
        reading.cancel()
        await asyncio.wait((reading,))
        await radio.close()


async def _read_on(radio: PacketDevice) -> None:
    while True:
        await radio.read()


async def test_an_argument_that_no_packet_has_is_refused(tmp_path: Path) -> None:
    """Before, it was dropped, and the fixed packet was sent all the same."""
    radio = device(tmp_path, "udp://127.0.0.1:1", commands={"ping": PING})
    asked = Command("c", APID_11, "ping", {"power": 1}, 0)
    with pytest.raises(CommandRefusedError, match="ping has no argument 'power'; it takes none"):
        await radio.execute(asked, _no_progress)


async def test_damaged_datagrams_are_raw_and_hurt_nothing(tmp_path: Path, packets: bytes) -> None:
    """Garbage, a packet cut short, nothing at all: the bytes are kept, the next packet is read."""
    port = free_port()
    radio = device(tmp_path, f"udp://127.0.0.1:{port}")
    await radio.open()
    good = packets[:PACKET_BYTES]
    sent = [b"\xff" * 30, b"", good[:40], good + b"\xfe", good]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for datagram in sent:
            far.sendto(datagram, ("127.0.0.1", port))
        readings = await read(radio, 5)
    await radio.close()
    assert frames(readings) == b"".join(sent)
    own = Entity("hardware", "device", "radio")
    assert [reading.entity for reading in readings] == [own, own, APID_11, own, APID_11]
    assert all(reading.at_ns is None for reading in readings)


def small_device(folder: Path, source: str) -> PacketDevice:
    """A packet device whose port has room for a few datagrams."""
    return PacketDevice(Setup("radio", {"source": source}, folder), udp_buffer_bytes=4096)


async def test_dropped_datagrams_are_counted(tmp_path: Path, packets: bytes) -> None:
    """Invariant 7: what the system had no room for is reported, even if nothing comes after it."""
    port = free_port()
    radio = small_device(tmp_path, f"udp://127.0.0.1:{port}")
    await radio.open()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for start in range(0, len(packets), PACKET_BYTES):
            far.sendto(packets[start : start + PACKET_BYTES], ("127.0.0.1", port))
        readings = await read(radio, 1)
        far.sendto(packets[:PACKET_BYTES], ("127.0.0.1", port))
        readings += await read(radio, 1)
    await radio.close()
    notes = [one for reading in readings for one in reading.outputs if isinstance(one, Metadata)]
    (note,) = notes
    assert note.message_type == DROPPED
    assert note.payload["total"] == 201 - (len(readings) - 1)


async def test_drops_are_told_once_over_reopenings(tmp_path: Path, packets: bytes) -> None:
    """Each reopening reported all old drops again, and lost those not reported yet."""
    port = free_port()
    radio = small_device(tmp_path, f"udp://127.0.0.1:{port}")
    readings = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for _ in range(3):
            await radio.open()
            for start in range(0, len(packets), PACKET_BYTES):
                far.sendto(packets[start : start + PACKET_BYTES], ("127.0.0.1", port))
            await radio.close()
            readings += await read(radio, 1)
    outputs = [one for reading in readings for one in reading.outputs]
    told = [one.payload["dropped"] for one in outputs if isinstance(one, Metadata)]
    assert len(told) == 3
    assert sum(isinstance(one, Raw) for one in outputs) + sum(map(int, map(str, told))) == 600


async def test_a_stream_of_packets(
    tmp_path: Path, packets: bytes, options: dict[str, object]
) -> None:
    """In pieces that end anywhere."""
    async with Speaker().serving() as speaker:
        radio = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}", **options)
        await radio.open()
        far = await speaker.connection()
        reading = asyncio.create_task(read(radio, 200))
        for start in range(0, len(packets), 97):
            far.write(packets[start : start + 97])
            await far.drain()
        readings = await reading
        await radio.close()
    assert frames(readings) == packets
    assert readings[0].at_ns is not None


async def test_a_stream_goes_on_behind_what_is_no_packet(tmp_path: Path, packets: bytes) -> None:
    """Before, the connection was closed, and what came before the next was made was lost."""
    garbage = b"\xff\xffgarbage"
    async with Speaker().serving() as speaker:
        radio = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}")
        await radio.open()
        far = await speaker.connection()
        sent = packets[: 2 * PACKET_BYTES] + garbage + packets[2 * PACKET_BYTES :][:PACKET_BYTES]
        far.write(sent)
        readings = await read(radio, 4)
        assert frames(readings) == sent
        own = Entity("hardware", "device", "radio")
        assert [reading.entity for reading in readings] == [APID_11, APID_11, own, APID_11]
        await radio.close()


async def test_what_is_left_of_a_broken_stream_is_kept(tmp_path: Path, packets: bytes) -> None:
    """A connection that ends within a packet: its bytes are raw, and then it is said."""
    async with Speaker().serving() as speaker:
        radio = device(tmp_path, f"tcp://127.0.0.1:{speaker.port}")
        await radio.open()
        far = await speaker.connection()
        far.write(packets[: PACKET_BYTES + 20])
        far.write_eof()
        assert frames(await read(radio, 2)) == packets[: PACKET_BYTES + 20]
        with pytest.raises(DeviceError, match="closed the connection"):
            await radio.read()
        await radio.close()


async def test_segments_are_one_message(tmp_path: Path) -> None:
    """Before, a continuation was decoded by itself: a false report at a false time."""
    port = free_port()
    xtce = str(xtce_file(tmp_path, [("A", "U16"), ("B", "U16")]))
    options = {"xtce": xtce, "time": "field:SECS", "epoch": "1980-01-06T00:00:00Z"}
    radio = device(tmp_path, f"udp://127.0.0.1:{port}", time_scale="gps", **options)
    await radio.open()
    sent = [
        packet(42, 0, housekeeping(1_332_279_832) + b"\0\1", flags=FIRST),
        packet(42, 1, b"\0\2", flags=LAST),
        packet(42, 7, b"\0\2", flags=LAST),
        packet(42, 800, housekeeping(1_332_279_833) + b"\0\3\0\4"),
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for datagram in sent:
            far.sendto(datagram, ("127.0.0.1", port))
        readings = await read(radio, 5)
    await radio.close()
    outputs = [output for reading in readings for output in reading.outputs]
    assert [output.frame for output in outputs if isinstance(output, Raw)] == sent
    messages = [output.payload for output in outputs if isinstance(output, Parsed)]
    assert [(message["A"], message["B"]) for message in messages] == [(1, 2), (3, 4)]
    first = timestamps.parse("2022-03-25T21:43:34Z")
    dated = [reading.at_ns for reading in readings if reading.entity.unique_id == "42"]
    assert dated == [first, first, first, first + 10**9]
    layout, note = [output for output in outputs if isinstance(output, Metadata)]
    assert layout.message_type == FRAME_LAYOUT
    assert note.message_type == INCOMPLETE_SEGMENTS
    assert note.payload == {"apid": 42, "firstSequence": 7, "segments": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"xtce": "/does/not/exist.xml"}, "XTCE"),
        ({"time": "sundial"}, "not one of cds"),
        ({"time": "field:SHCOARSE"}, "--epoch"),
        ({"time": "field:SHCOARSE", "epoch": "1980-01-06T00:00:00Z"}, "requires `xtce`"),
        ({"time": "cds", "epoch": "yesterday"}, "yesterday"),
        ({"commands": {"a": "no hex"}}, "hex"),
        (
            {"commands": {"a": {"packet": "1801c000000100ff", "confirm": {"A": 1}}}},
            "requires `xtce`",
        ),
        ({"commands": {"a": {"packet": "1801c000000100ff", "when": 1}}}, "when"),
    ],
)
def test_wrong_options_name_the_device(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    """One clear error, before anything is opened."""
    with pytest.raises(SettingsError, match=r"devices\.radio") as raised:
        device(tmp_path, "udp://127.0.0.1:1", **options)
    assert words in str(raised.value)
