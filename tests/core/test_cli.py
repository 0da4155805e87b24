"""`nova core` as service managers run it: real processes, one line when ready, a clean end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from nova.sdk import archive_id
from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import Record, connect

Make = Callable[..., Record]
WAIT_S = 30


@contextmanager
def process(name: str, data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A writer, reader or sampler that is ready; it ends with the block."""
    running = subprocess.Popen(
        [sys.executable, "-m", "nova.cli", "core", name, "--data", str(data), "--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"NOVA_SCOPE": "sat", "NOVA_DRIVERS": "none"},
    )
    with running:
        try:
            assert running.stdout is not None
            ready = msgspec.json.decode(running.stdout.readline(), type=dict[str, str])
            if name == "writer":
                assert ready.pop("archive") == archive_id.read(data)
                assert ready.pop("folder") == str(
                    archive_id.inode_of(data / archive_id.TRUTH_FOLDER)
                )
            assert ready == {"ready": name, "data": str(data)}
            yield running
        finally:
            running.kill()


async def test_writer_reader_and_sampler_as_processes(data: Path, record: Make) -> None:
    """A-003, nova.md §6: what one process took in another serves; SIGTERM ends all with 0."""
    with ExitStack() as stack:
        writer = stack.enter_context(process("writer", data))
        reader = stack.enter_context(process("reader", data))
        sampler = stack.enter_context(process("sampler", data))
        transport = connect(f"local://{data}")
        records = [record(n) for n in range(500)]
        told = Filters(lanes=["parsed"])
        receipt = await Producer(transport, "sat").publish(records)
        assert receipt.new == 500
        async with await Client.to_core(data) as client:
            found: list[bytes] = []
            async for chunk in client.stream(
                "LIVE", start_time="1970-01-01T00:00:00Z", filters=told
            ):
                found += [bytes(event) for event in chunk.events]
                if len(found) >= 500:
                    break
            by_query = [event async for event in client.query(Query(limit=99, filters=told))]
        await transport.close()
        assert found == by_query and len(found) == 500
        for running in (sampler, reader, writer):
            running.send_signal(signal.SIGTERM)
            assert running.wait(WAIT_S) == 0
