"""Daily files equal exports of the same days, whatever interrupted them (A-201…A-212, AMB-38)."""

from __future__ import annotations

import json
import logging
import random
import shutil
from pathlib import Path

import pytest

from nova.core.batch.zip_package import pack
from nova.core.files import daily_files, daily_files_state
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.files.file_folder import FileFolder
from nova.core.store.archive import Archive
from nova.core.utc_day import span_of
from nova.sdk.batch.range_messages import DriverOutput, RangeRequest
from nova.sdk.drivers.driver import DriverFile
from nova.sdk.protocol.messages import Filters
from tests.core.copying import copy_unchanged
from tests.core.filing import (
    DAYS,
    PREFERENCES,
    THIRD_DAY_NS,
    Filed,
    FilingClock,
    export_share,
    filed,
    opened,
    record,
    tree,
)


def exported(archive: Filed, day: str, target: Path) -> dict[str, bytes]:
    """The files of an export of a whole day in canonical time, in two shares."""
    start_ns, stop_ns = span_of(day)
    request = RangeRequest(
        start_ns=start_ns,
        stop_ns=stop_ns,
        timebase="canonical",
        filters=Filters(),
        watermark=archive.committer.last_ns,
    )
    target.mkdir()
    for share in range(2):
        output = DriverOutput(
            folder=str(target),
            preference=list(PREFERENCES["jsonl"]),
            share=share,
            shares=2,
            max_bytes=2**40,
        )
        other = Archive.open_secondary(archive.data, target / f"scratch{share}")
        export_share(archive.data, other, request, output)
        other.close()
    return tree(target / "files")


@pytest.mark.parametrize("driver", PREFERENCES)
def test_an_export_of_a_day_is_its_daily_files(driver: str, tmp_path: Path) -> None:
    """Byte for byte, for every driver, also after a crash at each of 20 places,
    and when the day is made anew.
    """
    dice = random.Random(driver)
    with filed(tmp_path, PREFERENCES[driver]) as archive:
        mark = archive.committer.last_ns
        for _ in range(20):
            files = archive.daily()
            steps = dice.randint(0, 6)
            for step, _ in enumerate(files.follow(mark - dice.randint(0, 10**12))):
                if dice.random() < 0.3:
                    files.save()
                if step >= steps:
                    break
            files.close()  # nothing is remembered: as if it had been killed
        files = archive.daily()
        list(files.follow(mark))
        files.close()
        for number, day in enumerate(DAYS):
            written = tree(archive.root / day)
            assert written == exported(archive, day, tmp_path / f"export{number}")
            assert any(driver_name(path) == driver for path in written)
            assert not rebuild_day_files(
                archive.view, archive.registry, archive.root, day, lambda _: None
            )
            assert tree(archive.root / day) == written


def driver_name(path: str) -> str:
    """The driver that has written a file, by its name."""
    if path.endswith("raw.bin"):
        return "rawBinary"
    return "positionCsv" if path.endswith("llas.csv") else path.rsplit(".", 1)[1]


def test_a_zip_of_the_same_files_is_the_same_bytes(tmp_path: Path) -> None:
    """AMB-43: whatever the order and the time of making it."""
    made = []
    for number, names in enumerate((["b/x", "a"], ["a", "b/x"])):
        folder = FileFolder(tmp_path / str(number))
        for name in names:
            folder.append(name, 0, name.encode())
        with (tmp_path / f"{number}.zip").open("wb+") as out:
            pack(folder, names, ("export.json", b"{}"), out)
        folder.close()
        made.append((tmp_path / f"{number}.zip").read_bytes())
    assert made[0] == made[1]


def test_files_that_lost_their_ends_are_written_anew(tmp_path: Path) -> None:
    """A power cut may lose unsynced bytes; the final files are still right."""
    with filed(tmp_path, PREFERENCES["jsonl"]) as archive:
        mark = archive.committer.last_ns
        files = archive.daily()
        list(files.follow(mark - 10**12))
        files.save()
        files.close()
        path = next((archive.root / files.state.day).rglob("*.jsonl"))
        path.write_bytes(path.read_bytes()[:-5])
        (path.parent / "stray").write_bytes(b"?")
        files = archive.daily()
        list(files.follow(mark))
        files.close()
        assert files.state.failures == 1
        assert tree(archive.root / DAYS[0]) == exported(archive, DAYS[0], tmp_path / "export")


TOUCHED = [
    *((damage, "more events") for damage in ("exchanged", "longer")),
    *(
        (damage, moment)
        for damage in ("cut", "removed", "folder removed")
        for moment in ("more events", "no more events", "restarted")
    ),
]


