"""Reading fields of one series as columns: what a reader takes for the replies, and a client for
its arrays and for CSV.

`python -m bench.column_replies --packets N`: N events with 20 numbers each, of which one in a
thousand is late by up to a minute. Times are CPU time of this process, which does both sides
without a socket; the least of several rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from nova.core.derived.sampler import Sampler
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.column_query import ColumnQueries
from nova.core.query.memory_budget import COLUMNS_BYTES
from nova.core.store.archive import Archive
from nova.core.store.sample_store import SampleStore
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.client.column_lines import csv_lines
from nova.sdk.client.column_table import ColumnTable
from nova.sdk.protocol.column_messages import ROWS_LIMIT_MAX, Columns, ColumnsResponse
from nova.sdk.transport.base import Batch, Record

FIELDS = [f"p{number:02d}" for number in range(20)]
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
STEP_NS = 10_000_000
BATCH_RECORDS = 2_000
LATE_SHARE, LATE_NS = 0.001, 60 * 10**9
ROUNDS = 5
MS = 1e3


def records(packets: int) -> Iterator[Record]:
    """The events, the same for each run."""
    dice = random.Random(1)
    for number in range(packets):
        late_ns = dice.randint(0, LATE_NS) if dice.random() < LATE_SHARE else 0
        members = {
            "scopeId": "sat",
            "lane": "parsed",
            "systemId": "bus",
            "containerId": "obc",
            "uniqueId": "tm",
            "messageType": "Housekeeping",
            "schemaVersion": "1",
            "sourceTruthTime": timestamps.text(START_NS + number * STEP_NS - late_ns),
            "payload": {name: round(dice.gauss(0, 100), 3) for name in FIELDS},
        }
        yield Record(None, msgspec.json.encode(members))


def fill(data: Path, packets: int) -> int:
    """Store the events and make columns of them; returns the watermark."""
    source = records(packets)
    with closing(Archive.open_primary(data)) as archive:
        committer, watermark = Committer(archive, data), 0
        while batch := [one for one, _ in zip(source, range(BATCH_RECORDS), strict=False)]:
            committer.add_batch("link", Batch(batch))
            watermark = committer.close_commit().watermark
        archive.sync()
    with ExitStack() as stack:
        opened = Archive.open_secondary(data, data / "sampler")
        follower = ArchiveSnapshot(stack.enter_context(closing(opened)))
        store = stack.enter_context(closing(SampleStore.open_primary(data)))
        for _ in Sampler(follower, store).sample(watermark):
            pass
    return watermark


class ReplyBench:
    """Both sides of a request."""

    def __init__(self, queries: ColumnQueries) -> None:
        self._queries = queries

    def lines(self) -> Iterator[str]:
        """Each measurement."""
        for timebase in TIMEBASES:
            for count in (1, len(FIELDS)):
                fields = FIELDS[:count]
                reply = least(lambda: self.pages(fields, timebase))  # noqa: B023  called here
                pages = self.pages(fields, timebase)
                arrays = least(lambda: self.arrays(pages, fields))  # noqa: B023
                text = least(lambda: list(csv_lines(table_of(pages))))  # noqa: B023
                yield (
                    f"{timebase}, {count} fields: reader {reply * MS:,.0f} ms, "
                    f"client {arrays * MS:,.0f} ms, CSV {text * MS:,.0f} ms"
                )

    def pages(self, fields: list[str], timebase: Timebase) -> list[bytes]:
        """The frames of an answer."""
        frames: list[bytes] = []
        # Not as its result, of which asyncio.run makes a text for nothing.
        asyncio.run(self._ask(fields, timebase, frames))
        return frames

    async def _ask(self, fields: list[str], timebase: Timebase, frames: list[bytes]) -> None:
        request = Columns(
            scope_id="sat",
            system_id="bus",
            container_id="obc",
            unique_id="tm",
            lane="parsed",
            message_type="Housekeeping",
            fields=fields,
            limit=ROWS_LIMIT_MAX,
        )
        while True:
            page = await self._queries.respond(request, timebase, COLUMNS_BYTES)
            frames.append(msgspec.json.encode(page))
            if page.next_key is None:
                return
            request.after_key = page.next_key

    def arrays(self, pages: list[bytes], fields: list[str]) -> None:
        table = table_of(pages)
        for name in fields:
            assert len(table[name]) == len(table)


def table_of(pages: list[bytes]) -> ColumnTable:
    return ColumnTable.of_pages([msgspec.json.decode(one, type=ColumnsResponse) for one in pages])


def least(work: Callable[[], object]) -> float:
    """CPU seconds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packets", type=int, default=200_000)
    packets = parser.parse_args().packets
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder)
        watermark = fill(data, packets)
        opened = Archive.open_secondary(data, data / "reader")
        view = ArchiveSnapshot(stack.enter_context(closing(opened)))
        view.advance(watermark)
        queries = ColumnQueries(view, data, data / "scratch")
        stack.callback(queries.close)
        for line in ReplyBench(queries).lines():
            print(line, flush=True)


if __name__ == "__main__":
    main()
