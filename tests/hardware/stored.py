"""What lies in the database of a host, read beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from nova.hardware.database_file import FILE_NAME
from nova.hardware.outbox_rows import NUMBER_BITS


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """The answer to a query; nothing before there is a database."""
    if not (folder / FILE_NAME).exists():
        return []
    with closing(sqlite3.connect(folder / FILE_NAME, timeout=20)) as db:
        return db.execute(query).fetchall()


def stages(folder: Path) -> dict[str, str]:
    """The stage that each command has reached."""
    found = rows(folder, "SELECT command_id, stage FROM command ORDER BY number")
    return {str(command_id): str(stage) for command_id, stage in found}


def stored_bytes(folder: Path, kind: str) -> int:
    """The size of what the outboxes of a kind hold."""
    query = f"""SELECT total(length(content)) FROM batch JOIN outbox
        ON number >> {NUMBER_BITS} = outbox.id WHERE kind = '{kind}'"""
    return sum(int(str(size).split(".")[0]) for (size,) in rows(folder, query))
