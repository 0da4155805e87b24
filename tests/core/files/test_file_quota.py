"""However many streams there are, a day has a bounded number of files, and nothing is missing."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from nova.core.files.daily_files import DailyFiles
from nova.core.files.daily_files_state import read_state
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.files.files_command import files as files_command
from nova.core.server.instance_status import files_health
from nova.core.store.archive import Archive
from nova.core.utc_day import span_of
from nova.recordings.export_reader import READABLE
from nova.sdk.batch.range_messages import DriverOutput, RangeRequest
from nova.sdk.endpoints import is_shared_file
from nova.sdk.protocol.messages import Filters
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Record
from tests.core.filing import (
    MIDNIGHT_NS,
    THIRD_DAY_NS,
    Filed,
    FilingClock,
    export_share,
    opened,
    tree,
)
from tests.core.filing import record as filed_record

FILES_MAX = 24
SYSTEMS, UNITS, ROUNDS = 12, 5, 3
DAY = "2026-01-27"
PREFERENCE = ("rawBinary", "positionCsv", "csv", "jsonl")


def arrivals() -> list[Record]:
    """Events of many streams, all streams in each round."""
    found = []
    for number in range(ROUNDS * SYSTEMS * UNITS):
        system, unit = number % SYSTEMS, number // SYSTEMS % UNITS
        members = msgspec.json.decode(filed_record(number, MIDNIGHT_NS + number).value)
        members |= {"systemId": f"s{system}", "containerId": "c", "uniqueId": f"u{unit}"}
        found.append(Record(None, msgspec.json.encode(members)))
    return found


@contextmanager
def crowded(data: Path, preference: tuple[str, ...]) -> Iterator[Filed]:
    """An archive with a day of many streams that is over."""
    records, clock = arrivals(), FilingClock(MIDNIGHT_NS)
    with opened(data, preference, clock) as archive:
        for start in range(0, len(records), 9):
            archive.take(records[start : start + 9], clock.now_ns)
        archive.take([filed_record(0, THIRD_DAY_NS)], THIRD_DAY_NS)
        archive.view.advance(archive.committer.last_ns)
        yield archive


def writing(archive: Filed, root: Path) -> DailyFiles:
    return DailyFiles(archive.view, archive.registry, root, files_max=FILES_MAX)


def exported(archive: Filed, target: Path) -> dict[str, bytes]:
    """The files of an export of the day, in two shares."""
    start_ns, stop_ns = span_of(DAY)
    request = RangeRequest(
        start_ns=start_ns, stop_ns=stop_ns, timebase="canonical", filters=Filters(),
        watermark=archive.committer.last_ns,
    )  # fmt: skip
    target.mkdir()
    for share in range(2):
        output = DriverOutput(
            folder=str(target), preference=list(PREFERENCE), share=share, shares=2,
            max_bytes=2**40, files_max=FILES_MAX,
        )  # fmt: skip
        other = Archive.open_secondary(archive.data, target / f"scratch{share}")
        export_share(archive.data, other, request, output)
        other.close()
    return tree(target / "files")


def test_streams_beyond_the_quota_share_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """40,000 series made 120,000 files of 480 MB beside 48 MB of truth. A day and an export of it
    are equal, after a crash at any place, and when the day is written again.
    """
    dice = random.Random(9)
    with crowded(tmp_path, PREFERENCE) as archive:
        mark = archive.committer.last_ns
        for _ in range(8):
            files = writing(archive, archive.root)
            for step, _ in enumerate(files.follow(mark)):
                if dice.random() < 0.5:
                    files.save()
                if step >= 1:
                    break
            files.close()
        with caplog.at_level(logging.WARNING, "nova.core.files.daily_files"):
            files = writing(archive, archive.root)
            list(files.follow(mark))
            files.close()
        found = tree(archive.root / DAY)
        own = [path for path in found if not is_shared_file(path)]
        assert len(own) <= FILES_MAX * 3 // 4 and len(found) <= FILES_MAX + len(PREFERENCE) + 1
        names = {path.rpartition("/")[2] for path in found if is_shared_file(path)}
        assert names >= {"shared.csv.jsonl", "shared.rawBinary.jsonl"}
        assert any(path.count("/") == 2 for path in found if is_shared_file(path))
        assert found == exported(archive, tmp_path / "export")
        rebuild_day_files(
            archive.view, archive.registry, archive.root, DAY, lambda _: None, files_max=FILES_MAX
        )
        assert tree(archive.root / DAY) == found


def test_every_event_is_in_one_file_and_in_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And all of them can be imported; that the quota is used up is said once."""
    with crowded(tmp_path, ("jsonl",)) as archive:
        start_ns, stop_ns = span_of(DAY)
        stored = [
            value
            for key, value in archive.archive.events.scan("canonical")
            if start_ns <= int.from_bytes(key[:8], "big") - 2**63 <= stop_ns
        ]
        files = writing(archive, archive.root)
        with caplog.at_level(logging.WARNING, "nova.core.files.daily_files"):
            for _ in files.follow(span_of(DAY)[1]):
                files.save()
        assert caplog.text.count("`files_max` allows") == 1
        shared = read_state(archive.root).shared_files()
        result = CliRunner().invoke(files_command, ["status", "--data", str(tmp_path)])
        assert shared > 2 and f"{shared} of them are shared by streams" in result.stdout
        status = files_health(Settings(data=str(tmp_path), mode="ground"))
        assert sum(is_shared_file(file.parts[0]) for file in status.files) == shared
        files.close()
        found = tree(archive.root / DAY)
        lines = [line for content in found.values() for line in content.splitlines()]
        assert sorted(lines) == sorted(stored)
        for path, content in found.items():
            assert path.endswith(READABLE)
            times = [line[-33:] for line in content.splitlines()]
            assert times == sorted(times)
            bindings = [b'"DriverBinding"' in line for line in content.splitlines()]
            assert all(bindings) or not any(bindings)
            assert all(bindings) == path.endswith("metadata.DriverBinding.jsonl")


def test_few_streams_have_files_of_their_own(tmp_path: Path) -> None:
    """As they always had."""
    with crowded(tmp_path, ("jsonl",)) as archive:
        files = DailyFiles(archive.view, archive.registry, archive.root)
        list(files.follow(archive.committer.last_ns))
        files.close()
        assert not any(map(is_shared_file, tree(archive.root / DAY)))
        assert read_state(archive.root).shared_files() == 0
