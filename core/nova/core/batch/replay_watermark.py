"""The watermark of a replay: events past it are not durable and are not read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.store.archive import Archive
from nova.core.store.durability_marker import read_marker
from nova.sdk import endpoints, timestamps
from nova.sdk.errors import ConnectionLostError


def durable_watermark(data: Path, archive: Archive) -> int:
    """The canonical time in ns of the last durable event.

    A running reader knows it. For a writer without a reader, the durability marker is used, which
    may lag but never exceeds the watermark. Without a writer, it is the archive's last event.
    """
    try:
        return asyncio.run(_ask_reader(data))
    except ConnectionLostError:
        marker = read_marker(data)
        marked_ns = marker.canonical_ns if marker else 0
        if endpoints.has_listener(endpoints.writer_socket(data)):
            return marked_ns
        archive.catch_up(marked_ns)
        return archive.record.last_canonical_ns()


async def _ask_reader(data: Path) -> int:
    from nova.sdk.client.client import Client  # Workers get the watermark.

    async with await Client.to_core(data, restart_wait_s=0.0) as client:
        durable_time = (await client.status()).durable_time
    return timestamps.parse(durable_time) if durable_time else 0
