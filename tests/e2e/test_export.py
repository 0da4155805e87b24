"""Exports of a whole NOVA: through the edge, into a fresh NOVA, and over a restart."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import urllib.request
import zipfile
from pathlib import Path

import msgspec
import pytest
from mcap.reader import make_reader

from nova.core.writer.manifest_events import published_event
from nova.sdk.client.client import Client, login
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import ConnectionLostError
from nova.sdk.events.digest import EventDigest
from nova.sdk.manifests import manifest_files
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.submission import AcknowledgeAlarm, ImportEvents
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.command_here import command_here
from tests.core.filing import arrivals
from tests.e2e.shipped import MANIFESTS
from tests.sdk.exported import changed

EVENTS = 600
WAIT_S = 60.0
DRIVERS = "rawBinary,positionCsv,jsonl"


def export(nova: RunningNova, target: Path, *arguments: str) -> dict[str, object]:
    """`nova export` through the edge."""
    login = ("--url", nova.url, "--user", "admin")
    command = ("export", *login, "--timebase", "source", "--out", str(target), "--json")
    done = command_here(*command, *arguments)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, object] = json.loads(done.stdout)
    return found


def linked_messages(nova: RunningNova) -> int:
    """Events in the MCAP files of an export, read by their links."""
    source = ("--url", nova.url, "--user", "admin")
    done = command_here("export", *source, "--driver", "mcap", "--link", "--json")
    assert done.returncode == 0, done.stderr.decode()
    count = 0
    for link in json.loads(done.stdout)["links"]:
        with urllib.request.urlopen(link["url"]) as reply:
            data = reply.read()
        assert len(data) == link["bytes"]
        summary = make_reader(io.BytesIO(data), validate_crcs=True).get_summary()
        assert summary is not None and summary.statistics is not None
        count += summary.statistics.message_count
    return count


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("--driver", "mcap"), "--out"),
        (("--link", "--out", "x.zip"), "--out"),
        (("--link", "--data", "x"), "--url"),
    ],
    ids=("neither", "both", "local"),
)
def test_an_export_is_written_or_linked(arguments: tuple[str, ...], refusal: str) -> None:
    done = command_here("export", *arguments)
    assert done.returncode == 2
    assert refusal in done.stderr.decode()


async def connected(nova: RunningNova, through: str) -> Client:
    """A client of its reader, or of its edge."""
    if through == "core":
        return await Client.to_core(nova.data)
    return await Client.to_edge(nova.url, await login(nova.url, "admin", PASSWORD))


async def wait_for_events(nova: RunningNova, count: int) -> None:
    """Until the reader has as many: it follows the writer, which has acknowledged them."""
    async with await Client.to_core(nova.data) as client, asyncio.timeout(WAIT_S):
        while len([event async for event in client.query(Query())]) < count:
            await asyncio.sleep(0.05)


async def digest_of(nova: RunningNova) -> str:
    """The digest of everything in source time, from its queries."""
    digest = EventDigest()
    async with await Client.to_core(nova.data) as client:
        digest.add([event async for event in client.query(Query(timebase="source"))])
    return digest.text()


@pytest.mark.parametrize("driver", ["jsonl", pytest.param("mcap", marks=pytest.mark.slow)])
def test_an_imported_export_exports_the_same(
    tmp_path: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digest of export, of queries, and of an export of a fresh NOVA fed by `nova import`
    are one; a second import is all duplicates.
    """
    monkeypatch.setenv("NOVA_DRIVERS", DRIVERS)
    monkeypatch.setenv("NOVA_PASSWORD", PASSWORD)
    with running_nova(tmp_path / "a", "--ground") as first:
        records = list({record.value: record for record in arrivals(EVENTS)}.values())

        async def publish() -> None:
            transport = connect(first.publish)
            await transport.publish(records)
            await transport.close()

        asyncio.run(publish())
        asyncio.run(wait_for_events(first, len(records) + MANIFESTS + 1))
        told = export(first, tmp_path / "a.zip", "--driver", driver)
        assert told["digest"] == asyncio.run(digest_of(first))
        assert linked_messages(first) == told["events"]
        first.kill()
    with running_nova(tmp_path / "b", "--ground") as second:
        for expected in ("new", "duplicate"):
            done = command_here("import", str(tmp_path / "a.zip"), "--to", second.publish, "--json")
            assert done.returncode == 0, done.stderr.decode()
            counts = json.loads(done.stdout)
            assert (counts["rejected"], counts["digest"]) == (0, "fits")
            if expected == "new":
                # The manifests that ship, and what binds them, every NOVA has published itself.
                assert counts["new"] == int(str(told["events"])) - MANIFESTS - 1
            else:
                assert counts["duplicate"] == counts["sent"]
        with zipfile.ZipFile(tmp_path / "a.zip") as archive:
            gone = next(name for name in archive.namelist() if name.endswith(driver))
        path = changed(tmp_path / "a.zip", tmp_path / "damaged.zip", {gone: None})
        done = command_here("import", str(path), "--to", second.publish, "--json")
        assert done.returncode == 1
        assert f"{gone}: is missing, with " in done.stderr.decode()
        assert json.loads(done.stdout)["digest"] == "differs"
        again = export(second, tmp_path / "b.zip", "--driver", driver)
        second.kill()
    assert (again["digest"], again["events"]) == (told["digest"], told["events"])
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        manifest = json.loads(archive.read("export.json"))
    assert (manifest["digest"], manifest["failures"]) == (told["digest"], [])


