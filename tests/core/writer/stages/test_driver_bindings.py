"""DriverBindings: one canonical tick before the first event, in its commit (AMB-39, A-199)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.committer import Committer
from nova.core.writer.stages.driver_bindings import DriverBindings
from nova.core.writer.stages.driver_selections import record_selections
from nova.sdk import timestamps
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.transport.base import Batch, Record
from tests.core.filing import arrivals, record
from tests.core.writer.staging import new_events, run, stamped
from tests.laws import some_of

AT_NS = timestamps.parse("2026-01-01T00:00:00Z")


class Described(NamedTuple):
    """What a binding says."""

    lane: str
    stream: str
    version: str
    driver: str


def writer(archive: Archive, data: Path, *drivers: str) -> Committer:
    """One that prefers these drivers."""
    return Committer(archive, data, registry=DriverRegistry.load(drivers or ["rawBinary", "jsonl"]))


def stored(archive: Archive) -> list[dict[str, object]]:
    """All events in the order of their commits."""
    rows = archive.events.scan("canonical")
    return [json.loads(envelope) for _, envelope in rows]


def take(committer: Committer, records: Sequence[Record]) -> None:
    """Commit them in two batches, in one commit."""
    middle = len(records) // 2
    committer.add_batch("link", Batch(records[:middle]))
    committer.add_batch("link", Batch(records[middle:]))
    committer.close_commit()


def bindings(events: Sequence[dict[str, object]]) -> list[Described]:
    """The bindings among events."""
    return [
        Described(
            str(event["targetLane"]),
            str(event["streamType"]),
            str(event.get("schemaVersion", "")),
            f"{event['driverId']}@{event['driverVersion']}",
        )
        for event in events
        if event["messageType" if "messageType" in event else "lane"] == "DriverBinding"
    ]


def descriptor(at_ns: int, *capabilities: str) -> Record:
    """A target says what it can."""
    envelope = json.loads(record(0, at_ns).value)
    del envelope["payload"]
    envelope |= {"lane": "metadata", "messageType": "ProducerDescriptor"}
    envelope |= {"capabilities": list(capabilities), "effectiveTime": timestamps.text(at_ns)}
    return Record(None, msgspec.json.encode(envelope), "d")


def test_each_stream_is_bound_one_tick_before_its_first_event(
    archive: Archive, tmp_path: Path
) -> None:
    """Its effectiveTime is that event's source time, so metadata sorts first there too."""
    committer = writer(archive, tmp_path)
    take(committer, arrivals(200))
    events = stored(archive)
    assert committer.counters.events == len(events)
    told = bindings(events)
    assert len(set(told)) > 6
    entities = {(event["uniqueId"], *key) for event, key in zip(
        [event for event in events if event.get("messageType") == "DriverBinding"], told,
        strict=True)}  # fmt: skip
    assert len(entities) == len(told), "a stream was bound twice"
    seen = set()
    for before, event in zip([None, *events], events, strict=False):
        kind = event.get("messageType", "raw")
        if kind == "DriverBinding":
            continue
        stream = (event["uniqueId"], event["lane"], kind, event.get("schemaVersion", ""))
        if stream not in seen:
            seen.add(stream)
            assert before is not None and before["messageType"] == "DriverBinding"
            assert before["streamType"] == kind
            assert before["effectiveTime"] == before["sourceTruthTime"]
            assert timestamps.parse(str(before["effectiveTime"])) == timestamps.parse(
                str(event["sourceTruthTime"])
            )
            ticks = [timestamps.parse(str(e["canonicalTruthTime"])) for e in (before, event)]
            assert ticks[1] - ticks[0] == 1


def test_a_batch_stays_as_it_was_and_its_bindings_are_returned(
    archive: Archive, open_commit: Commit
) -> None:
    """The stage alone: each binding is before its event, and the columns have it behind them."""
    registry = DriverRegistry.load(["rawBinary", "jsonl"])
    stage = DriverBindings(archive, open_commit.state, registry)
    events = new_events([record(2, AT_NS), record(8, AT_NS + 1), record(3, AT_NS + 2)], [0, 2])
    found, added = run(stage, events, open_commit)
    assert (list(found.numbers), found.received) == ([3, 0, 4, 2], 2)
    assert [found.columns.names[i].message_type for i in found.columns.series[3:]] == [
        "DriverBinding",
        "DriverBinding",
    ]
    assert list(added.keys) == found.columns.keys[3:]
    assert [(one.number, one.driver) for one in found.selections] == [
        (3, "rawBinary@1.0.0"),
        (4, "jsonl@1.0.0"),
    ]
    open_commit.add(run(record_selections, stamped(found, open_commit), open_commit))
    again, added = run(stage, new_events([record(14, AT_NS + 3)]), open_commit)
    assert (list(again.numbers), len(added.keys)) == ([0], 0)
    fresh = DriverBindings(archive, open_commit.state, registry)
    again, added = run(fresh, new_events([record(20, AT_NS + 4)]), open_commit)
    assert list(again.numbers) == [0], "the open commit has selected the driver"


def test_a_restart_binds_nothing_again(archive: Archive, tmp_path: Path) -> None:
    """What was selected is in the catalog, from the same commit."""
    take(writer(archive, tmp_path), arrivals(100))
    count = len(bindings(stored(archive)))
    take(writer(archive, tmp_path), [record(n, AT_NS + n) for n in range(100)])
    assert len(bindings(stored(archive))) == count


