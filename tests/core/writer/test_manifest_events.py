"""Manifests as the Core's own events: published once, and never changed under a version."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nova.core.ordering import TIMEBASES
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.writer import writer_process
from nova.core.writer.columns import check_records
from nova.core.writer.manifest_events import published_event
from nova.sdk.client.client import Client
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import check_stored
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest import CardManifest, KeySpec
from nova.sdk.manifests.manifest_files import ManifestError, ManifestFile
from nova.sdk.protocol.messages import Discover
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Record, connect
from tests.core.running import running_core, running_writer
from tests.sdk.manifests.test_manifest import MANIFEST
from tests.sdk.manifests.test_manifest_files import write

FILES = [ManifestFile(Path("pump.manifest.py"), MANIFEST)]


def ids_in(data: Path) -> list[bytes]:
    """The ids of all that an archive holds."""
    archive = Archive.open_primary(data)
    try:
        rows = archive.events.scan("canonical")
        return [check_stored(stored)[0].event_id for _, stored in rows]
    finally:
        archive.close()


async def started(data: Path, files: list[ManifestFile]) -> None:
    """Start a writer with these manifests, and stop it."""
    async with running_writer(Settings(data=str(data), scope="sat"), files):
        pass


async def test_what_is_shipped_is_published_once(data: Path) -> None:
    """A-216, AMB-14: telling it again at the next start stores nothing."""
    files = manifest_files.load()
    await started(data, files)
    first = ids_in(data)
    await started(data, files)
    assert ids_in(data) == first
    assert first == [published_event(file.manifest, "sat").event_id for file in files]


async def test_instances_of_a_scope_publish_the_same_events(data: Path, tmp_path: Path) -> None:
    """AMB-14: all of the event is derived, so a second archive has the same ids."""
    for folder in (data, tmp_path / "o"):
        await started(folder, FILES)
    assert ids_in(data) == ids_in(tmp_path / "o")


async def test_a_new_version_is_published_beside_the_old(data: Path) -> None:
    """The archive keeps every version that was published."""
    await started(data, FILES)
    newer = msgspec.structs.replace(MANIFEST, manifest_version="2.0.0", title="Pump, renewed")
    await started(data, [ManifestFile(Path("pump.manifest.py"), newer)])
    assert len(ids_in(data)) == 2
    await started(data, FILES)
    assert len(ids_in(data)) == 2


def renamed(title: str) -> CardManifest:
    """Another manifest under the same id and version."""
    return msgspec.structs.replace(MANIFEST, title=title)


async def conflicts_of(data: Path, files: list[ManifestFile]) -> list[str]:
    """What the status of a Core says that is started with these manifests."""
    async with (
        running_core(Settings(data=str(data), scope="sat"), files) as core,
        await Client.to_core(core.data) as client,
    ):
        return (await client.status()).manifest_conflicts


async def test_a_changed_manifest_needs_a_new_version(data: Path) -> None:
    """Cards of the past would be drawn by what was not in effect then: the archive's own counts,
    status and log name the file, and the start continues.
    """
    await started(data, FILES)
    allowed = {**MANIFEST.allowed_keys, "more": KeySpec(type="any")}
    changed = msgspec.structs.replace(MANIFEST, allowed_keys=allowed)
    files = [ManifestFile(Path("pump.manifest.py"), changed)]
    (said,) = await conflicts_of(data, files)
    assert "pump.manifest.py: pump 1.2.0 differs from the one that the archive holds" in said
    assert len(ids_in(data)) == 1
    async with running_core(Settings(data=str(data), scope="sat"), files) as core:
        names = {"viewId": "v", "manifestId": "pump", "manifestVersion": "1.2.0"}
        header = {"sourceTruthTime": "2026-01-01T00:00:00Z", "messageType": "UiUpdate"}
        update = msgspec.json.encode({**header, **names, "data": {"more": 1}})
        receipt = await core.publish([Record("nova.sat.ui.a.b.c.v1", update)])
        assert [one.code for one in receipt.rejected] == ["notAllowed"]
    assert await conflicts_of(data, FILES) == []


async def test_an_archive_with_another_manifest_of_a_shipped_name_starts(data: Path) -> None:
    """Such an event was taken from a transport, and no writer started ever after. The
    one that the Core itself had published before counts, for updates and for cards.
    """
    async with running_writer(Settings(data=str(data), scope="sat"), FILES) as writer:
        bad = Record(None, published_event(renamed("Bad"), "sat").body)
        receipt, _ = writer.committer.add_batch(
            "old", Batch([bad]), check_records([bad], Checker())
        )
        assert receipt.new == 1
        writer.committer.close_commit()
    (said,) = await conflicts_of(data, FILES)
    assert "two manifests pump 1.2.0 of sat" in said
    async with (
        running_core(Settings(data=str(data), scope="sat"), FILES) as core,
        await Client.to_core(core.data) as client,
    ):
        for timebase in TIMEBASES:
            found = await client.discover(Discover(timebase=timebase))
            assert [one.title for one in found.manifests] == [MANIFEST.title]


async def test_no_transport_publishes_a_manifest_of_the_own_scope(data: Path) -> None:
    """Nor any other event that only the Core writes."""
    async with running_core(Settings(data=str(data), scope="sat"), FILES) as core:
        bad = Record(None, published_event(renamed("Bad"), "sat").body)
        receipt = await core.publish([bad])
        assert [one.code for one in receipt.rejected] == ["reserved"]
    assert len(ids_in(data)) == 1


async def test_a_collision_stops_the_start(data: Path, tmp_path: Path) -> None:
    """A-230: before an archive is made, with both files named."""
    path = write(tmp_path / "own", "mine", entity="battery")
    settings = Settings(data=str(data / "new"), scope="sat", manifests=str(tmp_path / "own"))
    with pytest.raises(ManifestError, match=r"battery\.manifest\.py") as caught:
        await writer_process.serve(settings)
    assert str(path) in str(caught.value)
    assert not (data / "new").exists()


async def test_an_update_that_breaks_its_manifest_is_in_the_reject_log(data: Path) -> None:
    """AMB-48: with key and rule, and what an unknown manifest says is stored."""
    async with running_core(Settings(data=str(data), scope="sat"), FILES) as core:
        names = {"viewId": "v", "manifestId": "pump", "manifestVersion": "1.2.0"}
        header = {
            "sourceTruthTime": "2026-01-01T00:00:00Z",
            "messageType": "UiUpdate",
        }
        address = "nova.sat.ui.a.b.c.v1"
        records = [
            Record(address, msgspec.json.encode({**header, **names, **changed}))
            for changed in (
                {"data": {"flow": 3}},
                {"data": {"flow": -3}},
                {"data": {"flow": -3}, "manifestVersion": "9.9.9"},
            )
        ]
        receipt = await core.publish(records)
        assert (receipt.new, len(receipt.rejected)) == (2, 1)
        archive = core.writer.committer.archive
        found = archive.record.rejects().first(0)
        assert found is not None
        reject = catalog.decode_reject(found[1])
        assert (reject.code, reject.member) == ("notAllowed", "data.flow")
        assert reject.reason == "data.flow is -3, below the minimum 0 (manifest pump 1.2.0)"


async def test_manifests_are_durable_before_anybody_is_served(data: Path) -> None:
    """Invariant 6: the first mark that a reader hears has them behind it."""
    settings = Settings(data=str(data), scope="sat")
    async with writer_process.open_writer(settings, FILES) as (writer, transports):
        assert writer.committer.counters.events == 1
        assert writer.committer.marker().events == 1
        assert transports[0].link == connect(f"local://{data}").link
