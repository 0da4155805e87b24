"""A real Yamcs reads space packets from TCP streams, as docs/tcp.md configures it."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nova.sdk.events.observation import Entity, Observer
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition
from nova.testkit.running_nova import RunningNova
from tests import made_packets
from tests.edge import tapping
from tests.edge.tapping import SCOPE, definition, tapped
from tests.edge.yamcs_server import YamcsServer

ROOT = Path(__file__).parents[2]
PACKETS = 3_000
CCSDS: dict[str, Any] = {
    "packetInputStreamClassName": "org.yamcs.tctm.CcsdsPacketInputStream",
    "packetInputStreamArgs": {"maxPacketLength": 65_542},
}


def with_length(width: int) -> dict[str, Any]:
    """A link that reads packets with their length before them."""
    return {
        "packetInputStreamClassName": "org.yamcs.tctm.GenericPacketInputStream",
        "packetInputStreamArgs": {
            "maxPacketLength": 1_048_576,
            "lengthFieldOffset": 0,
            "lengthFieldLength": width,
            "lengthAdjustment": width,
            "initialBytesToStrip": width,
        },
    }


INPUTS: dict[str, dict[str, Any]] = {
    "none": CCSDS,
    "length2": with_length(2),
    "length4": with_length(4),
}


def made() -> list[bytes]:
    """The packets one by one."""
    size, joined = made_packets.COUNTER_PACKET_BYTES, made_packets.counter_packets(PACKETS)
    return [joined[at : at + size] for at in range(0, len(joined), size)]


async def until_archived(yamcs: YamcsServer) -> None:
    """Wait until every link has counted all packets."""
    async with asyncio.timeout(60):
        for name in INPUTS:
            while int((await asyncio.to_thread(yamcs.link, name))["dataInCount"]) < PACKETS:
                await asyncio.sleep(0.1)


def test_the_documentation_configures_it_so() -> None:
    page = (ROOT / "docs" / "tcp.md").read_text()
    for link in (CCSDS, with_length(4)):
        lines = [f"packetInputStreamClassName: {link['packetInputStreamClassName']}"]
        lines += (f"{name}: {value}" for name, value in link["packetInputStreamArgs"].items())
        assert [line for line in lines if line not in page] == []
    two = with_length(2)["packetInputStreamArgs"]
    for name in ("lengthFieldLength", "lengthAdjustment", "initialBytesToStrip"):
        assert f"`{name}: {two[name]}`" in page


@pytest.mark.slow
async def test_yamcs_archives_the_packets_of_streams(nova: RunningNova) -> None:
    """One by one and byte for byte, in every framing that it can read."""
    packets = made()
    streams: list[TcpStreamDefinition] = [
        definition("yamcs", name=one, format="payloadOnly", framing=one, lanes=["raw"])
        for one in INPUTS
    ]
    links = {one.name: {"port": one.port, **INPUTS[one.name]} for one in streams}
    async with tapped(nova.data) as tap:
        for one in streams:
            await tap.start(one)
        with closing(YamcsServer(links)) as yamcs:
            await asyncio.to_thread(yamcs.start)
            for one in streams:
                await tap.until(one.name, lambda s: s.connections == 1 and bool(s.cursor))
            observer, radio = Observer(SCOPE), Entity("yamcs", "radio", "downlink")
            await tapping.publish(nova, [observer.observe(radio).raw(one) for one in packets])
            await until_archived(yamcs)
            for one in streams:
                archived = await asyncio.to_thread(yamcs.packets, one.name)
                assert len(archived) == PACKETS == tap.status(one.name).messages
                assert archived == packets