def test_another_selection_binds_anew(archive: Archive, tmp_path: Path) -> None:
    """By settings, and by what a descriptor asks for."""
    raw = [record(2 + 6 * n, AT_NS + n) for n in range(4)]
    take(writer(archive, tmp_path), raw[:1])
    take(writer(archive, tmp_path, "jsonl"), raw[1:2])
    committer = writer(archive, tmp_path, "jsonl")
    take(committer, [descriptor(AT_NS, "driver:mcap"), raw[2]])
    take(writer(archive, tmp_path, "jsonl"), raw[3:])
    told = [binding.driver for binding in bindings(stored(archive)) if binding.lane == "raw"]
    assert told == ["rawBinary@1.0.0", "jsonl@1.0.0", "mcap@1.0.0"]


def test_a_driver_that_is_asked_for_later_is_bound_then(archive: Archive, tmp_path: Path) -> None:
    """A descriptor that is published ahead of its time changes nothing until it takes effect,
    and then without any news; so it does after a restart, and one that came later is not undone.
    """
    now = [AT_NS]

    def restarted() -> Committer:
        registry = DriverRegistry.load(["rawBinary", "jsonl"])
        return Committer(archive, tmp_path, registry=registry, clock=lambda: now[0])

    def drivers_of_raw() -> list[str]:
        return [one.driver for one in bindings(stored(archive)) if one.lane == "raw"]

    committer = restarted()
    later = json.loads(descriptor(AT_NS, "driver:mcap").value)
    later["effectiveTime"] = timestamps.text(AT_NS + 1_000)
    take(committer, [Record(None, msgspec.json.encode(later), "d"), record(2, AT_NS)])
    assert drivers_of_raw() == ["rawBinary@1.0.0"]
    now[0] += 500
    take(committer, [record(8, AT_NS + 1)])
    assert drivers_of_raw() == ["rawBinary@1.0.0"]
    committer = restarted()
    take(committer, [record(14, AT_NS + 2)])
    assert drivers_of_raw() == ["rawBinary@1.0.0"]
    now[0] += 10_000
    take(committer, [record(20, AT_NS + 3)])
    assert drivers_of_raw() == ["rawBinary@1.0.0", "mcap@1.0.0"]
    take(committer, [descriptor(AT_NS + 4, "driver:jsonl"), record(26, AT_NS + 5)])
    take(restarted(), [record(32, AT_NS + 6)])
    assert drivers_of_raw() == ["rawBinary@1.0.0", "mcap@1.0.0", "jsonl@1.0.0"]


def test_a_stream_without_a_driver_is_stored_all_the_same(archive: Archive, tmp_path: Path) -> None:
    """It gets no binding, and one once a driver takes it."""
    take(writer(archive, tmp_path, "csv"), [record(2, AT_NS)])
    assert [event["lane"] for event in stored(archive)] == ["raw"]
    take(writer(archive, tmp_path, "rawBinary"), [record(8, AT_NS)])
    assert bindings(stored(archive)) == [Described("raw", "raw", "", "rawBinary@1.0.0")]


def test_a_binding_that_came_over_a_transport_stands(archive: Archive, tmp_path: Path) -> None:
    """An import brings its bindings, and the archive adds none."""
    other = tmp_path / "other"
    first = Archive.open_primary(other)
    take(writer(first, other), arrivals(120))
    events = stored(first)
    first.close()
    for event in events:
        del event["canonicalTruthTime"]
    events.sort(key=lambda event: event.get("messageType") != "DriverBinding")
    records = [Record(None, msgspec.json.encode(event), "x") for event in events]
    take(writer(archive, tmp_path, "mcap"), records)
    assert {str(event["eventId"]) for event in events} == {
        str(event["eventId"]) for event in stored(archive)
    }


@pytest.mark.parametrize("crash_after", range(3))
def test_binding_and_event_are_committed_together(
    archive: Archive, tmp_path: Path, crash_after: int
) -> None:
    """A writer that is lost before it closes its commit has bound nothing."""
    committer = writer(archive, tmp_path)
    for number in range(crash_after):
        take(committer, [record(number, AT_NS), record(number + 6, AT_NS)])
    committer.add_batch("link", Batch(arrivals(50)))
    events = stored(archive)
    assert len(bindings(events)) == crash_after
    assert len(events) == 3 * crash_after


@pytest.mark.parametrize("commit_max_events", some_of(range(1, 17), 4))
def test_a_crash_in_the_middle_of_a_batch_loses_no_binding(
    archive: Archive, tmp_path: Path, commit_max_events: int
) -> None:
    """A batch that is split: the last part is lost, and its bindings are added when it is consumed
    again, but no other one a second time.
    """
    records = [record(number, AT_NS + number) for number in range(12)]
    whole = tmp_path / "whole"
    undisturbed = Archive.open_primary(whole)
    take(writer(undisturbed, whole), records)
    expected = bindings(stored(undisturbed))
    undisturbed.close()
    limits = CommitLimits(commit_max_events=commit_max_events)
    registry = DriverRegistry.load(["rawBinary", "jsonl"])
    crashed = Committer(archive, tmp_path, registry=registry, limits=limits)
    crashed.add_batch("link", Batch(records))
    assert 0 < len(stored(archive)) < 18
    take(writer(archive, tmp_path), records)
    assert sorted(bindings(stored(archive))) == sorted(expected)
    assert len(expected) == 5
