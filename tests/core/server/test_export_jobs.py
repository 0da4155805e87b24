"""Exports over the protocol: their contents equal the stream, and they end properly (A-207…A-212,
pitfalls rows 33, 34).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import random
import signal
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from nova.core.server.export_jobs import TEMPORARY_PREFIX, ExportJobs
from nova.sdk.batch.export_info import ExportInfo
from nova.sdk.client import download
from nova.sdk.client.client import Client
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import ProtocolError
from nova.sdk.events.digest import EventDigest
from nova.sdk.protocol.export import (
    CancelExport,
    Export,
    ExportCancelled,
    ExportComplete,
    ExportProgress,
    ExportStarted,
)
from nova.sdk.protocol.messages import Filters, Query, Timebase
from nova.sdk.protocol.submission import LANES_HEADER, ROLE_HEADER, SCOPES_HEADER
from nova.sdk.settings import Settings
from tests.archive_readers import range_workers_of
from tests.core.edge_client import edge_client
from tests.core.filing import arrivals
from tests.core.running import WAIT_S, Core, running_core
from tests.core.telling import START_NS, telling

EVENTS = 300


@pytest.fixture
async def core(data: Path) -> AsyncIterator[Core]:
    """A running Core that binds drivers, with some events."""
    settings = Settings(data=str(data), mode="ground", drivers=("rawBinary", "jsonl"))
    async with running_core(settings) as core:
        await core.publish(arrivals(EVENTS))
        yield core


async def streamed(client: Client, timebase: Timebase, filters: Filters) -> list[bytes]:
    """All events as a stream brings them."""
    chunks = client.stream("REPLAY", rate="max", timebase=timebase, filters=filters)
    return [bytes(event) async for chunk in chunks for event in chunk.events]


SOME = Filters(lanes=["parsed", "ui"], unique_id="u1")


def nothing_is_left(data: Path) -> bool:
    """Whether no export is being made, or has left anything but itself."""
    folder = exports_folder(data)
    return not [path for path in folder.glob("*") if path.name.startswith(TEMPORARY_PREFIX)]


@pytest.mark.parametrize(
    ("filters", "timebase"),
    [
        (Filters(), "source"),
        (SOME, "canonical"),
        pytest.param(Filters(), "canonical", marks=pytest.mark.slow),
        pytest.param(SOME, "source", marks=pytest.mark.slow),
    ],
)
async def test_an_export_is_what_was_streamed(
    core: Core, tmp_path: Path, timebase: Timebase, filters: Filters
) -> None:
    """Digest, counts, keys and events are those of the stream of the same query."""
    async with await Client.to_core(core.data) as client:
        events = await streamed(client, timebase, filters)
        told: list[ExportProgress] = []
        asked = Export(timebase=timebase, filters=filters, driver="jsonl")
        done = await client.export(asked, told.append)
    target = tmp_path / "export.zip"
    download.from_folder(core.data, done, target)
    digest = EventDigest()
    digest.add(events)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("export.json"))
        lines = [
            line
            for name in archive.namelist()
            if name.endswith(".jsonl")
            for line in archive.read(name).splitlines()
        ]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == sorted(archive.namelist())
        assert [f["bytes"] for f in manifest["files"]] == [
            archive.getinfo(f["path"]).file_size for f in manifest["files"]
        ]
    assert sorted(lines) == sorted(events)
    assert (done.digest, done.events) == (digest.text(), len(events))
    assert manifest["digest"] == digest.text()
    assert manifest["events"] == sum(manifest["lanes"].values()) == len(events)
    assert sum(file["events"] for file in manifest["files"]) == len(events)
    assert (manifest["failures"], done.failures) == ([], 0)
    assert manifest["drivers"] == {"jsonl@1.0.0": len(manifest["files"])}
    assert nothing_is_left(core.data)


async def test_what_an_export_may_hold_is_kept_beside_it(core: Core) -> None:
    """The edge decides by it who may download: what the filters and the principal both allow."""
    admin, operator = {ROLE_HEADER: "admin"}, {ROLE_HEADER: "operator"}
    limited = {SCOPES_HEADER: "sat,sun", LANES_HEADER: "ui,raw", **admin}
    some = Filters(scope_ids=["sat", "x"], lanes=["ui", "parsed"])
    trail = Filters(system_id="nova", container_id="audit")
    for headers, filters, held in (
        (admin, Filters(), (None, None, False)),
        (admin, trail, (None, None, True)),
        (operator, trail, (None, None, False)),
        (limited, Filters(), (["sat", "sun"], ["raw", "ui"], False)),
        (limited, some, (["sat"], ["ui"], False)),
        (admin, some, (["sat", "x"], ["ui", "parsed"], False)),
    ):
        async with edge_client(core.data, "page-1", **headers) as client:
            await client.send(Export(filters=filters))
            done = (await client.until(ExportComplete))[-1]
        assert isinstance(done, ExportComplete)
        about = exports_folder(core.data) / f"{done.export_id}.json"
        info = msgspec.json.decode(about.read_bytes(), type=ExportInfo)
        assert (info.scopes, info.lanes, info.with_audit) == held


async def test_the_same_export_twice_is_the_same_zip(core: Core, tmp_path: Path) -> None:
    """AMB-43: with two names that cannot be guessed."""
    async with await Client.to_core(core.data) as client:
        asked = Export(timebase="canonical", stop_time="2200-01-01T00:00:00Z")
        made = [await client.export(asked) for _ in range(2)]
    for number, done in enumerate(made):
        download.from_folder(core.data, done, tmp_path / str(number))
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert made[0].export_id != made[1].export_id and len(made[0].export_id) == 43


async def test_what_a_driver_does_not_take_is_in_the_manifest(core: Core, tmp_path: Path) -> None:
    """AMB-41: counted, with the reason."""
    async with await Client.to_core(core.data) as client:
        done = await client.export(Export(driver="positionCsv"))
        drivers = await client.drivers()
    download.from_folder(core.data, done, tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "x") as archive:
        manifest = json.loads(archive.read("export.json"))
    assert done.failures == len(manifest["failures"]) > 0
    lost = sum(failure["events"] for failure in manifest["failures"])
    assert lost + sum(file["events"] for file in manifest["files"]) == manifest["events"]
    assert "does not write raw raw" in {
        failure["reason"].split("@1.0.0 ")[1] for failure in manifest["failures"]
    }
    assert drivers.preferred == ["rawBinary", "jsonl"]
    assert [driver.driver for driver in drivers.drivers][:2] == ["csv@1.0.0", "jsonl@1.0.0"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Export(driver="nope"), "unknownDriver"),
        (Export(driver="jsonl@7.0.0"), "unknownDriver"),
        (Export(start_time="x"), "badTime"),
        (
            Export(start_time="2026-01-02T00:00:00Z", stop_time="2026-01-01T00:00:00Z"),
            "badRange",
        ),
    ],
)
async def test_what_cannot_be_is_refused_at_once(core: Core, asked: Export, code: str) -> None:
    """Before anything is made."""
    async with await Client.to_core(core.data) as client:
        with pytest.raises(ProtocolError) as raised:
            await client.export(asked)
    assert raised.value.code == code
    assert not exports_folder(core.data).exists()


async def test_a_file_name_of_a_client_goes_nowhere(core: Core) -> None:
    """Pitfalls row 30: ids and drivers have a form; everything else is no message."""
    async with core.frames() as frames:
        for text in (
            '{"type":"export","driver":"../../x","ref":1}',
            '{"type":"export","driver":"a\\u0000","ref":1}',
            '{"type":"cancelExport","exportId":"../x","ref":1}',
            '{"type":"export","folder":"/tmp","ref":1}',
        ):
            await frames.send(text)
            reply = await frames.receive()
            assert getattr(reply, "code", None) == "badRequest", reply


async def test_cancelling_leaves_nothing(core: Core, caplog: pytest.LogCaptureFixture) -> None:
    """Pitfalls row 34: its processes end, its folder goes, its place is free."""
    async with core.frames() as frames:
        for _ in range(5):
            await frames.send(Export(ref=1))
            started = await frames.receive()
            assert isinstance(started, ExportStarted)
            await frames.send(CancelExport(export_id=started.export_id, ref=2))
            assert isinstance((await frames.until(ExportCancelled))[-1], ExportCancelled)
            assert nothing_is_left(core.data)
    assert range_workers_of(core.data) == []
    gc.collect()  # asyncio logs an exception that nobody has asked for when it is collected
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_an_export_ends_with_its_connection(core: Core) -> None:
    """Invariant 4: an export ends with its connection."""
    async with core.frames() as frames:
        await frames.send(Export(ref=1))
        await frames.until(ExportStarted)
    async with asyncio.timeout(WAIT_S):
        while not nothing_is_left(core.data) or range_workers_of(core.data):
            await asyncio.sleep(0.01)
    assert list(exports_folder(core.data).glob("*.zip")) == []


async def test_so_many_exports_at_once_and_no_more(core: Core) -> None:
    """The next is refused, and has its turn later."""
    async with await Client.to_core(core.data) as client:
        results = await asyncio.gather(
            *(client.export(Export()) for _ in range(4)), return_exceptions=True
        )
        refused = [one.code for one in results if isinstance(one, ProtocolError)]
        assert refused == ["tooManyExports"] * 2
        digests = {one.digest for one in results if not isinstance(one, BaseException)}
        assert len(digests) == 1
        assert (await client.export(Export())).digest in digests


async def test_an_export_that_grows_too_large_is_given_up(data: Path) -> None:
    """It fails visibly, and leaves nothing."""
    settings = Settings(data=str(data), mode="ground", drivers=("jsonl",), export_max_mib=1)
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        await core.publish([telling(START_NS + n, {"f": "x" * 60_000}) for n in range(40)])
        await core.settled(client, 40)
        with pytest.raises(ProtocolError) as raised:
            await client.export(Export())
    assert raised.value.code == "exportTooLarge"
    assert nothing_is_left(core.data)
    assert list(exports_folder(core.data).iterdir()) == []


async def test_what_a_crash_left_and_what_expired_is_swept(core: Core) -> None:
    """Pitfalls row 33: a file in progress stays, because its lock is held."""
    async with await Client.to_core(core.data) as client:
        done = await client.export(Export())
    folder = exports_folder(core.data)
    left = folder / f"{TEMPORARY_PREFIX}crashed"
    left.mkdir()
    (left / "files").mkdir()
    exports = ExportJobs(core.settings)
    with exports._locked_folder(folder / f"{TEMPORARY_PREFIX}running"):  # noqa: SLF001
        exports.sweep()
        assert not left.exists()
        assert (folder / f"{TEMPORARY_PREFIX}running").exists()
    assert (folder / f"{done.export_id}.zip").exists()
    about = folder / f"{done.export_id}.json"
    kept = json.loads(about.read_bytes()) | {"expiresAt": "2020-01-01T00:00:00Z"}
    about.write_text(json.dumps(kept))
    exports.sweep()
    assert list(folder.iterdir()) == []


async def killed(core: Core, times: int) -> None:
    """Kill a process of each export at random, and look at what becomes of it."""
    dice = random.Random(times)
    async with await Client.to_core(core.data) as client:
        whole = (await client.export(Export(timebase="source"))).digest
        failed = 0
        for number in range(times):
            asked = asyncio.create_task(client.export(Export(timebase="source")))
            processes = core.settings.export_processes
            while not asked.done() and len(range_workers_of(core.data)) < processes:
                await asyncio.sleep(0.01)
            # The first at once: the others may have been faster.
            await asyncio.wait((asked,), timeout=dice.uniform(0, 1.5) if number else 0)
            for child in range_workers_of(core.data):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            try:
                assert (await asked).digest == whole
            except ProtocolError as error:
                failed += 1
                assert error.code == "exportFailed"
            assert nothing_is_left(core.data)
        assert failed > 0
        assert (await client.export(Export(timebase="source"))).digest == whole
    kept = {path.stem for path in exports_folder(core.data).iterdir()}
    assert len(kept) == 2 + times - failed


async def test_an_export_whose_process_is_killed_fails_visibly(core: Core) -> None:
    """Pitfalls row 33: there is a whole export or none, and the next one is whole."""
    await killed(core, 4)


@pytest.mark.slow
async def test_an_export_that_is_killed_at_20_points(core: Core) -> None:
    """Pitfalls row 33: the same twenty times."""
    await killed(core, 20)


async def test_reading_writes_no_file(core: Core) -> None:
    """A-205, A-206: a replay, a query and a stream touch neither driver nor file."""
    async with await Client.to_core(core.data) as client:
        before = {path for path in core.data.rglob("*") if "truth" not in path.parts}
        await streamed(client, "canonical", Filters())
        assert [event async for event in client.query(Query())]
        assert {path for path in core.data.rglob("*") if "truth" not in path.parts} == before
    assert range_workers_of(core.data) == []
