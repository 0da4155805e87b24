"""An archive with events around midnight, including late ones and duplicates, for tests of
files.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nova.core.batch.driver_files import DriverFiles
from nova.core.batch.range_outputs import Delivery
from nova.core.batch.range_reader import RangeReader
from nova.core.files.daily_files import DailyFiles
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.batch.range_messages import DriverOutput, RangeProgress, RangeRequest, ReadRequest
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.transport.base import Batch, Record

MIDNIGHT_NS = timestamps.parse("2026-01-27T00:00:00Z")
THIRD_DAY_NS = MIDNIGHT_NS + 86_400 * 10**9
DAYS = ("2026-01-26", "2026-01-27")
SECOND_NS = 10**9
PREFERENCES = {
    "rawBinary": ("rawBinary", "jsonl"),
    "positionCsv": ("positionCsv", "jsonl"),
    "csv": ("csv", "jsonl"),
    "jsonl": ("jsonl",),
    "parquet": ("parquet", "jsonl"),
    "mcap": ("mcap",),
}
"""A preference for each driver that lets it write what it takes."""


def record(number: int, at_ns: int) -> Record:
    """The n-th event: of every lane, with members that appear, disappear and change type."""
    lane = ("parsed", "parsed", "raw", "ui", "parsed", "metadata")[number % 6]
    unit = f"u{number % 2}"
    members: dict[str, object] = {
        "scopeId": "sat",
        "lane": lane,
        "systemId": "bus",
        "containerId": "CON",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
    }
    if lane == "raw":
        members |= {"bytes": number.to_bytes(3, "big"), "sequence": number}
    elif lane == "ui":
        data = {"n": number, **({"text": "=1+1"} if number % 4 else {})}
        members |= {"messageType": "UiUpdate", "viewId": "v", "manifestId": "m"}
        members |= {"manifestVersion": "1", "data": data}
    elif lane == "metadata":
        members |= {"messageType": "Note:x", "payload": {"n": number, "list": [1, "a"]}}
    else:
        position = {"latitude": number / 7, "longitude": -number / 3, "altitude": number}
        other = {"n": number if number % 5 else "many", "deep": {"on": number % 2 == 0}}
        kind = "Position" if number % 6 == 1 else "Count"
        version = "1" if number % 50 < 30 else '2"\\'
        members |= {"messageType": kind, "schemaVersion": version}
        members |= {"payload": position if kind == "Position" else other}
    return Record(None, msgspec.json.encode(members), f"s@{number}")


def arrivals(count: int) -> list[Record]:
    """Events in the order of arrival, every tenth an hour late, and copies of some before."""
    dice = random.Random(count)
    found: list[Record] = []
    for number in range(count):
        late_ns = 3_600 * SECOND_NS if number % 10 == 7 else 0
        found.append(record(number, MIDNIGHT_NS + number * SECOND_NS - late_ns))
        if number % 7 == 3:
            found.append(dice.choice(found))
    return found


@dataclass
class FilingClock:
    """A clock of receive times, 7 s later each time that it is asked."""

    now_ns: int

    def __call__(self) -> int:
        self.now_ns += 7 * SECOND_NS
        return self.now_ns


@dataclass
class Filed:
    """An archive, its writer, and a view of it."""

    data: Path
    clock: FilingClock
    archive: Archive
    committer: Committer
    view: ArchiveSnapshot
    registry: DriverRegistry

    @property
    def root(self) -> Path:
        """Where its daily files go."""
        return self.data / "files"

    def take(self, records: list[Record], at_ns: int) -> None:
        """Commit events that are received from a time on."""
        self.clock.now_ns = at_ns
        self.committer.add_batch("link", Batch(records))
        self.committer.close_commit()
        self.archive.sync()

    def daily(self, *, compresses: bool = False) -> DailyFiles:
        """What writes them, as a process begins."""
        return DailyFiles(self.view, self.registry, self.root, compresses=compresses)


@contextmanager
def filed(data: Path, preference: tuple[str, ...], events: int = 400) -> Iterator[Filed]:
    """An archive with this many events that were received across midnight, half of them before; the
    last one is of the third day, so the first two are complete.
    """
    records = arrivals(events)
    clock = FilingClock(MIDNIGHT_NS - len(records) * SECOND_NS // 2)
    with opened(data, preference, clock) as archive:
        for start in range(0, len(records), 7):
            archive.take(records[start : start + 7], clock.now_ns)
        archive.take([record(events, THIRD_DAY_NS)], THIRD_DAY_NS)
        archive.view.advance(archive.committer.last_ns)
        yield archive


@contextmanager
def opened(data: Path, preference: tuple[str, ...], clock: FilingClock) -> Iterator[Filed]:
    """An archive that is there already, or is made."""
    registry = DriverRegistry.load(preference)
    archive = Archive.open_primary(data)
    committer = Committer(archive, data, registry=registry, clock=clock)
    committer.close_commit()
    view = ArchiveSnapshot(Archive.open_secondary(data, data / "scratch"))
    view.advance(committer.last_ns)
    try:
        yield Filed(data, clock, archive, committer, view, registry)
    finally:
        view.archive.close()
        archive.close()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def export_share(
    data: Path, archive: Archive, request: RangeRequest, output: DriverOutput
) -> RangeProgress:
    """Write a share of an export, as a worker does; the last progress."""
    reader = RangeReader(data, archive, request)
    read = ReadRequest(start_ns=request.start_ns, stop_ns=request.stop_ns + 1, output=output)
    delivery = Delivery(reader, read, lambda progress, body=b"": None)
    DriverFiles(delivery, output).write()
    return delivery.progress
