"""The descriptors and manifests in effect at a time, in either timebase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.effect.moment import moment_at
from nova.core.effect.published import PublishedMetadata
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.writer.committer import Committer
from nova.core.writer.manifest_events import published_event
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest import CardManifest, published_body
from nova.sdk.protocol.messages import Discover, Filters, GetUiState
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Record
from tests.core.discovered import discovered, discovery_of
from tests.core.running import running_core
from tests.core.telling import START_NS
from tests.core.viewing import updating
from tests.sdk.manifests.test_manifest import MANIFEST
from tests.sdk.manifests.test_manifest_files import write

Commit = Callable[[Sequence[Record]], CommitFrame]
SECOND_NS = 10**9


def metadata(message_type: str, at_ns: int, body: JsonObject, unit: str = "u") -> Record:
    """The record of a metadata event."""
    members: JsonObject = {
        "scopeId": "sat",
        "lane": "metadata",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
        "messageType": message_type,
    }
    return Record(None, msgspec.json.encode({**members, **body}))


def descriptor(at_ns: int, effective_ns: int, capability: str, unit: str = "u") -> Record:
    """A descriptor that takes effect at a time."""
    effective = {"effectiveTime": timestamps.text(effective_ns)}
    body: JsonObject = {"capabilities": [capability], "schemaVersion": "1", **effective}
    return metadata("ProducerDescriptor", at_ns, body, unit)


def published(manifest: CardManifest, scope: str = "sat") -> Record:
    """A published manifest."""
    return Record(None, published_event(manifest, scope).body)


async def capabilities(view: ArchiveSnapshot, timebase: Timebase, at_ns: int) -> list[str] | None:
    """The capabilities of the unit at a time; None if it has published no descriptor."""
    view.refresh()
    found = await discovered(view, timebase, at_ns)
    told = found[0].descriptor if found else None
    return None if told is None else told.capabilities


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [(-1, None), (0, ["a"]), (4, ["a"]), (5, ["b"]), (9, ["b"]), (10, ["c"]), (99, ["c"])],
)
async def test_in_source_time_effective_time_decides(
    view: ArchiveSnapshot, commit: Commit, after_s: int, expected: list[str] | None
) -> None:
    """A-146, A-148, AMB-37: also if it was published after or before its effective time."""
    commit(
        [
            updating(START_NS - 3 * SECOND_NS, {"n": 1}, unit="u"),
            descriptor(START_NS, START_NS, "a"),
            descriptor(START_NS + 1, START_NS + 10 * SECOND_NS, "c"),
            descriptor(START_NS + 7 * SECOND_NS, START_NS + 5 * SECOND_NS, "b"),
        ]
    )
    assert await capabilities(view, "source", START_NS + after_s * SECOND_NS) == expected


async def test_in_canonical_time_nothing_is_in_effect_before_it_was_known(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """A-147, AMB-37: effectiveTime of a clock that is behind does not reach into the past."""
    commit([updating(START_NS, {"n": 1}, unit="u")])
    before = view.watermark
    commit([descriptor(START_NS, START_NS - 10 * SECOND_NS, "a")])
    known = view.watermark
    assert await capabilities(view, "canonical", before) is None
    assert await capabilities(view, "canonical", known - 1) is None
    assert await capabilities(view, "canonical", known) == ["a"]


async def test_in_canonical_time_what_is_told_ahead_takes_effect_as_much_later(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """AMB-37: future-dating is kept."""
    commit([descriptor(START_NS, START_NS, "a")])
    commit([descriptor(START_NS + 1, START_NS + 1 + SECOND_NS, "b")])
    assert await capabilities(view, "canonical", view.watermark) == ["a"]
    assert await capabilities(view, "canonical", view.watermark + SECOND_NS - 1) == ["a"]
    assert await capabilities(view, "canonical", view.watermark + SECOND_NS) == ["b"]


async def test_of_equal_times_the_last_in_the_order_counts(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """AMB-37: by time, then eventId, whatever came first."""
    commit([descriptor(START_NS + n, START_NS, name) for n, name in ((2, "late"), (1, "early"))])
    assert await capabilities(view, "source", NS_MAX) == ["late"]


async def test_a_descriptor_that_comes_later_is_found(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """What was remembered is not the end."""
    commit([descriptor(START_NS, START_NS, "a")])
    shared = discovery_of(view)
    for name in ("b", "c"):
        commit([descriptor(START_NS + ord(name), START_NS + ord(name), name)])
        found = await discovered(view, discovery=shared)
        assert found[0].descriptor is not None
        assert found[0].descriptor.capabilities == [name]


async def test_a_filter_does_not_hide_the_descriptor(view: ArchiveSnapshot, commit: Commit) -> None:
    """A-133: a listing of the ui lane includes the capabilities of its entities."""
    commit([descriptor(START_NS, START_NS, "a"), updating(START_NS, {"n": 1}, unit="u")])
    view.refresh()
    (entity,) = await discovered(view, filters=Filters(lanes=["ui"]))
    assert [one.lane for one in entity.series] == ["ui"]
    assert entity.descriptor is not None and entity.descriptor.capabilities == ["a"]


def version(number: str, *, since: str = "1970-01-01T00:00:00Z", title: str = "T") -> CardManifest:
    """A version of the pump."""
    return msgspec.structs.replace(
        MANIFEST, manifest_version=number, effective_time=since, title=title
    )


def versions(found: Sequence[CardManifest]) -> list[tuple[str, str]]:
    """Ids and versions in their order."""
    return [(manifest.manifest_id, manifest.manifest_version) for manifest in found]


def test_every_version_that_has_taken_effect_is_there(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """An old archive's updates name old versions, whose cards are drawn with them."""
    commit([published(version("1.0.0")), published(version("2.0.0", since="2026-01-01T00:00:00Z"))])
    view.refresh()
    shared = PublishedMetadata(view, "sat")
    assert versions(shared.manifests(moment_at("source", START_NS - 1))) == [("pump", "1.0.0")]
    both = [("pump", "1.0.0"), ("pump", "2.0.0")]
    assert versions(shared.manifests(moment_at("source", START_NS))) == both


