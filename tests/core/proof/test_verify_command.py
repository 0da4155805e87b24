"""`nova verify`: names the first event that is missing, added or changed, by id, time and place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from nova.core.proof.verify_command import VerifySummary
from nova.core.store.archive import Archive
from nova.core.store.catalog import request_key
from nova.core.store.index_rows import INDEX_FAMILIES
from nova.core.store.keys import event_id_of
from nova.core.store.rollup import ROLLUP_PREFIX
from nova.core.store.roots_file import roots_path
from nova.core.store.row_reader import RowReader
from nova.sdk import timestamps
from tests.command_here import command_here
from tests.core.conftest import Make
from tests.core.derived.sealing import DAY_NS, HOUR_NS, SealedArchive

Change = Callable[[Archive], None]
EVENTS = 12
PLACE = 5
"""The event that is changed."""


@pytest.fixture
async def sealed_day(tmp_path: Path, record: Make) -> Path:
    """A closed archive of one sealed day."""
    made = SealedArchive(tmp_path / "archive")
    made.put(DAY_NS, [record(number, lane="raw") for number in range(EVENTS)])
    made.clock.ns = DAY_NS + 30 * HOUR_NS
    await made.seal_all()
    made.close()
    return made.data


def summary(data: Path, *arguments: str) -> VerifySummary:
    """What the command prints; the exit status says the same."""
    done = command_here("verify", "--data", str(data), "--json", *arguments)
    found = msgspec.json.decode(done.stdout, type=VerifySummary)
    assert done.returncode == (0 if found.is_whole else 1)
    assert found.is_whole == (not found.findings)
    return found


def changed(data: Path, change: Change) -> bytes:
    """Change the archive; returns the eventId of the event at PLACE."""
    archive = Archive.open_primary(data)
    rows = list(archive.events.scan("canonical"))
    change(archive)
    archive.sync()
    archive.close()
    return event_id_of(rows[PLACE][1])


def put(archive: Archive, family: str, key: bytes, value: bytes | None) -> None:
    batch = archive.batch()
    handle = batch._handles[family]  # noqa: SLF001
    if value is None:
        batch.raw.delete(key, handle)
    else:
        batch.raw.put(key, value, handle)
    archive.write(batch)


def row_of(archive: Archive, family: str, place: int = PLACE) -> tuple[bytes, bytes]:
    rows = RowReader(archive).blocks(family, b"", b"\xff" * 64)
    return list(chain.from_iterable(rows))[place]


def without(family: str) -> Change:
    """Remove the row at PLACE of a family."""
    return lambda archive: put(archive, family, row_of(archive, family)[0], None)


def test_a_whole_archive_is_whole(sealed_day: Path) -> None:
    """In one process, in two, and one day of it; for people it is one line."""
    roots = ("--roots", str(roots_path(sealed_day)))
    for arguments in ((*roots, "--processes", "1"), ("--processes", "2"), ("--day", "2026-01-01")):
        found = summary(sealed_day, *arguments)
        assert found.is_whole and (found.sealed_days, found.last_sealed_day) == (1, "2026-01-01")
        assert found.events == EVENTS + (arguments[0] != "--day")
    done = command_here("verify", "--data", str(sealed_day), "--processes", "1")
    assert done.stdout.startswith(b"whole: 13 events on 2 days, sealed up to 2026-01-01")


def test_the_event_is_named(sealed_day: Path, tmp_path: Path) -> None:
    """Whatever row of it is gone, and whichever is changed."""

    def other_bytes(archive: Archive) -> None:
        key, stored = row_of(archive, "canonical")
        put(archive, "canonical", key, stored.replace(b'"bytes":"AAAA', b'"bytes":"AAAB'))

    changes: list[tuple[str, str, Change]] = [
        ("changed", "canonical", other_bytes),
        ("missing", "source", without("canonical")),
        *(("missing", family, without(family)) for family in INDEX_FAMILIES),
    ]
    for number, (kind, place, change) in enumerate(changes):
        data = tmp_path / str(number)
        shutil.copytree(sealed_day, data)
        event_id = changed(data, change).hex()
        at = timestamps.text(DAY_NS + PLACE)
        for arguments in ((), ("--day", "2026-01-01")):
            found = summary(data, "--processes", "1", *arguments)
            named = [(one.kind, one.place, one.event_id, one.time) for one in found.findings]
            if arguments and number == 1:
                assert [one.kind for one in found.findings] == ["missing"]  # of its group
            else:
                assert (kind, place, event_id, at) in named, (named, arguments)


def test_records_of_the_catalog_are_compared(sealed_day: Path, tmp_path: Path) -> None:
    """Counts, requests and what this version does not know."""
    unknown = {
        b"more/things": b"added: (catalog more/things): this version knows no such record",
        request_key("sat", "r1"): b"added: (catalog request/sat/r1): no CommandRequest has it",
        b"position/link": b"changed: (catalog position/link): it cannot be read",
        ROLLUP_PREFIX + b"c" + bytes((27,)) + b"sat/" + bytes(8): b"added: at 1677-09-21T",
    }
    for number, (key, line) in enumerate(unknown.items()):
        data = tmp_path / str(number)
        shutil.copytree(sealed_day, data)
        changed(data, partial(put, family="catalog", key=key, value=b"\x01" * 41))
        done = command_here("verify", "--data", str(data), "--processes", "1")
        assert done.returncode == 1
        assert line in done.stdout, done.stdout


def test_bad_requests_have_one_clear_error(sealed_day: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("--day", "yesterday"), b"'yesterday' is not YYYY-MM-DD"),
        (("--roots", str(tmp_path / "none")), b"does not exist"),
        (("--data", str(tmp_path / "none")), b"there is no archive in"),
    ):
        done = command_here("verify", "--data", str(sealed_day), *arguments)
        assert done.returncode != 0 and message in done.stderr