@pytest.mark.parametrize("through", [pytest.param("core", marks=pytest.mark.slow), "edge"])
def test_an_export_of_the_own_scope_comes_back_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    """Manifests, bindings and acknowledgements of a payload's own scope, and one that is
    in conflict with what ships, by the Core's own socket or an edge; then everything starts again.
    """
    monkeypatch.setenv("NOVA_DRIVERS", DRIVERS)
    monkeypatch.setenv("NOVA_PASSWORD", PASSWORD)
    shipped = manifest_files.load()[0].manifest
    changed = published_event(msgspec.structs.replace(shipped, title="Another"), "sat")
    with running_nova(tmp_path / "a", "--scope", "sat") as first:

        async def fill() -> None:
            transport = connect(first.publish)
            await transport.publish(list({one.value: one for one in arrivals(90)}.values()))
            await transport.close()
            async with await Client.to_core(first.data) as client:
                await client.import_events(
                    ImportEvents(events=[changed.body.decode()], timeline_mode="LIVE")
                )
                await client.acknowledge_alarm(acknowledged())

        asyncio.run(fill())
        told = export(first, tmp_path / "a.zip", "--driver", "jsonl")
        first.kill()
    for again in ("import", "start"):
        with running_nova(tmp_path / "b", "--scope", "sat") as second:
            if again == "import":
                edge = ("--url", second.url, "--user", "admin") if through == "edge" else ()
                done = command_here(
                    "import", str(tmp_path / "a.zip"), "--to", second.publish, "--json", *edge
                )
                assert done.returncode == 0, done.stderr.decode()
                assert json.loads(done.stdout)["rejected"] == 0
            found = export(second, tmp_path / f"{again}.zip", "--driver", "jsonl")
            assert (found["digest"], found["events"]) == (told["digest"], told["events"])


def acknowledged() -> AcknowledgeAlarm:
    """Somebody has seen an alarm of a view that `arrivals` update."""
    return AcknowledgeAlarm(
        scope_id="sat",
        system_id="bus",
        container_id="CON",
        unique_id="u1",
        view_id="v",
        key="n",
        severity="warning",
        since="2026-01-27T00:00:00Z",
        timeline_mode="LIVE",
    )


def test_daily_files_are_written_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A-201, A-203: `nova up` writes what it ingests to the folders of UTC days."""
    monkeypatch.setenv("NOVA_DRIVERS", DRIVERS)
    with running_nova(tmp_path / "a", "--ground") as nova:

        async def publish_and_wait() -> None:
            transport = connect(nova.publish)
            await transport.publish([record for record in arrivals(60) if record])
            await transport.close()
            async with asyncio.timeout(WAIT_S):
                while not list((nova.data / "files").rglob("llas.csv")):
                    await asyncio.sleep(0.05)

        asyncio.run(publish_and_wait())
        assert nova.child("files") > 0
        nova.kill()
    names = {path.name for path in (tmp_path / "a" / "files").rglob("*") if path.is_file()}
    assert {"raw.bin", "raw.index.csv", "llas.csv", "parsed.Count.jsonl"} <= names


@pytest.mark.parametrize("through", [pytest.param("core", marks=pytest.mark.slow), "edge"])
def test_a_reader_that_dies_leaves_no_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    """Pitfalls row 33: a waiting client hears of it, its processes end, its folder is swept by the
    next, and the next export is whole.
    """
    monkeypatch.setenv("NOVA_DRIVERS", DRIVERS)
    monkeypatch.setenv("NOVA_EXPORT_PROCESSES", "1")
    with running_nova(tmp_path / "a", "--ground") as nova:

        async def disturbed() -> None:
            transport = connect(nova.publish)
            await transport.publish([record for record in arrivals(EVENTS) if record])
            await transport.close()
            folder = exports_folder(nova.data)
            async with await connected(nova, through) as client:
                asked = asyncio.create_task(client.export(Export()))
                async with asyncio.timeout(WAIT_S):
                    while not list(folder.glob("tmp-*")):
                        await asyncio.sleep(0)
                os.kill(nova.child("reader"), signal.SIGKILL)
                with pytest.raises(ConnectionLostError):
                    await asked
            async with asyncio.timeout(WAIT_S):
                while list(folder.glob("tmp-*")):
                    await asyncio.sleep(0.05)
            assert list(folder.iterdir()) == []
            async with asyncio.timeout(WAIT_S):
                while True:
                    try:
                        async with await Client.to_core(nova.data) as client:
                            done = await client.export(Export(timebase="source"))
                        break
                    except ConnectionLostError:
                        await asyncio.sleep(0.05)
            assert done.digest == await digest_of(nova)

        asyncio.run(disturbed())
        nova.kill()
