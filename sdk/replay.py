"""Batch replay of an archive on this machine, read by several processes: in order, or each shard
to a sink of its own. Nothing past the durable mark is delivered; no NOVA has to run. Without a
timebase it is the default of the archive's instance.

for event in replay(Path("nova-data"), start="2026-01-01T00:00:00Z", shards=2):
    ...                                     stored envelopes, byte for byte
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sdk import default_timebase
from sdk.protocol import Filters, Timebase
from sdk.shards.delivery import in_parts, to_folder, to_function
from sdk.shards.wanted import Summary, Wanted


def replay(
    data: Path,
    start: str | None = None,
    stop: str | None = None,
    timebase: Timebase | None = None,
    filters: Filters | None = None,
    shards: int = 2,
) -> Iterator[bytes]:
    """The stored envelopes of a range in order, both ends included; whoever stops early closes the
    iterator, which ends the processes.
    """
    chosen = timebase or default_timebase.read(data)
    wanted = Wanted(data, start, stop, chosen, filters or Filters())
    for part in in_parts(wanted, shards):
        yield from bytes(part.lines).split(b"\n")[:-1]


def replay_shards(
    data: Path,
    sink: Path | str,
    start: str | None = None,
    stop: str | None = None,
    timebase: Timebase | None = None,
    filters: Filters | None = None,
    shards: int = 2,
) -> Summary:
    """Bring a range cut into shards to files `shard-000.jsonl`… in a folder, going on with what was
    interrupted; or, in each process, to a function `package.module:function` that takes the number
    of the shard and its events.
    """
    chosen = timebase or default_timebase.read(data)
    wanted = Wanted(data, start, stop, chosen, filters or Filters())
    if isinstance(sink, Path):
        return to_folder(wanted, sink, shards)
    return to_function(wanted, sink, shards)
