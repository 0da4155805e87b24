"""`python -m bench.packet_bytes`: the bytes on disk of a packet with 20 parameters, which came in
through a TCP device: its frame and its values, in the archive and in daily files, and what of them
no compression makes less.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path

import click

from bench.own import WriterSide
from bench.packet_flow import SCOPE, FarEnd, flood, hosted, settled, until_readable
from bench.telemetry_packets import packets
from nova.core.files.file_compression import compress
from nova.sdk.client.client import Client
from nova.testkit.running_nova import RunningNova, running_nova

ID_BYTES = 32
UNCHANGED_LOOKS = 8
EVENTS = 2
"""Of a packet: its frame, and its values."""


async def receive(folder: Path, nova: RunningNova, count: int) -> int:
    """Let a device receive packets until daily files have them too; the bytes of all packets."""
    far, made = FarEnd(), packets(count)
    async with hosted(folder, nova, far) as host:
        writer = await far.writer()
        async with await Client.to_core(nova.data) as client:
            await flood(writer, made)
            await until_readable(client, made[-1])
            await settled(nova, host)
            await _written(nova.data / "files")
    return sum(len(one.data) for one in made)


async def _written(folder: Path) -> None:
    """Return when daily files have stopped to grow: they are made at the lowest priority."""
    before, unchanged = -1, 0
    while unchanged < UNCHANGED_LOOKS:
        await asyncio.sleep(1.0)
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
        unchanged = unchanged + 1 if size == before else 0
        before = size


def table_bytes(data: Path) -> dict[str, int]:
    """The bytes of each family's tables, compacted."""
    with WriterSide(data) as archive:
        archive.flush()
        archive.compact()
        return archive.bytes_per_family()


def compressed_bytes(files: list[Path]) -> int:
    """The bytes of daily files once their day is over."""
    return sum(len(_compressed(file)) for file in files)


def _compressed(file: Path) -> bytes:
    out = io.BytesIO()
    with file.open("rb") as source:
        compress(source, file.stat().st_size, out)
    return out.getvalue()


@click.command()
@click.option("--packets", "count", type=click.IntRange(min=1), default=20_000, show_default=True)
def show(count: int) -> None:
    """Print the bytes of a packet."""
    with tempfile.TemporaryDirectory(prefix="nova-bench-bytes-") as name:
        data = Path(name) / "data"
        with running_nova(data, "--scope", SCOPE) as nova:
            received = asyncio.run(receive(Path(name), nova, count))
            nova.stop()
        tables = table_bytes(data)
        files = [one for one in (data / "files").rglob("*") if one.is_file()]
        rows = {
            "the packet itself": received,
            "archive": sum(tables.values()),
            **{f"of these {name}": size for name, size in tables.items()},
            "daily files, of the day": sum(one.stat().st_size for one in files),
            "daily files, later": compressed_bytes(files),
            "of these ids": count * EVENTS * ID_BYTES,
        }
    for what, size in rows.items():
        click.echo(f"{what:28} {size / count:8.1f}")


if __name__ == "__main__":
    show()
