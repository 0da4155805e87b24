"""A lake has what a query of the same days has, once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import msgspec
import polars
import pytest
from pyarrow.dataset import dataset

from nova.core.backup.folder_target import FolderTarget
from nova.core.lake.lake_day import LakeDay
from nova.core.lake.lake_layout import DAY_FILE, LAKE, VIEWS_FILE
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.events.digest import EventDigest
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.messages import Filters, Timebase
from nova.sdk.timestamps import parse
from tests.core.lake.lakes import DAYS, ORDERS, contents, duck, queried, record, written
from tests.core.running import Core


@pytest.mark.parametrize("timebase", ["source", "canonical"])
async def test_duckdb_reads_what_a_query_gives(
    client: Client, target: FolderTarget, timebase: Timebase
) -> None:
    """The same events in the same order with the same values, and one digest of their eventIds."""
    summary = await written(client, target, timebase)
    stored = await queried(client, timebase)
    assert summary.events == len(stored) >= 90 and summary.last_day == DAYS[-1]
    wanted = EventDigest()
    wanted.add(stored)
    with duck(Path(str(target)) / VIEWS_FILE) as lake:
        order = ORDERS[timebase]
        rows = lake.sql(f"select eventId, scope, day from events order by {order}").fetchall()
        ids = "".join(row[0] for row in rows).encode()
        assert hashlib.sha256(ids).hexdigest() == wanted.text()
        assert {row[1] for row in rows} == {"001", "sat"}
        columns = 'eventId, epoch_ns(sourceTruthTime), "payload.n", "payload.on"'
        found = lake.sql(f'select {columns} from "parsed_Count:er" order by {order}').fetchall()
    events = [msgspec.json.decode(event) for event in stored]
    assert found == [
        (
            one["eventId"],
            parse(one["sourceTruthTime"]),
            float(one["payload"]["n"]),
            one["payload"]["on"],
        )
        for one in events
        if one["lane"] == "parsed"
    ]


async def test_the_digest_is_that_of_an_export(client: Client, target: FolderTarget) -> None:
    await written(client, target)
    for day in DAYS:
        span = (f"{day}T00:00:00Z", f"{day}T23:59:59.999999999Z")
        for scope in ("001", "sat"):
            export = Export(
                start_time=span[0], stop_time=span[1], timebase="canonical", driver="jsonl",
                filters=Filters(scope_ids=[scope]),
            )  # fmt: skip
            record = target.read(f"events/scope={scope}/day={day}/{DAY_FILE}")
            known = msgspec.json.decode(record, type=LakeDay)
            assert (await client.export(export)).digest == known.digest


async def test_a_day_that_is_there_is_not_written_again(
    client: Client, target: FolderTarget
) -> None:
    """A sealed one is not even read."""
    first = await written(client, target)
    before = {path: path.stat().st_ino for path in Path(str(target)).rglob("*.parquet")}
    reports: list[tuple[int, int, int]] = []
    again = await written(client, target, report=lambda *figures: reports.append(figures))
    assert (again.written, again.unchanged) == (0, first.written)
    assert {events for _, _, events in reports} == {0}
    assert [done for done, _, _ in reports] == list(range(len(DAYS)))
    assert {path: path.stat().st_ino for path in before} == before
    damaged = sorted(before)[0]
    damaged.unlink()
    assert (await written(client, target)).written == 1
    assert damaged.exists()


async def test_late_data_write_their_day_anew(
    days: Core, client: Client, target: FolderTarget
) -> None:
    """By the source time, and no other day."""
    await written(client, target, "source")
    before = contents(Path(str(target)))
    held = len(await queried(client, "source", DAYS[-1]))
    await days.publish([record(1_001, parse(f"{DAYS[1]}T05:00:00Z"))])
    while len(await queried(client, "source", DAYS[-1])) == held:
        await asyncio.sleep(0.01)
    await written(client, target, "source")
    after = contents(Path(str(target)))
    changed = {name.rpartition("/")[0] for name in after if after[name] != before.get(name)}
    assert {name for name in changed if name[-10:] <= DAYS[-1] and name} == {
        f"events/scope=sat/day={DAYS[1]}"
    }
    with duck(Path(str(target)) / VIEWS_FILE) as lake:
        rows = lake.sql(f"select count(*) from events where day <= '{DAYS[-1]}'").fetchall()
    assert rows == [(len(await queried(client, "source")),)]


@pytest.mark.parametrize("lost", ["001", "sat"])
async def test_a_sealed_day_of_which_a_scope_is_missing_is_read_again(
    client: Client, target: FolderTarget, lost: str
) -> None:
    """As after a run that was killed between two scopes of a day."""
    await written(client, target)
    before = contents(Path(str(target)))
    target.remove(f"events/scope={lost}/day={DAYS[1]}/{DAY_FILE}")
    assert (await written(client, target)).written == 1
    assert contents(Path(str(target))) == before


async def test_polars_and_arrow_read_the_partitions(client: Client, target: FolderTarget) -> None:
    await written(client, target)
    stored = await queried(client, "canonical")
    folder = Path(str(target)) / "events"
    rows = dataset(folder, partitioning="hive").to_table(columns=["eventId", "day"])
    assert len(rows) == len(stored) and set(rows["day"].to_pylist()) == set(DAYS)
    files = f"{folder}/**/parsed.Count+er.parquet"
    frame = polars.scan_parquet(
        files, hive_partitioning=True, missing_columns="insert", extra_columns="ignore"
    )
    parsed = [event for event in stored if b'"lane":"parsed"' in event]
    assert frame.select(polars.len()).collect().item() == len(parsed)


class _Dying(FolderTarget):
    """A folder of a process that dies before it writes for the nth time."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root, use=LAKE)
        self.left = writes

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt

    def write(self, name: str, content: bytes) -> None:
        self._count()
        super().write(name, content)

    def write_file(self, name: str, source: Path) -> None:
        self._count()
        super().write_file(name, source)


