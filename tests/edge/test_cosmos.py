"""The interface of OpenC3 COSMOS reads TCP streams with the arguments that docs/tcp.md gives it."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from nova.sdk.events.observation import Entity, Observer
from nova.sdk.protocol.tcp_streams import Framing
from nova.testkit.running_nova import RunningNova
from tests import made_packets
from tests.edge import tapping
from tests.edge.tapping import SCOPE, WAIT_S, definition, tapped

ROOT = Path(__file__).parents[2]
OPENC3_VERSION = "7.4.1"
INSTALL_TIMEOUT_S = 280
PACKETS = 200

READER = """
import sys
from openc3.interfaces.protocols.slip_protocol import SlipProtocol
from openc3.interfaces.tcpip_client_interface import TcpipClientInterface

port, count, protocol, *arguments = sys.argv[1:]
own = [] if protocol == "SlipProtocol" else [protocol, *arguments]
interface = TcpipClientInterface("127.0.0.1", None, port, "10.0", None, *own)
if protocol == "SlipProtocol":
    interface.add_protocol(SlipProtocol, arguments, "READ")
interface.connect()
for _ in range(int(count)):
    print("packet", interface.read().buffer.hex(), flush=True)
interface.disconnect()
"""
ARGUMENTS: dict[Framing, str] = {
    "none": "LENGTH 32 16 7",
    "newline": "TERMINATED 0x0A 0x0A true",
    "length2": "LENGTH 0 16 2 1 BIG_ENDIAN 2",
    "length4": "LENGTH 0 32 4 1 BIG_ENDIAN 4",
    "slip": "SlipProtocol 0xC0",
}


def cosmos_python() -> Path:
    """A Python with OpenC3's package, installed once into a cache outside the checkout."""
    cache = Path.home() / ".cache" / "nova-tests"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"openc3-{OPENC3_VERSION}"
    installed = folder / "installed"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q"]
            package = f"openc3=={OPENC3_VERSION}"
            subprocess.run([*pip, package], check=True, timeout=INSTALL_TIMEOUT_S)
            installed.touch()
    return folder / "bin" / "python"


def content(framing: Framing) -> list[bytes]:
    """What a stream carries: packets, or JSON where payloads may not contain newlines."""
    if framing == "newline":
        return [b'{"n":%d}' % n for n in range(PACKETS)]
    size, joined = made_packets.COUNTER_PACKET_BYTES, made_packets.counter_packets(PACKETS)
    return [joined[at : at + size] for at in range(0, len(joined), size)]


def test_the_documentation_gives_these_arguments() -> None:
    page = (ROOT / "docs" / "tcp.md").read_text()
    assert [one for one in ARGUMENTS.values() if one not in page] == []


@pytest.mark.slow
async def test_cosmos_reads_every_framing(nova: RunningNova) -> None:
    """Message by message and byte for byte."""
    python = await asyncio.to_thread(cosmos_python)
    streams = [
        definition(
            "cosmos",
            name=f"cosmos-{framing}",
            format="payloadOnly",
            framing=framing,
            lanes=["parsed" if framing == "newline" else "raw"],
        )
        for framing in ARGUMENTS
    ]
    async with tapped(nova.data) as tap:
        readers = []
        for one in streams:
            await tap.start(one)
            command = (python, "-c", READER, str(one.port), str(PACKETS))
            arguments = ARGUMENTS[one.framing].split()
            readers.append(
                await asyncio.create_subprocess_exec(*command, *arguments, stdout=PIPE, stderr=PIPE)
            )
        for one in streams:
            await tap.until(one.name, lambda s: s.connections == 1 and bool(s.cursor))
        observer, radio = Observer(SCOPE), Entity("cosmos", "radio", "downlink")
        events = [observer.observe(radio).raw(packet) for packet in content("none")]
        events += [observer.observe(radio).parsed("N", {"n": n}) for n in range(PACKETS)]
        await tapping.publish(nova, events)
        for one, reader in zip(streams, readers, strict=True):
            async with asyncio.timeout(WAIT_S):
                output, errors = await reader.communicate()
            lines = [line.split()[1] for line in output.decode().splitlines() if "packet" in line]
            assert [bytes.fromhex(line) for line in lines] == content(one.framing), errors