@pytest.mark.parametrize("driver", ["jsonl", "parquet"])
@pytest.mark.parametrize(("damage", "moment"), TOUCHED)
def test_files_that_somebody_touched_are_written_anew(
    tmp_path: Path, driver: str, damage: str, moment: str
) -> None:
    """Nothing is written behind a gap, whether more events come, or none, or the file is
    met after a restart; what was is kept aside, and it is counted.
    """
    with filed(tmp_path, PREFERENCES[driver]) as archive:
        mark = archive.committer.last_ns
        halfway = mark if moment == "no more events" else span_of(DAYS[0])[1] - 100 * 10**9
        files = daily_files.DailyFiles(
            archive.view, archive.registry, archive.root, save_interval_s=0.0
        )
        list(files.follow(halfway))
        files.save()
        day = archive.root / files.state.day
        touch(next(path for path in sorted(day.rglob("*")) if path.is_file()), damage, day)
        if moment == "restarted":
            files.close()
            files = archive.daily()
        list(files.follow(mark))
        assert files.state.failures == 1
        assert "rewriting" in files.state.last_failure
        list(files.follow(mark))
        files.save()
        assert files.state.failures == 1
        files.close()
        if damage != "folder removed":
            assert (archive.root / "replaced-1" / day.name).is_dir()
        undisturbed = daily_files.DailyFiles(
            archive.view, archive.registry, tmp_path / "undisturbed"
        )
        list(undisturbed.follow(mark))
        undisturbed.close()
        for name in {*DAYS, day.name}:
            assert tree(archive.root / name) == tree(tmp_path / "undisturbed" / name)


def touch(path: Path, damage: str, day: Path) -> None:
    """What somebody does to a file of a day that is being written."""
    body = path.read_bytes()
    if damage == "cut":
        path.write_bytes(body[:-5])
    elif damage == "removed":
        path.unlink()
    elif damage == "exchanged":
        path.unlink()
        path.write_bytes(b"?" * len(body))
    elif damage == "longer":
        path.write_bytes(body + b"x")
    else:
        shutil.rmtree(day)


def test_a_day_that_is_being_completed_is_not_completed_of_less(tmp_path: Path) -> None:
    """A file that was cut while nothing ran, after the last event of its day."""
    with filed(tmp_path, PREFERENCES["parquet"]) as archive:
        mark = archive.committer.last_ns
        files = archive.daily()
        for _ in files.follow(mark):
            if files.state.is_closing:
                break
        files.close()
        day = archive.root / files.state.day
        for path in day.rglob("*.events"):
            path.write_bytes(path.read_bytes()[:-5])
        files = archive.daily()
        assert files.state.failures == 1
        list(files.follow(mark))
        files.close()
        assert tree(archive.root / DAYS[0]) == exported(archive, DAYS[0], tmp_path / "export")


def test_a_driver_that_fails_stops_its_own_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-204: logged, counted, tried once more when the day is over; all other files are whole."""
    from nova.core.drivers.json_lines import JsonLines

    write = JsonLines.write

    def failing(self: JsonLines, events: list[bytes], file: DriverFile) -> object:
        if any(
            b'"uniqueId":"u0"' in event and b'"messageType":"Count"' in event for event in events
        ):
            raise ValueError("cannot")
        return write(self, events, file)

    with filed(tmp_path, PREFERENCES["jsonl"]) as archive:
        monkeypatch.setattr(JsonLines, "write", failing)
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.close()
        names = set(tree(archive.root / DAYS[0]))
        assert files.state.failures > 0
        assert "cannot" in files.state.last_failure
        monkeypatch.undo()
        whole = exported(archive, DAYS[0], tmp_path / "export")
        assert names < set(whole)
        assert {path for path in whole if "parsed.Count" not in path} <= names
        assert not rebuild_day_files(
            archive.view, archive.registry, archive.root, DAYS[0], lambda _: None
        )
        assert tree(archive.root / DAYS[0]) == whole


@pytest.mark.parametrize("kind", ["missing", "cut", "changed", "another", "empty"])
def test_files_whose_state_is_damaged_are_written_anew(tmp_path: Path, kind: str) -> None:
    """Up to where they go nobody knows, so nothing is left out and nothing is lost: what
    was is kept aside, and the failure is counted and said.
    """
    with filed(tmp_path, PREFERENCES["jsonl"]) as archive:
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.save()
        files.close()
        before, path = tree(archive.root), archive.root / daily_files_state.STATE_FILE
        whole = path.read_bytes()
        cursor = str(files.state.cursor_ns).encode()
        later = str(files.state.cursor_ns + 10**12).encode()
        damaged = {
            "cut": whole[:20],
            "changed": whole.replace(cursor, later),
            "another": json.dumps([1]).encode(),
            "empty": b"{}",
        }
        if kind == "missing":
            path.unlink()
        else:
            path.write_bytes(damaged[kind])
        files = archive.daily()
        assert files.state.failures == 1
        assert "rewriting all days, the old ones were moved to" in files.state.last_failure
        list(files.follow(archive.committer.last_ns))
        files.save()
        files.close()
        after = tree(archive.root)
        aside = {name: body for name, body in after.items() if name.startswith("replaced-1/")}
        days = {name: body for name, body in before.items() if name != daily_files_state.STATE_FILE}
        assert {name.removeprefix("replaced-1/"): body for name, body in aside.items()} == days
        assert {name: after[name] for name in days} == days


def test_files_of_another_archive_are_begun_anew(tmp_path: Path) -> None:
    """The state belongs to the archive whose first event it names."""
    with filed(tmp_path, PREFERENCES["jsonl"]) as archive:
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.state.origin = "00" * 12
        files.save()
        files.close()
        before = tree(archive.root / DAYS[0])
        files = archive.daily()
        assert files.state.day == ""
        list(files.follow(archive.committer.last_ns))
        files.close()
        assert tree(archive.root / DAYS[0]) == before


HOUR_NS = 3_600 * 10**9
LATER_DAYS = ("2026-01-28", "2026-01-29", "2026-01-30")


def written(archive: Filed) -> dict[str, dict[str, bytes]]:
    """What is in the days' folders once all that is durable is written."""
    files = archive.daily()
    archive.view.advance(archive.committer.last_ns)
    list(files.follow(archive.committer.last_ns))
    files.save()
    files.close()
    return {path.name: tree(path) for path in archive.root.iterdir() if path.is_dir()}


