"""`python -m bench.packet_stages COMMIT`: the CPU time of a packet in the stages of a device host,
of this tree and of another commit in turns.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec

from bench.side_by_side import ROOT, in_turns, probed, work_tree
from bench.telemetry_packets import packets, write_xtce
from nova.hardware.device import Reading, Setup
from nova.hardware.event_builder import EventBuilder
from nova.hardware.packet_device import PacketDevice
from nova.recordings.packet_scan import PacketScanner
from nova.recordings.xtce import XtceDefinition

PIECE_BYTES = 65_536
ROUNDS = 3


class StageCosts(msgspec.Struct):
    """Microseconds of the CPU for a packet: to find it in bytes, to decode it, all that the device
    does until it has readings, and to build their records.
    """

    scan_us: float
    decode_us: float
    read_us: float
    wrap_us: float


def probe(count: int) -> StageCosts:
    """The costs of the packages that Python finds."""
    made = [one.data for one in packets(count)]
    joined = b"".join(made)
    pieces = [joined[at : at + PIECE_BYTES] for at in range(0, len(joined), PIECE_BYTES)]
    with tempfile.TemporaryDirectory(prefix="nova-bench-packets-") as name:
        path = write_xtce(Path(name) / "bench.xml")
        definition = XtceDefinition(path)
        scan_us = _best_us(count, lambda: _scan(pieces))
        decode_us = _best_us(count, lambda: [definition.decode(one) for one in made])
        readings = asyncio.run(_read(path, joined, count))
        read_us = _best_us(count, lambda: asyncio.run(_read(path, joined, count)))
        wrap_us = _best_us(count, lambda: _wrap(readings))
    return StageCosts(scan_us, decode_us, read_us, wrap_us)


def _scan(pieces: Sequence[bytes]) -> None:
    scanner = PacketScanner(eager=True)
    for piece in pieces:
        for _ in scanner.feed(piece):
            pass


async def _read(path: Path, joined: bytes, count: int) -> list[Sequence[Reading]]:
    """The readings of a device that gets all packets over TCP, as `read` returned them."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(joined)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    source = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    device = PacketDevice(Setup("bench", {"source": source, "xtce": str(path)}, path.parent))
    async with server:
        await device.open()
        readings: list[Sequence[Reading]] = []
        while sum(map(len, readings)) < count:
            readings.append(await device.read())
        await device.close()
    return readings


def _wrap(readings: Sequence[Sequence[Reading]]) -> None:
    builder = EventBuilder("bench")
    for some in readings:
        builder.readings(list(some))


def _best_us(count: int, task: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        task()
        found.append((time.process_time() - started) / count * 1e6)
    return min(found)


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--packets", "count", type=click.IntRange(min=1), default=5_000, show_default=True)
def compare(commit: str, pairs: int, count: int) -> None:
    """Print the CPU time of this tree and of COMMIT, which is a commit or a folder."""
    arguments = [__file__, "--probe", str(count)]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: probed(tree, arguments, StageCosts))
    click.echo(f"{'µs a packet':11} {'here':>8} {'there':>8} {'ratio':>6}")
    for name in StageCosts.__struct_fields__:
        here = statistics.median(getattr(one, name) for one, _ in found)
        there = statistics.median(getattr(other, name) for _, other in found)
        click.echo(f"{name[:-3]:11} {here:8.2f} {there:8.2f} {here / there:6.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--probe"]:
        print(msgspec.json.encode(probe(int(sys.argv[2]))).decode())
    else:
        compare()
