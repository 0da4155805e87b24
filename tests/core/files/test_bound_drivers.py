"""Which driver is bound as of a time, in both timebases (A-202, A-208, AMB-37, AMB-39, AMB-41)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.core.files.bound_drivers import BoundDrivers, SingleDriver
from nova.core.ordering import Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.events.event import check
from nova.sdk.transport.base import Batch, Record

STREAM = DriverStream("sat", "s", "c", "u", "parsed", "Count", "1")
REGISTRY = DriverRegistry.load(["jsonl"])


def binding(at_ns: int, effective_ns: int, driver: str, version: str | None = "1") -> Record:
    """One that somebody has published."""
    envelope: dict[str, object] = {
        "scopeId": "sat",
        "lane": "metadata",
        "systemId": "s",
        "containerId": "c",
        "uniqueId": "u",
        "sourceTruthTime": timestamps.text(at_ns),
        "messageType": "DriverBinding",
        "targetId": STREAM.target_id,
        "targetLane": "parsed",
        "streamType": "Count",
        "driverId": driver.split("@")[0],
        "driverVersion": driver.split("@")[1],
        "effectiveTime": timestamps.text(effective_ns),
    }
    if version is not None:
        envelope["schemaVersion"] = version
    return Record(None, msgspec.json.encode(envelope), "b")


@contextmanager
def bound(
    archive: Archive, data: Path, timebase: Timebase, bindings: dict[int, Record]
) -> Iterator[BoundDrivers]:
    """What is bound by bindings that were stored at these canonical times."""
    now = [0]
    committer = Committer(archive, data, clock=lambda: now[0])
    for at_ns, one in bindings.items():
        now[0] = at_ns
        committer.add_batch("link", Batch([one]))
    committer.close_commit()
    view = ArchiveSnapshot(Archive.open_secondary(data, data / "scratch"))
    view.advance(committer.last_ns)
    found = BoundDrivers(view, REGISTRY, timebase)
    assert found.load(committer.last_ns) == {STREAM.target_id}
    assert found.load(committer.last_ns) == set()
    try:
        yield found
    finally:
        view.archive.close()


@pytest.mark.parametrize(
    ("timebase", "at", "name"),
    [
        ("source", 50, "csv@1.0.0"),  # before all of them: the earliest
        ("source", 100, "csv@1.0.0"),
        ("source", 199, "csv@1.0.0"),
        ("source", 200, "parquet@1.0.0"),
        ("source", 400, "gone@3.0.0"),
        ("canonical", 999, "jsonl@1.0.0"),  # before any was stored: what is selected
        ("canonical", 1_000, "csv@1.0.0"),
        ("canonical", 2_000, "parquet@1.0.0"),
        ("canonical", 3_099, "parquet@1.0.0"),  # the next was stored at 3,000, dated ahead by 100
        ("canonical", 3_100, "gone@3.0.0"),
    ],
)
def test_the_greatest_effective_time_counts(
    archive: Archive, tmp_path: Path, timebase: Timebase, at: int, name: str
) -> None:
    """And the choice holds exactly until the next."""
    bindings = {
        1_000: binding(100, 100, "csv@1.0.0"),
        2_000: binding(200, 200, "parquet@1.0.0", version=None),
        3_000: binding(300, 400, "gone@3.0.0"),
    }
    with bound(archive, tmp_path, timebase, bindings) as found:
        choice = found.choose(STREAM, at)
    assert choice.name == name
    assert choice.lower <= time_key(at) < choice.upper
    assert (choice.driver is None) == (name == "gone@3.0.0")
    if choice.driver is None:
        assert "gone@3.0.0 is not installed" in choice.reason


def test_of_two_at_one_time_the_last_in_order_counts(archive: Archive, tmp_path: Path) -> None:
    """AMB-37: the order is by eventId then, whichever came first."""
    two = [binding(100, 100, "csv@1.0.0"), binding(100, 100, "mcap@1.0.0")]
    last = max(two, key=lambda one: check(one.value).event_id)
    with bound(archive, tmp_path, "source", dict(zip((1, 2), two, strict=True))) as found:
        assert found.choose(STREAM, 100).name in last.value.decode().replace(
            '","driverVersion":"', "@"
        )


def test_one_driver_takes_what_it_can() -> None:
    """What it cannot take is said, with its name."""
    one = SingleDriver(REGISTRY.named("positionCsv"))
    assert one.choose(STREAM, 0).reason == "positionCsv@1.0.0 does not write parsed Count"
    assert one.choose(STREAM._replace(stream_type="Position"), 0).driver is not None
