"""An archive of three days that are over, its lake, and readers that share no code with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from nova.core.backup.backup_target import BackupTarget
from nova.core.lake.lake_day import LakeDefinition
from nova.core.lake.lake_run import LakeRequest, LakeRun, LakeSummary, Report
from nova.core.lake.lake_source import LakeSource
from nova.core.utc_day import NS_PER_DAY
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query, Timebase
from nova.sdk.transport.base import Record
from tests.core.derived.sealing import DAY_NS, HOUR_NS, SealedArchive

SCOPES = ("001", "sat")
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")
PER_DAY = 30
ORDERS = {
    "canonical": "canonicalTruthTime",
    "source": "sourceTruthTime, "
    "list_position(['metadata', 'command', 'ui', 'parsed', 'raw'], lane), eventId",
}


def record(number: int, source_ns: int) -> Record:
    """An event of one of two scopes and three lanes; payloads differ in kind and members."""
    members: dict[str, object] = {
        "scopeId": SCOPES[number % 2],
        "lane": ("parsed", "parsed", "raw", "metadata")[number % 4],
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": f"u{number % 3}",
        "sourceTruthTime": timestamps.text(source_ns),
    }
    mixed: list[object] = [number, number + 0.25, "SAFE", True, None, [number]]
    payload = {"n": number, "mixed": mixed[number % 6], "on": number % 5 == 0}
    if number % 7 == 0:
        payload["rare"] = {"deep": -number}
    if members["lane"] == "raw":
        members["bytes"] = number.to_bytes(4, "big")
    elif members["lane"] == "parsed":
        members |= {"messageType": "Count:er", "schemaVersion": "1", "payload": payload}
    else:
        members |= {"messageType": "Note", "payload": payload}
    return Record(None, msgspec.json.encode(members), f"stream@{number}")


async def make_days(data: Path) -> None:
    """Three days that are over and sealed, and the beginning of a fourth. One event in ten comes a
    day late, and two share each source time.
    """
    sealed = SealedArchive(data)
    for day in range(len(DAYS)):
        first_ns = DAY_NS + day * NS_PER_DAY + HOUR_NS
        numbers = range(day * PER_DAY, (day + 1) * PER_DAY)
        late = [NS_PER_DAY if day and number % 10 == 0 else 0 for number in numbers]
        sealed.put(
            first_ns,
            [
                record(number, first_ns + number // 2 - behind_ns)
                for number, behind_ns in zip(numbers, late, strict=True)
            ],
        )
    add(sealed, len(DAYS) * PER_DAY, DAY_NS + 3 * NS_PER_DAY)
    await sealed.seal_all(8)
    sealed.close()


def add(sealed: SealedArchive, number: int, source_ns: int, day: int = 3) -> None:
    """One more event, received on a day by its number."""
    sealed.put(DAY_NS + day * NS_PER_DAY + HOUR_NS, [record(number, source_ns)])


async def written(
    client: Client,
    target: BackupTarget,
    timebase: Timebase = "canonical",
    filters: Filters | None = None,
    report: Report = lambda *_: None,
) -> LakeSummary:
    """A run of `nova lake`."""
    source = LakeSource(client, timebase, filters or Filters())
    request = LakeRequest(LakeDefinition(timebase=timebase))
    return await LakeRun(request, source, target).write(report)


async def queried(client: Client, timebase: Timebase, last: str = DAYS[-1]) -> list[bytes]:
    """What a query of the same days has."""
    stop = f"{last}T23:59:59.999999999Z"
    return [event async for event in client.query(Query(stop_time=stop, timebase=timebase))]


@contextmanager
def duck(views: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with the views of a lake, by one line."""
    with duckdb.connect() as connection:
        connection.execute(views.read_text())
        yield connection


def contents(root: Path) -> dict[str, bytes]:
    """All files of a lake but its lock."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
