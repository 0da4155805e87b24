"""A running NOVA gives back what its rules no longer keep, and says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.core.proof.verify_command import verify
from nova.core.retention_command import retention
from nova.core.utc_day import day_of
from nova.recordings.export_reader import ExportReader
from nova.sdk import timestamps
from nova.sdk.batch.replay import replay
from nova.sdk.client.client import Client
from nova.sdk.field_types import Lane
from nova.sdk.protocol import messages, timeline
from nova.sdk.protocol.messages import Filters, GivenBackInfo, Query
from nova.sdk.settings import Settings
from tests.core.retaining import DAYS, KEPT_DAYS, KEPT_NS, Retaining
from tests.core.running import Core, running_core
from tests.core.telling import START_NS

EVENTS_PER_DAY = 60
RULES = ("sat/* 1d",)
LANES: tuple[Lane, ...] = ("parsed", "raw", "ui")
KEPT = timestamps.text(KEPT_NS)
GIVEN_BACK = [GivenBackInfo(scope_id="sat", lane=lane, until=KEPT) for lane in LANES]
RAW = Filters(scope_ids=["sat"], lanes=["raw"])


def filled(data: Path, sealed_days: int = DAYS - KEPT_DAYS) -> Retaining:
    """A stopped archive of ten days, of which the first are sealed."""
    retaining = Retaining(data, EVENTS_PER_DAY)
    retaining.fill(sealed_days)
    retaining.sync()
    retaining.archive.close()
    return retaining


async def finished(core: Core, days: int) -> None:
    """Wait until a number of days are given back."""
    given_back = core.writer.committer.archive.given_back
    async with asyncio.timeout(60):
        while given_back.finished < days:
            await asyncio.sleep(0.05)


async def test_sealed_days_are_given_back_by_themselves(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    days = filled(data).days
    settings = Settings(data=str(data), mode="ground", drivers=("none",), retention=RULES)
    async with running_core(settings) as core:
        await finished(core, len(LANES) * (DAYS - KEPT_DAYS))
        receipt = await core.publish([record for day in days for record in day])
        assert receipt.new == 0
        async with await Client.to_core(data) as client:
            extent = await client.request(timeline.Extent(), timeline.ExtentResponse)
            assert extent.given_back == GIVEN_BACK
            whole = Query(timebase="canonical", filters=RAW)
            page = await client.request(whole, messages.QueryResponse)
            assert [info.lane for info in page.given_back] == ["raw"]
            whole.start_time = KEPT
            kept = await client.request(whole, messages.QueryResponse)
            last = len(page.events) - len(kept.events)
            assert 1 <= last < 5, "the last values of the series"
            assert kept.given_back == [] and kept.events == page.events[last:]
        replayed = list(await asyncio.to_thread(lambda: list(replay(data, filters=RAW, shards=1))))
        assert len(replayed) == len(page.events)
        assert sum("were given back" in record.getMessage() for record in caplog.records) == 1


async def test_a_day_is_exported_and_read_back_first(data: Path, tmp_path: Path) -> None:
    filled(data, sealed_days=1)
    kept = tmp_path / "kept"
    settings = Settings(
        data=str(data),
        mode="ground",
        drivers=("none",),
        retention=("sat/raw 1d",),
        retention_export=str(kept),
    )
    async with running_core(settings) as core:
        await finished(core, 1)
        [entry] = core.writer.committer.archive.given_back.entries
    [path] = kept.glob("*.zip")
    assert path.name == f"{day_of(START_NS)}_sat_raw.zip"
    source = ExportReader(path)
    assert len(list(source.envelopes())) == entry.events
    source.close()
    assert source.digest == "fits"


def test_the_commands_show_and_do_it_without_a_running_nova(data: Path, tmp_path: Path) -> None:
    filled(data)
    config = tmp_path / "nova.toml"
    config.write_text(f'retention = ["{RULES[0]}"]\ndata = "{data}"\ndrivers = ["none"]\n')
    arguments = ["--config", str(config), "--json"]

    def call(command: str) -> object:
        done = CliRunner().invoke(retention, [command, *arguments], catch_exceptions=False)
        return msgspec.json.decode(done.stdout)

    planned = call("plan")
    assert isinstance(planned, list)
    going = [(day["day"], day["lane"], day["events"]) for day in planned if day["isSealed"]]
    assert len(going) == len(LANES) * (DAYS - KEPT_DAYS)
    done = call("run")
    assert isinstance(done, dict)
    assert [(day["day"], day["lane"], day["events"]) for day in done["days"]] == going
    assert call("run") | {"bytesBefore": 0, "bytesAfter": 0} == {  # type: ignore[operator]
        "type": "done", "days": [], "bytesBefore": 0, "bytesAfter": 0,
    }  # fmt: skip
    assert call("plan") == []
    verified = CliRunner().invoke(verify, ["--data", str(data), "--json"])
    assert verified.exit_code == 0, verified.output
