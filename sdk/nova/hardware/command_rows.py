"""The rows of the command journal in the host's database."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, cast

import msgspec

from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

FORGOTTEN_BEFORE_NS = "forgotten before ns"

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


def load(db: sqlite3.Connection) -> Iterator[CommandRow]:
    """All commands in the order of their arrival."""
    query = "SELECT number, arrival, stage, address, result FROM command ORDER BY number"
    for number, content, stage, address, result in db.execute(query):
        arrival = msgspec.json.decode(content, type=CommandArrival)
        record = None if result is None else Record(address, result)
        yield CommandRow(number, arrival, cast(CommandStage, stage), record)


def insert(db: sqlite3.Connection, number: int | None, arrival: CommandArrival) -> None:
    """Store a new command; None gives it the next number. One that is stored stays as it is."""
    content = msgspec.json.encode(arrival)
    db.execute(
        "INSERT OR IGNORE INTO command (number, command_id, crc32, arrival, stage) "
        "VALUES (?, ?, ?, ?, 'came')",
        (number, arrival.command_id, zlib.crc32(content), content),
    )


def set_stage(
    db: sqlite3.Connection, command_id: str, stage: CommandStage, result: Record | None = None
) -> bool:
    """Store the stage that a command has reached; False if the command is not stored."""
    changed = db.execute(
        "UPDATE command SET stage = ?, address = ?, result = ? WHERE command_id = ?",
        (stage, result and result.address, result and result.value, command_id),
    )
    return changed.rowcount > 0


def delete(db: sqlite3.Connection, numbers: Iterable[int]) -> None:
    db.executemany("DELETE FROM command WHERE number = ?", [(number,) for number in numbers])


def forgotten_before_ns(db: sqlite3.Connection) -> int | None:
    """The time before which commands may have been deleted; None if none was."""
    query = "SELECT value FROM state WHERE name = ?"
    found = db.execute(query, (FORGOTTEN_BEFORE_NS,)).fetchone()
    return None if found is None else int(found[0])


def raise_forgotten(db: sqlite3.Connection, before_ns: int) -> None:
    """Store that commands before a time may have been deleted; it never goes back."""
    db.execute(
        "INSERT INTO state VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        (FORGOTTEN_BEFORE_NS, before_ns),
    )