def put_back(archive: Filed, data: Path) -> None:
    """Copy an archive as it is, without its files."""
    copy_unchanged(archive.data / "truth", data / "truth", "LOCK")


def test_files_of_a_later_state_of_an_archive_are_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An archive was put back from a copy and took other events, some before the cursor: the files
    become those of the archive as it is, and what it lacks is kept aside (A-201, invariant 7).
    """
    copy, fresh = tmp_path / "copy", tmp_path / "fresh"
    with filed(tmp_path / "one", PREFERENCES["jsonl"]) as one:
        put_back(one, copy)
        for number, day_ns in enumerate((0, 24 * HOUR_NS, 48 * HOUR_NS)):
            first = 1_000 + 20 * number
            records = [record(n, THIRD_DAY_NS + n) for n in range(first, first + 20)]
            one.take(records, THIRD_DAY_NS + HOUR_NS + day_ns)
        lost = written(one)
        one.root.rename(copy / "files")
    assert set(lost) == {*DAYS, *LATER_DAYS}
    first_day = (copy / "files" / DAYS[0]).stat().st_ino
    with opened(copy, PREFERENCES["jsonl"], FilingClock(THIRD_DAY_NS)) as archive:
        for number, day_ns in enumerate((0, 24 * HOUR_NS)):
            first = 2_000 + 20 * number
            records = [record(n, THIRD_DAY_NS + n) for n in range(first, first + 20)]
            archive.take(records, THIRD_DAY_NS + 2 * HOUR_NS + day_ns)
        put_back(archive, fresh)
        with caplog.at_level(logging.WARNING, "nova.core.files.daily_files"):
            found = written(archive)
        assert "events that the archive does not" in caplog.text
        aside = found.pop("replaced-1")
        assert (archive.root / DAYS[0]).stat().st_ino == first_day, "it was written again"
        caplog.clear()
        assert set(written(archive)) == {*found, "replaced-1"}
        assert not caplog.records
    with opened(fresh, PREFERENCES["jsonl"], FilingClock(THIRD_DAY_NS + 96 * HOUR_NS)) as archive:
        assert written(archive) == found
    assert set(found) == {*DAYS, *LATER_DAYS[:2]}
    for day in (DAYS[1], *LATER_DAYS):
        assert {path: aside[f"{day}/{path}"] for path in lost[day]} == lost[day]


def test_files_of_an_archive_put_back_to_before_all_that_is_remembered(tmp_path: Path) -> None:
    """Not one end is held any more, as of a state that a version without them has begun."""
    copy = tmp_path / "copy"
    with filed(tmp_path / "one", PREFERENCES["jsonl"]) as one:
        put_back(one, copy)
        before = written(one)
        one.take([record(1_001, THIRD_DAY_NS)], THIRD_DAY_NS + HOUR_NS)
        written(one)
        state = daily_files_state.read_state(one.root)
        state.ends = state.ends[-1:]
        daily_files_state.write_state(one.root, state)
        one.root.rename(copy / "files")
    with opened(copy, PREFERENCES["jsonl"], FilingClock(THIRD_DAY_NS)) as archive:
        found = written(archive)
    assert found.pop("replaced-1") != {}
    assert found == before


def test_a_state_of_a_version_that_kept_no_ends_is_gone_on_with(tmp_path: Path) -> None:
    """Nothing is rewritten, and day watermarks are stored from the next event on."""
    with filed(tmp_path, PREFERENCES["jsonl"]) as archive:
        written(archive)
        path = archive.root / daily_files_state.STATE_FILE
        old = json.loads(path.read_bytes())
        assert len(old.pop("ends")) == 3
        assert old.pop("checksum")
        path.write_text(json.dumps(old))
        archive.take([record(1_001, THIRD_DAY_NS)], THIRD_DAY_NS + HOUR_NS)
        assert set(written(archive)) == {*DAYS, LATER_DAYS[0]}
        assert len(daily_files_state.read_state(archive.root).ends) == 1