def test_in_canonical_time_manifests_are_known_from_their_arrival_on(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """A-147, AMB-37."""
    commit([published(version("1.0.0"))])
    first = view.watermark
    commit([published(version("2.0.0"))])
    view.refresh()
    shared = PublishedMetadata(view, "sat")
    assert versions(shared.manifests(moment_at("canonical", first - 1))) == []
    assert versions(shared.manifests(moment_at("canonical", first))) == [("pump", "1.0.0")]
    assert len(shared.manifests(moment_at("canonical", view.watermark))) == 2


def test_the_instance_goes_before_others(
    view: ArchiveSnapshot, committer: Committer, commit: Commit
) -> None:
    """AMB-13: a ground archive draws by its own manifests, and by others' where it has none."""
    committer.record(published_event(version("1.0.0", title="ours"), "ground"))
    commit(
        [
            published(version("1.0.0", title="theirs"), "sat"),
            published(version("3.0.0", title="theirs alone"), "sat"),
        ]
    )
    view.refresh()
    found = PublishedMetadata(view, "ground").manifests(moment_at("source", NS_MAX))
    assert sorted(manifest.title for manifest in found) == ["ours", "theirs alone"]


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_a_version_is_never_changed_afterwards(
    view: ArchiveSnapshot, commit: Commit, timebase: Timebase
) -> None:
    """Of one id and version the first that was received counts, whatever a later one
    says of its time; and the scope's own goes before what an entity of it has published.
    """
    commit([metadata("ManifestPublished", START_NS, published_body(version("1.0.0", title="c")))])
    commit([published(version("1.0.0", title="a"))])
    commit([published(version("1.0.0", title="b", since="1969-01-01T00:00:00Z"))])
    view.refresh()
    for _ in range(2):
        (found,) = PublishedMetadata(view, "sat").manifests(moment_at(timebase, NS_MAX))
        assert found.title == "a"


def test_what_is_no_manifest_is_passed_over(view: ArchiveSnapshot, commit: Commit) -> None:
    """Anybody may publish metadata; a form that no card can be drawn from hides no other."""
    body: JsonObject = {
        "manifestId": "odd",
        "manifestVersion": "1",
        "viewId": "odd",
        "entityType": "odd",
        "allowedKeys": {"x": "a number"},
        "effectiveTime": timestamps.text(START_NS),
    }
    commit([metadata("ManifestPublished", START_NS, body), published(version("1.0.0"))])
    view.refresh()
    assert versions(PublishedMetadata(view, "sat").manifests(moment_at("source", NS_MAX))) == [
        ("pump", "1.0.0")
    ]


async def test_a_user_manifest_brings_a_new_card(data: Path, tmp_path: Path) -> None:
    """A file in a folder, and whoever discovers has the card's description; no
    other file knows of it.
    """
    write(tmp_path / "own", "whirligig", view="telemetry.whirligig")
    files = manifest_files.load(tmp_path / "own")
    async with running_core(Settings(data=str(data), scope="sat"), files) as core:
        record = updating(
            START_NS, {"n": 4}, unit="w", view="telemetry.whirligig", manifest="whirligig"
        )
        refused = updating(START_NS, {"n": "4"}, unit="w", manifest="whirligig")
        receipt = await core.publish([record, refused])
        assert (receipt.new, len(receipt.rejected)) == (1, 1)
        async with await Client.to_core(core.data) as client:
            await core.settled(client, len(files) + 1)
            found = await client.discover(Discover(timebase="source"))
            cards = {manifest.manifest_id: manifest for manifest in found.manifests}
            assert {"whirligig", "default-card"} <= set(cards)
            (state,) = (await client.ui_state(GetUiState(timebase="source"))).states
            card = cards[state.manifest_id]
            assert (card.view_id, card.manifest_version) == (state.view_id, state.manifest_version)
            assert set(msgspec.json.decode(state.state)) <= set(card.allowed_keys)
            unpublished = await client.discover(
                Discover(timebase="canonical", time="2020-01-01T00:00:00Z")
            )
            assert unpublished.manifests == []


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_discovery_is_the_same_at_every_start(
    view: ArchiveSnapshot, commit: Commit, timebase: Timebase
) -> None:
    """A-233: a reader that starts later finds the same manifests in the same order."""
    commit([published(file.manifest) for file in manifest_files.load()])
    view.refresh()
    first = PublishedMetadata(view, "sat").manifests(moment_at(timebase, NS_MAX))
    assert first == PublishedMetadata(view, "sat").manifests(moment_at(timebase, NS_MAX))
    assert len(first) == len(manifest_files.load())
