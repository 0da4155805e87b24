"""Times of packets that carry none: at a device they are those of a recording of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.hardware.device import (
    DeviceError,
    Metadata,
    Reading,
    Setup,
)
from nova.hardware.event_builder import EventBuilder
from nova.hardware.packet_device import UNDATED, PacketDevice
from nova.recordings import cds
from nova.recordings.ccsds import CcsdsReader
from nova.recordings.packet_time import TimeSource
from nova.recordings.packets import CONTINUATION, FIRST, IDLE_APID, LAST, WHOLE
from nova.sdk import timestamps
from nova.sdk.events.event import address_of, check
from nova.sdk.events.observation import Observer
from tests.hardware.serving import Speaker
from tests.hardware.test_packet_device import read
from tests.recordings.packet_files import packet
from tests.recordings.reading import everything

T0_NS = timestamps.parse("2026-03-01T12:00:00Z")


def timed(sequence: int, at_s: int, *, flags: int = WHOLE) -> bytes:
    """A packet with a CDS time, which may be the first of its group."""
    body = cds.encode(T0_NS + at_s * 10**9) + b"body"
    return packet(30, sequence, body, secondary=True, flags=flags)


def untimed(sequence: int, flags: int = WHOLE) -> bytes:
    """A packet without one: a segment, or of the idle APID."""
    return packet(IDLE_APID if flags == WHOLE else 30, sequence, b"%8d" % sequence, flags=flags)


GROUPS = [
    one
    for n in range(0, 40, 5)
    for one in (
        timed(n, n),
        timed(n + 1, n + 1, flags=FIRST),
        untimed(n + 2, CONTINUATION),
        untimed(n + 3, LAST),
        untimed(n + 4),
    )
]


def swapped(packets: list[bytes], first: int, second: int) -> list[bytes]:
    """The same packets, two of each group changed."""
    found = list(packets)
    for n in range(0, len(found), 5):
        found[n + first], found[n + second] = found[n + second], found[n + first]
    return found


@pytest.mark.parametrize(
    "sent",
    [
        GROUPS,
        GROUPS[2:],
        GROUPS[4:],
        swapped(GROUPS, 2, 3),
        swapped(GROUPS, 1, 2),
        swapped(GROUPS, 1, 3),
        [untimed(99, LAST), *GROUPS],
        [untimed(99), *GROUPS, *GROUPS[:12]],
    ],
)
async def test_a_device_and_a_recording_of_it_give_the_same_events(
    tmp_path: Path, sent: list[bytes]
) -> None:
    """Segments and idle packets had the host's time at a device: equal bytes were two events."""
    path = tmp_path / "packets"
    path.write_bytes(b"".join(sent))
    time = TimeSource.from_options("cds", "s", None)
    recorded = everything(CcsdsReader(path, Observer("s"), time=time).steps())
    async with Speaker().serving() as speaker:
        options: dict[str, object] = {"source": f"tcp://127.0.0.1:{speaker.port}", "time": "cds"}
        radio = PacketDevice(Setup("radio", options, tmp_path), wait_max_s=3600)
        await radio.open()
        far = await speaker.connection()
        far.write(path.read_bytes())
        far.write_eof()
        readings = await read_to_the_end(radio)
        await radio.close()
    own = [reading for reading in readings if reading.entity.system_id == "ccsds"]
    built = EventBuilder("s").readings(own)
    assert not built.refused
    ids = [check(one.value, address_of(one.address)).event_id.hex() for one in built.records]
    assert ids == recorded.ids


async def read_to_the_end(radio: PacketDevice) -> list[Reading]:
    """All readings of a connection that the other side ends."""
    readings: list[Reading] = []
    async with asyncio.timeout(30):
        while True:
            try:
                readings += await radio.read()
            except DeviceError:
                return readings


async def test_packets_without_any_time_are_dated_by_the_host_and_counted(tmp_path: Path) -> None:
    """They wait for the next time within a bound, and once in vain only."""
    async with Speaker().serving() as speaker:
        options: dict[str, object] = {"source": f"tcp://127.0.0.1:{speaker.port}", "time": "cds"}
        radio = PacketDevice(Setup("radio", options, tmp_path), wait_max_s=0.05)
        await radio.open()
        far = await speaker.connection()
        far.write(untimed(1) + untimed(2))
        readings = await read(radio, 3)
        far.write(untimed(3) + timed(4, 4) + untimed(5))
        readings += await read(radio, 3)
        await radio.close()
    dated = [one.at_ns for one in readings if one.entity.system_id == "ccsds"]
    assert dated == [None, None, None, T0_NS + 4 * 10**9, T0_NS + 4 * 10**9]
    (told,) = [one for reading in readings for one in reading.outputs if isinstance(one, Metadata)]
    assert (told.message_type, told.payload["packets"]) == (UNDATED, 1)