async def test_a_run_that_was_killed_is_finished_by_the_next(
    client: Client, target: FolderTarget, tmp_path: Path
) -> None:
    """With the same bytes as one that was not, wherever it was killed."""
    await written(client, target)
    clean = contents(Path(str(target)))
    for writes in range(0, len(clean), 3):
        root = tmp_path / f"killed{writes}" / "it's a lake"
        with pytest.raises(KeyboardInterrupt):
            await written(client, _Dying(root, writes))
        part = contents(root)
        assert len(part) == writes and all(clean[name] == part[name] for name in part)
        if folder := next(root.glob("events/scope=*/day=*"), None):
            (folder / "raw.raw.parquet.new").write_bytes(b"half")
        await written(client, FolderTarget(root, use=LAKE))
        whole = contents(root)
        assert whole.pop(VIEWS_FILE).replace(str(root).replace("'", "''").encode(), b"") == clean[
            VIEWS_FILE
        ].replace(str(target).replace("'", "''").encode(), b"")
        assert whole == {name: content for name, content in clean.items() if name != VIEWS_FILE}


async def test_what_can_no_longer_be_read_stays_in_the_lake(
    client: Client, target: FolderTarget
) -> None:
    """As after retention, or for a principal who may see less."""
    await written(client, target, "source")
    before = contents(Path(str(target)))
    less = await written(client, target, "source", Filters(lanes=["parsed"]))
    assert less.written == 0 and len(less.kept) >= len(DAYS)
    assert contents(Path(str(target))) == before


async def test_a_place_of_something_else_is_refused(
    client: Client, target: FolderTarget, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("all I have")
    with pytest.raises(NovaError, match=r"thesis\.txt and is no target of lakes"):
        await written(client, FolderTarget(tmp_path / "full", use=LAKE))
    await written(client, target)
    with pytest.raises(NovaError, match=r"days of canonical time, all lanes.*this would be"):
        await written(client, target, "source")
    with (
        target.lock(),
        pytest.raises(NovaError, match=r"another lake to .* is running"),
    ):
        await written(client, target)
