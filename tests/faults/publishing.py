"""Publishes the batches of a model to a writer that may end at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Receipt, Record, Transport, connect
from tests.faults.forked_writers import POLL_S
from tests.faults.published_model import PublishedModel

PART_RECORDS = 2_000
HANGS_S = 90.0


class WriterEndedError(Exception):
    """The writer ended before it had acknowledged everything."""


async def publish(
    has_ended: Callable[[], bool],
    data: Path,
    model: PublishedModel,
    sizes: Iterable[int],
    on_acknowledged: Callable[[], None] = lambda: None,
) -> None:
    """Publish to a writer what is not acknowledged yet, then batches of these sizes, one by one;
    raises WriterEndedError if it has ended.
    """
    transport = connect(f"local://{data}")
    try:
        await _until_acknowledged(has_ended, transport, model.unacknowledged())
        model.acknowledge()
        on_acknowledged()
        for size in sizes:
            records = model.next_batch(size)
            if size % 10 == 7:  # as a producer that is not sure
                records = [model.record(max(0, model.sent - size - 1)), *records]
            await _until_acknowledged(has_ended, transport, records)
            model.acknowledge()
            on_acknowledged()
    finally:
        await transport.close()


async def _until_acknowledged(
    has_ended: Callable[[], bool], transport: Transport, records: Sequence[Record]
) -> None:
    async with asyncio.timeout(HANGS_S):
        for start in range(0, len(records), PART_RECORDS):
            part = records[start : start + PART_RECORDS]
            receipt = await _receipt(has_ended, transport, part)
            assert receipt.new + receipt.duplicate == len(part), receipt
            assert receipt.rejected == [], receipt


async def _receipt(
    has_ended: Callable[[], bool], transport: Transport, part: Sequence[Record]
) -> Receipt:
    while True:
        try:
            return await transport.publish(part)
        except TransportError:
            if has_ended():
                raise WriterEndedError from None
            await asyncio.sleep(POLL_S)
