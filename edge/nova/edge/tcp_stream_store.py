"""The definitions of TCP streams, in the edge's database. Who reads a stream and whose timeline it
follows is in none: that ends with the edge.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nova.edge.actor import Actor
from nova.edge.admin_action import record_action
from nova.edge.edge_database import EdgeStore
from nova.edge.sqlite_file import transaction
from nova.edge.tcp_limits import TcpLimits
from nova.sdk.errors import ProtocolError
from nova.sdk.events.audit_entry import ActorKind
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition

STREAM_ID_BYTES = 6
TOO_MANY = "the archive has {} TCP streams, the limit is {}: delete one that is not needed"
TOO_MANY_OWN = (
    "{!r} has created {} TCP streams, the limit of each creator is {}: delete one that is not "
    "needed"
)

_COLUMNS = "id, definition, enabled, created, created_by, creator_kind, creator_id"
_decoder = msgspec.json.Decoder(TcpStreamDefinition)
_Row = tuple[str, str, int, float, str, ActorKind, str]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredStream:
    """A TCP stream as it is kept; `created` in seconds since 1970. A Unix user of this machine
    (`local`) may create streams too, and has no `creator_id`: the id of the user or key, so that a
    later one of the same name has nothing of the stream.
    """

    id: str
    definition: TcpStreamDefinition
    enabled: bool
    created: float
    created_by: str
    creator_kind: ActorKind
    creator_id: str = ""


class TcpStreamStore(EdgeStore):
    """The TCP streams of one data folder; all edges and `nova streams` share the file.

    Each change is recorded for audit in its transaction, with who makes it.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        limits: TcpLimits | None = None,
    ) -> None:
        super().__init__(folder)
        self._clock = clock
        self._limits = limits or TcpLimits()
        self._unreadable: set[str] = set()

    def add(
        self,
        definition: TcpStreamDefinition,
        by: Actor,
        creator_id: str = "",
        *,
        enabled: bool,
    ) -> StoredStream:
        """Add a stream; raises ProtocolError if another one has its name or port, or if there are
        as many as there may be.
        """
        stream_id = secrets.token_hex(STREAM_ID_BYTES)
        with transaction(self._db):
            self._require_free(definition, stream_id)
            self._require_room(by, creator_id)
            self._db.execute(
                f"INSERT INTO streams (name, port, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    definition.name,
                    definition.port,
                    stream_id,
                    _text(definition),
                    enabled,
                    self._clock(),
                    by.name,
                    by.kind,
                    creator_id,
                ),
            )
            stream = self._read(stream_id)
            assert stream is not None
            record_action(self._db, by, "createTcpStream", definition.name, None, _members(stream))
        return stream

    def replace(
        self, stream_id: str, definition: TcpStreamDefinition, by: Actor
    ) -> StoredStream | None:
        """Replace a stream's definition; None if there is no such stream. Raises ProtocolError if
        another one has its name or port.
        """
        with transaction(self._db):
            before = self._read(stream_id)
            if before is None:
                return None
            self._require_free(definition, stream_id)
            self._db.execute(
                "UPDATE streams SET name = ?, port = ?, definition = ? WHERE id = ?",
                (definition.name, definition.port, _text(definition), stream_id),
            )
            return self._record("editTcpStream", before, by)

    def set_enabled(self, stream_id: str, enabled: bool, by: Actor) -> StoredStream | None:
        """Start or stop a stream, also for later starts; None if there is no such stream."""
        with transaction(self._db):
            before = self._read(stream_id)
            if before is None:
                return None
            self._db.execute("UPDATE streams SET enabled = ? WHERE id = ?", (enabled, stream_id))
            return self._record("startTcpStream" if enabled else "stopTcpStream", before, by)

    def delete(self, stream_id: str, by: Actor) -> bool:
        """Delete a stream, also one that this program cannot read; False if there is none."""
        with transaction(self._db):
            before = self._read(stream_id)
            deleted = self._db.execute(
                "DELETE FROM streams WHERE id = ? RETURNING name", (stream_id,)
            ).fetchone()
            if deleted is None:
                return False
            members = None if before is None else _members(before)
            record_action(self._db, by, "deleteTcpStream", deleted[0], members)
        return True

    def record_tie(self, stream: StoredStream, by: Actor, *, tied: bool) -> None:
        """Record that somebody has tied or untied a stream, of which nothing is kept."""
        action = "tieTcpStream" if tied else "untieTcpStream"
        with transaction(self._db):
            record_action(self._db, by, action, stream.definition.name)

    def get(self, stream_id: str) -> StoredStream | None:
        return self._read(stream_id)

    def id_of(self, name: str) -> str | None:
        """The id of the stream with a name, also of one that this program cannot read."""
        row = self._db.execute("SELECT id FROM streams WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def list_streams(self) -> list[StoredStream]:
        """All streams by name, but for those that a newer program has written in its own way."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM streams ORDER BY name")
        return [stream for row in rows if (stream := self._stream(row)) is not None]

    def _read(self, stream_id: str) -> StoredStream | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM streams WHERE id = ?", (stream_id,)
        ).fetchone()
        return None if row is None else self._stream(row)

    def _stream(self, row: _Row) -> StoredStream | None:
        """The stream of a row; None, and logged once, if this program cannot read it."""
        stream_id, definition, enabled, created, created_by, kind, creator_id = row
        try:
            decoded = _decoder.decode(definition)
        except msgspec.DecodeError as error:
            if stream_id not in self._unreadable:
                self._unreadable.add(stream_id)
                context = {"stream": stream_id, "why": str(error)}
                log.error("TCP stream left out: upgrade NOVA", extra={"context": context})
            return None
        return StoredStream(
            stream_id, decoded, bool(enabled), created, created_by, kind, creator_id
        )

    def _require_free(self, definition: TcpStreamDefinition, stream_id: str) -> None:
        rows = self._db.execute(
            "SELECT name, port FROM streams WHERE id != ? AND (name = ? OR port = ?) ORDER BY name",
            (stream_id, definition.name, definition.port),
        ).fetchall()
        for name, _ in rows:
            if name == definition.name:
                raise ProtocolError("nameTaken", f"a stream named {name!r} exists already")
        for name, port in rows:
            raise ProtocolError("portTaken", f"port {port} belongs to the stream {name!r}")

    def _require_room(self, by: Actor, creator_id: str) -> None:
        """Raise ProtocolError `tooManyTcpStreams` unless one more may be added. A Unix user of this
        machine has no id but the name.
        """
        (count,) = self._db.execute("SELECT count(*) FROM streams").fetchone()
        if count >= (most := self._limits.streams_max):
            raise ProtocolError("tooManyTcpStreams", TOO_MANY.format(count, most))
        creator = (by.kind, creator_id, by.name)
        (count,) = self._db.execute(
            "SELECT count(*) FROM streams WHERE (creator_kind, creator_id, created_by) = (?, ?, ?)",
            creator,
        ).fetchone()
        if count >= (most := self._limits.streams_per_creator_max):
            raise ProtocolError("tooManyTcpStreams", TOO_MANY_OWN.format(by.name, count, most))

    def _record(self, action: str, before: StoredStream, by: Actor) -> StoredStream:
        after = self._read(before.id)
        assert after is not None
        name = before.definition.name
        record_action(self._db, by, action, name, _members(before), _members(after))
        return after


def _text(definition: TcpStreamDefinition) -> str:
    return msgspec.json.encode(definition).decode()


def _members(stream: StoredStream) -> JsonObject:
    """What the audit trail says of a stream: its definition, and whether it is enabled."""
    return {**msgspec.to_builtins(stream.definition), "enabled": stream.enabled}
