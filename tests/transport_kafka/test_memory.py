"""Memory while a long topic is drained: bounded by settings, not by how much there is to read."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Record
from nova.testkit import kafka
from nova.testkit.running_nova import running_nova
from nova.transport_kafka.transport import KafkaTransport

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]

MIB = 1024 * 1024
TOPIC_BYTES = 2 * 1024 * MIB
SIZES = (200, 4_000, 60_000, 700_000)
SETTLED_SHARE = 0.25
GROWTH_MAX_BYTES = 64 * MIB
SAMPLE_INTERVAL_S = 0.2

DRAIN = """
import asyncio, sys
from nova.sdk.transport.base import Subscription
from nova.transport_kafka.transport import KafkaTransport

async def drain(url, count):
    transport = KafkaTransport(url)
    async for batch in transport.consume(Subscription(None), {}):
        count -= len(batch.records)
        print(count, flush=True)
        if count <= 0:
            break
    await transport.close()

asyncio.run(drain(sys.argv[1], int(sys.argv[2])))
"""


class FilledTopic(NamedTuple):
    """A broker with a long topic."""

    url: str
    records: int


def record(number: int) -> Record:
    """A raw event of one of several sizes, the same share of the bytes for each."""
    size = SIZES[number % len(SIZES)]
    members = {
        "sourceTruthTime": timestamps.text(number * 1_000_000),
        "bytes": base64.b64encode(os.urandom(size * 3 // 4)).decode(),
    }
    return Record("nova.sat.raw.bus.obc.one.v1", msgspec.json.encode(members))


@pytest.fixture(scope="module")
def filled() -> Iterator[FilledTopic]:
    """2 GiB of events of 200 bytes to 700 kB on a broker of these tests' own."""

    async def fill(url: str) -> int:
        transport, records, size = KafkaTransport(url), 0, 0
        while size < TOPIC_BYTES:
            batch = [record(records + n) for n in range(40)]
            await transport.publish(batch)
            records += len(batch)
            size += sum(len(record.value) for record in batch)
        await transport.close()
        return records

    with kafka.own_broker() as broker:
        yield FilledTopic(broker.url, asyncio.run(fill(broker.url)))


def resident_bytes(process_id: int) -> int:
    """What a process holds in memory (Linux)."""
    status = Path(f"/proc/{process_id}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def check_flat(samples: list[tuple[float, int]]) -> None:
    """Memory at most a little above what it was when a quarter was read."""
    settled = max(size for share, size in samples if share <= SETTLED_SHARE)
    later = max(size for share, size in samples if share > SETTLED_SHARE)
    print(f"resident: {settled / MIB:.0f} MiB at a quarter, at most {later / MIB:.0f} MiB after")
    assert later <= settled + GROWTH_MAX_BYTES


def test_draining_two_gigabytes_leaves_the_transport_flat(filled: FilledTopic) -> None:
    """Pitfalls §3: what librdkafka prefetches is bounded by bytes, and so are our batches."""
    command = [sys.executable, "-c", DRAIN, filled.url, str(filled.records)]
    samples: list[tuple[float, int]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if (left := int(line)) > 0:
                samples.append((1 - left / filled.records, resident_bytes(process.pid)))
    assert process.returncode == 0
    check_flat(samples)


def test_draining_two_gigabytes_leaves_the_core_flat(tmp_path: Path, filled: FilledTopic) -> None:
    """Nor does the writer grow, whose batches, commits and tables lie behind it."""

    async def watch(data: Path, writer: int) -> list[tuple[float, int]]:
        samples: list[tuple[float, int]] = []
        while not samples or samples[-1][0] < 1:
            samples.append((await received(data) / filled.records, resident_bytes(writer)))
            await asyncio.sleep(SAMPLE_INTERVAL_S)
        return samples

    arguments = ("--scope", "sat", "--transport", filled.url)
    with running_nova(tmp_path / "data", *arguments) as nova:
        check_flat(asyncio.run(watch(nova.data, nova.child("writer"))))
        nova.kill()


async def received(data: Path) -> int:
    """How many records the Core has taken in; none while it does not answer."""
    try:
        async with await Client.to_core(data) as client:
            return (await client.status()).events
    except NovaError:
        return 0
