"""The files of earlier versions of the host, taken over into its database: outbox logs in
`spool/LINK/KIND/` and the command journal `commands.jsonl`.

Each file is imported in one transaction that also records its path. Then the file is removed, and
then the path. So a host that is killed on the way continues with the next file, and none is
imported twice. Nothing is imported of what had been published.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nova.hardware import command_rows, outbox_rows
from nova.hardware.command_rows import CommandArrival, CommandStage
from nova.hardware.lost_records import LostRecords, PendingLoss, record_loss
from nova.sdk import durable
from nova.sdk.errors import NovaError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

SPOOL_FOLDER = "spool"
JOURNAL_FILE = "commands.jsonl"
SEGMENT_SUFFIX = ".spool"
CURSOR_FILE = "cursor"
_FRAME = struct.Struct(">II")
_CURSOR = struct.Struct(">QQI")

_log = logging.getLogger(__name__)


class _StoredRecord(msgspec.Struct, array_like=True):
    address: str | None
    value: bytes


class _ForgottenLine(
    msgspec.Struct, tag="forgotten", tag_field="stage", forbid_unknown_fields=True
):
    before_ns: int


class _ArrivalLine(msgspec.Struct, tag="came", tag_field="stage", forbid_unknown_fields=True):
    command_id: str
    request_id: str
    target: Entity
    command_type: str
    payload: JsonObject
    source_ns: int


class _StartLine(msgspec.Struct, tag="begun", tag_field="stage", forbid_unknown_fields=True):
    command_id: str


class _ResultLine(msgspec.Struct, tag="ended", tag_field="stage", forbid_unknown_fields=True):
    command_id: str
    address: str | None
    value: str


class _PublishedLine(msgspec.Struct, tag="told", tag_field="stage", forbid_unknown_fields=True):
    command_id: str


_JournalLine = _ForgottenLine | _ArrivalLine | _StartLine | _ResultLine | _PublishedLine
_line_decoder = msgspec.json.Decoder(_JournalLine)


def take_over(db: sqlite3.Connection, folder: Path) -> None:
    """Take over the files in a host's folder, if there are any. Raises NovaError if one cannot be
    read or imported.
    """
    db.execute("PRAGMA synchronous = FULL")
    try:
        _remove_imported(db, folder)
        for path in sorted(folder.glob(f"{SPOOL_FOLDER}/*/*/*{SEGMENT_SUFFIX}")):
            _import(db, folder, path)
        if (folder / JOURNAL_FILE).exists():
            _import(db, folder, folder / JOURNAL_FILE)
        _remove_folders(folder)
    except (OSError, sqlite3.Error) as error:
        raise NovaError(f"cannot take over the files of an earlier version: {error}") from error
    finally:
        db.execute("PRAGMA synchronous = NORMAL")


def _remove_imported(db: sqlite3.Connection, folder: Path) -> None:
    """Go on where a killed host stopped: between the import of a file and its removal."""
    for (name,) in db.execute("SELECT path FROM taken_over").fetchall():
        _remove(db, folder, name)


def _remove(db: sqlite3.Connection, folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        durable.sync_folder((folder / name).parent)
    db.execute("DELETE FROM taken_over WHERE path = ?", (name,))


def _remove_folders(folder: Path) -> None:
    """Remove the emptied folders of the outbox logs."""
    for outbox in folder.glob(f"{SPOOL_FOLDER}/*/*"):
        (outbox / CURSOR_FILE).unlink(missing_ok=True)
    for pattern in (f"{SPOOL_FOLDER}/*/*", f"{SPOOL_FOLDER}/*", SPOOL_FOLDER):
        for emptied in folder.glob(pattern):
            with contextlib.suppress(OSError):  # It holds a file of someone else.
                emptied.rmdir()


def _import(db: sqlite3.Connection, folder: Path, path: Path) -> None:
    name = path.relative_to(folder).as_posix()
    db.execute("BEGIN IMMEDIATE")
    try:
        if path.suffix == SEGMENT_SUFFIX:
            _import_segment(db, path)
        else:
            _import_journal(db, path)
        db.execute("INSERT INTO taken_over VALUES (?)", (name,))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    # The content is in the file itself before that of which it was made is removed.
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    _remove(db, folder, name)
    _log.info("taken over from an earlier version", extra={"context": {"file": name}})


# --- outbox logs ----------------------------------------------------------------------------------


def _import_segment(db: sqlite3.Connection, path: Path) -> None:
    """Import the records of a segment that are not published; the bytes from a damaged frame on are
    a loss.
    """
    link, kind = path.parts[-3:-1]
    published_segment, offset = _cursor(path.parent / CURSOR_FILE)
    if int(path.stem) < published_segment:
        return
    data = path.read_bytes()
    end = min(offset, len(data)) if int(path.stem) == published_segment else 0
    records: list[Record] = []
    for record, frame_end in _frames(data, end):
        records.append(record)
        end = frame_end
    numbers = outbox_rows.numbers_of(db, link, kind)
    first = outbox_rows.last_number(db, numbers) + 1
    outbox_rows.insert(db, first, list(outbox_rows.rows_of(records)))
    if end < len(data):
        lost = LostRecords("a damaged place in the buffer", None, len(data) - end)
        record_loss(db, PendingLoss(link, kind, lost))


def _cursor(path: Path) -> tuple[int, int]:
    """The segment and offset up to which records are published; zeros if they are not known."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        return 0, 0
    if len(stored) == _CURSOR.size:
        segment, offset, crc32 = _CURSOR.unpack(stored)
        if zlib.crc32(b"%d/%d" % (segment, offset)) == crc32:
            return segment, offset
    return 0, 0


def _frames(data: bytes, offset: int) -> Iterator[tuple[Record, int]]:
    """The records of undamaged frames from `offset` on, each with the end of its frame."""
    while offset + _FRAME.size <= len(data):
        size, crc32 = _FRAME.unpack_from(data, offset)
        offset += _FRAME.size
        body = data[offset : offset + size]
        offset += size
        if len(body) < size or zlib.crc32(body) != crc32:
            return
        try:
            stored = msgspec.msgpack.decode(body, type=_StoredRecord)
        except msgspec.DecodeError:
            return
        yield Record(stored.address, stored.value), offset


# --- the command journal --------------------------------------------------------------------------


def _import_journal(db: sqlite3.Connection, path: Path) -> None:
    """Import a journal. Its last line may be incomplete: no command was started by it."""
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            _import_line(db, _line_decoder.decode(line))
        except (ValueError, msgspec.DecodeError) as error:
            raise NovaError(
                f"{path} is damaged in line {number} ({error}): without it a command could be "
                "executed twice. Move it away to start without the journal"
            ) from None


def _import_line(db: sqlite3.Connection, line: _JournalLine) -> None:
    match line:
        case _ForgottenLine():
            command_rows.raise_forgotten(db, line.before_ns)
        case _ArrivalLine():
            arrival = CommandArrival(
                line.command_id,
                line.request_id,
                line.target,
                line.command_type,
                line.payload,
                line.source_ns,
            )
            command_rows.insert(db, None, arrival)
        case _StartLine():
            _set_stage(db, line.command_id, "begun")
        case _ResultLine():
            result = Record(line.address, line.value.encode())
            _set_stage(db, line.command_id, "ended", result)
        case _PublishedLine():
            _set_stage(db, line.command_id, "told")


def _set_stage(
    db: sqlite3.Connection, command_id: str, stage: CommandStage, result: Record | None = None
) -> None:
    if not command_rows.set_stage(db, command_id, stage, result):
        raise ValueError(f"no arrival of {command_id!r} before it")
