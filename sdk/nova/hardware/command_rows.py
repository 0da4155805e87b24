"""The rows of the command journal in the host's database."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from typing import Literal, NamedTuple, cast

import msgspec

from nova.hardware import state_rows
from nova.hardware.damage import DamagedError, stored_values
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

FORGOTTEN_BEFORE_NS = "forgotten before ns"
_encoder = msgspec.msgpack.Encoder()

CommandStage = Literal["came", "begun", "ended", "told"]


class CommandArrival(msgspec.Struct, frozen=True):
    """A command as it arrived."""

    command_id: str
    request_id: str
    target: Entity
    command_type: str
    payload: JsonObject
    source_ns: int


class CommandRow(NamedTuple):
    """A command of an earlier process; a result that is published is not kept."""

    number: int
    arrival: CommandArrival
    stage: CommandStage
    result: Record | None


@stored_values()
def load(db: sqlite3.Connection) -> list[CommandRow]:
    """All commands in the order of their arrival."""
    query = """SELECT number, crc32, command_id, arrival, stage, address, result FROM command
        ORDER BY number"""
    return [_row(number, crc32, *stored) for number, crc32, *stored in db.execute(query)]


def _row(
    number: int,
    crc32: int,
    command_id: str,
    content: bytes,
    stage: str,
    address: str | None,
    result: bytes | None,
) -> CommandRow:
    if checksum(command_id, content, stage, address, result) != crc32:
        raise DamagedError(f"command {number} does not match its checksum")
    arrival = msgspec.json.decode(content, type=CommandArrival)
    record = None if result is None else Record(address, result)
    return CommandRow(number, arrival, cast(CommandStage, stage), record)


def checksum(
    command_id: str, arrival: bytes, stage: str, address: str | None, result: bytes | None
) -> int:
    """The checksum of a command's row."""
    return zlib.crc32(_encoder.encode((command_id, arrival, stage, address, result)))


def insert(db: sqlite3.Connection, number: int | None, arrival: CommandArrival) -> None:
    """Store a new command; None gives it the next number. One that is stored stays as it is."""
    content = msgspec.json.encode(arrival)
    crc32 = checksum(arrival.command_id, content, "came", None, None)
    db.execute(
        "INSERT OR IGNORE INTO command (number, command_id, crc32, arrival, stage) "
        "VALUES (?, ?, ?, ?, 'came')",
        (number, arrival.command_id, crc32, content),
    )


def set_stage(
    db: sqlite3.Connection, command_id: str, stage: CommandStage, result: Record | None = None
) -> bool:
    """Store the stage that a command has reached; False if the command is not stored."""
    query = "SELECT arrival FROM command WHERE command_id = ?"
    found = db.execute(query, (command_id,)).fetchone()
    if found is None:
        return False
    address, value = (None, None) if result is None else (result.address, result.value)
    crc32 = checksum(command_id, found[0], stage, address, value)
    db.execute(
        "UPDATE command SET crc32 = ?, stage = ?, address = ?, result = ? WHERE command_id = ?",
        (crc32, stage, address, value, command_id),
    )
    return True


def suppose_begun(db: sqlite3.Connection) -> None:
    """Mark the commands of which no start is stored as started: it is unknown whether they were."""
    for (command_id,) in db.execute(
        "SELECT command_id FROM command WHERE stage = 'came'"
    ).fetchall():
        set_stage(db, command_id, "begun")


def delete(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    db.executemany("DELETE FROM command WHERE number = ?", [(number,) for number in numbers])


def forgotten_before_ns(db: sqlite3.Connection) -> int | None:
    """The time before which commands may have been deleted; None if none was."""
    return state_rows.find(db, FORGOTTEN_BEFORE_NS)


def raise_forgotten(db: sqlite3.Connection, before_ns: int) -> None:
    """Store that commands before a time may have been deleted; it never goes back."""
    stored = forgotten_before_ns(db)
    state_rows.store(
        db, FORGOTTEN_BEFORE_NS, before_ns if stored is None else max(stored, before_ns)
    )
