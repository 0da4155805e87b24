"""An MCAP file that begins during a view's life begins with the view's initial state."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from mcap.reader import make_reader

from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.ordering import Timebase
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.utc_day import span_of
from nova.recordings.export_reader import ExportReader
from nova.sdk import timestamps
from nova.sdk.batch.range_messages import DriverOutput, RangeRequest
from nova.sdk.drivers.initial_state import CHECKPOINT_METADATA
from nova.sdk.protocol.messages import Filters
from tests.core.filing import DAYS, Filed, export_share, filed, tree

FILE = "sat/sat.mcap"
SMALL = CheckpointLimits(segment_events=3)
BEGINS: dict[Timebase, str] = {"canonical": DAYS[1], "source": "2026-01-27T00:01:40Z"}


def messages(data: bytes) -> tuple[list[dict[str, object]], list[bytes]]:
    """The checkpoints in front, and the events behind them."""
    front: list[dict[str, object]] = []
    events: list[bytes] = []
    for _, channel, message in make_reader(io.BytesIO(data)).iter_messages(log_time_order=True):
        if channel.metadata == CHECKPOINT_METADATA:
            assert not events, "a checkpoint behind an event"
            front.append(json.loads(message.data))
        else:
            events.append(message.data)
    return front, events


def shown(archive: Filed, timebase: Timebase, start_ns: int) -> dict[str, tuple[object, str]]:
    """By unit, what its view showed strictly before a time and which update was the last: the fold
    of all updates, by hand.
    """
    key = "sourceTruthTime" if timebase == "source" else "canonicalTruthTime"
    rows = archive.view.archive.events.scan("canonical")
    updates = [event for event in (json.loads(value) for _, value in rows) if event["lane"] == "ui"]
    updates.sort(key=lambda event: (timestamps.parse(event[key]), event["eventId"]))
    found: dict[str, tuple[dict[str, object], str]] = {}
    for event in updates:
        if timestamps.parse(event[key]) < start_ns:
            state = found.get(event["uniqueId"], ({}, ""))[0]
            found[event["uniqueId"]] = (state | event["data"], event["eventId"])
    return dict(found)


def exported(
    archive: Filed, target: Path, timebase: Timebase, start_ns: int, filters: Filters
) -> bytes:
    """The MCAP file of an export that begins at a time."""
    request = RangeRequest(
        start_ns=start_ns,
        stop_ns=2**62,
        timebase=timebase,
        filters=filters,
        watermark=archive.committer.last_ns,
    )
    output = DriverOutput(folder=str(target), preference=["mcap"], driver="mcap", max_bytes=2**40)
    target.mkdir(exist_ok=True)
    other = Archive.open_secondary(archive.data, target / "scratch")
    export_share(archive.data, other, request, output)
    other.close()
    return (target / "files" / FILE).read_bytes()


def make_checkpoints(archive: Filed) -> None:
    """What the follower makes in its own time."""
    store = CheckpointStore.open_primary(archive.data)
    list(CheckpointMaker(archive.view, store, SMALL).make(archive.committer.last_ns))
    store.close()


@pytest.mark.parametrize("timebase", ["canonical", "source"])
def test_an_export_begins_with_what_was_shown(timebase: Timebase, tmp_path: Path) -> None:
    """The fold of all updates strictly before, the same bytes whether there are
    checkpoints or not, and none where the range has no view.
    """
    text = BEGINS[timebase]
    start_ns = span_of(text)[0] if timebase == "canonical" else timestamps.parse(text)
    with filed(tmp_path, ("mcap",)) as archive:
        data = exported(archive, tmp_path / "a", timebase, start_ns, Filters())
        make_checkpoints(archive)
        assert exported(archive, tmp_path / "b", timebase, start_ns, Filters()) == data
        expected = shown(archive, timebase, start_ns)
        front, _ = messages(data)
        assert expected
        assert {told["uniqueId"]: (told["state"], told["lastEventId"]) for told in front} == (
            expected
        )
        assert {told["checkpointTime"] for told in front} == {timestamps.text(start_ns)}
        parsed = Filters(lanes=["parsed"])
        assert messages(exported(archive, tmp_path / "c", timebase, start_ns, parsed))[0] == []
        first = exported(archive, tmp_path / "d", timebase, -(2**63), Filters())
        assert messages(first)[0] == []


def test_a_day_made_anew_begins_with_the_same(tmp_path: Path) -> None:
    """AMB-38: also once there are checkpoints, where there were none the first time; the archive's
    first day begins with nothing.
    """
    with filed(tmp_path, ("mcap",)) as archive:
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.close()
        make_checkpoints(archive)
        assert messages(tree(archive.root / DAYS[0])[FILE])[0] == []
        before = tree(archive.root / DAYS[1])
        assert messages(before[FILE])[0]
        assert not rebuild_day_files(
            archive.view, archive.registry, archive.root, DAYS[1], lambda _: None
        )
        assert tree(archive.root / DAYS[1]) == before


def test_what_was_shown_is_not_imported(tmp_path: Path) -> None:
    """A checkpoint is not an event: `nova import` reads only the events after it."""
    with filed(tmp_path / "data", ("mcap",)) as archive:
        start_ns = span_of(DAYS[1])[0]
        data = exported(archive, tmp_path / "a", "canonical", start_ns, Filters())
    path = tmp_path / "day.mcap"
    path.write_bytes(data)
    source = ExportReader(path)
    front, events = messages(data)
    assert front
    assert list(source.envelopes()) == events
    source.close()
