"""Batch replay of a local archive by several processes: merged in order, or each shard to its own
sink. Only durable events are delivered, and no running instance is needed. The default timebase is
that of the archive's instance.

    for event in replay(Path("nova-data"), start="2026-01-01T00:00:00Z", shards=2):
        ...  # a stored envelope, byte for byte
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nova.sdk import default_timebase
from nova.sdk.batch.request import ReplayRequest, ReplaySummary
from nova.sdk.batch.sinks import merged_parts, to_folder, to_function
from nova.sdk.protocol.messages import Filters, Timebase


def replay(
    data: Path,
    start: str | None = None,
    stop: str | None = None,
    timebase: Timebase | None = None,
    filters: Filters | None = None,
    shards: int = 2,
) -> Iterator[bytes]:
    """The stored envelopes of a range in order, both ends included. To stop early, close the
    iterator: that ends the processes.
    """
    chosen = timebase or default_timebase.read(data)
    wanted = ReplayRequest(data, start, stop, chosen, filters or Filters())
    for part in merged_parts(wanted, shards):
        yield from bytes(part.lines).split(b"\n")[:-1]


def replay_shards(
    data: Path,
    sink: Path | str,
    start: str | None = None,
    stop: str | None = None,
    timebase: Timebase | None = None,
    filters: Filters | None = None,
    shards: int = 2,
) -> ReplaySummary:
    """Deliver the shards of a range to files `shard-000.jsonl`… in a folder, resuming an
    interrupted run, or to a function `package.module:function` that each process calls with the
    shard number and its events.
    """
    chosen = timebase or default_timebase.read(data)
    wanted = ReplayRequest(data, start, stop, chosen, filters or Filters())
    if isinstance(sink, Path):
        return to_folder(wanted, sink, shards)
    return to_function(wanted, sink, shards)
