"""Displays in the edge's database, each with every version that was saved."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import msgspec

from nova.edge.actor import Actor
from nova.edge.admin_action import record_action
from nova.edge.edge_database import EdgeStore
from nova.edge.sqlite_file import transaction
from nova.sdk.display import Display, content_of, named_data
from nova.sdk.errors import ProtocolError
from nova.sdk.events.audit_entry import ActorKind
from nova.sdk.field_types import JsonObject, Role
from nova.sdk.protocol.displays import DisplayVersionInfo, EditorRole
from nova.sdk.timestamps import text as timestamp

DISPLAY_ID_BYTES = 9
NO_SUCH_DISPLAY = "there is no display {!r} that you may see"
CHANGED = (
    "{} saved version {} at {}, which yours is not based on (it is based on {}): nothing was "
    "changed. Open the newest one, or save yours as another display"
)
TOO_MANY = "{} displays are stored, the limit {} is {}: delete one that is not needed"
TOO_MUCH = (
    "the versions of your displays have {} MiB, the limit of each owner is {}: delete a display "
    "that is not needed"
)

_COLUMNS = (
    "id, name, version, shared_with, editable_by, scopes, lanes, owner, owner_kind, owner_id, "
    "saved, saved_by"
)
_Row = tuple[
    str,
    str,
    int,
    Role | None,
    EditorRole | None,
    str,
    str,
    str,
    ActorKind,
    str,
    float,
    str,
]
IsSeen = Callable[[bytes, str], bool]
"""Whether a version is for somebody, by its content and by whom it was saved."""

_decoder = msgspec.json.Decoder(Display)


@dataclass(frozen=True, slots=True)
class DisplayLimits:
    """How much there may be; an owner's bytes are those of all versions."""

    displays_max: int = 5_000
    displays_per_owner_max: int = 200
    owner_max_bytes: int = 64 * 1024 * 1024
    versions_listed_max: int = 200
    list_max_bytes: int = 1024 * 1024


class Owner(NamedTuple):
    """Whose a display is. A name may mean another user or key later, `id` never does; a Unix user
    of the machine has none.
    """

    name: str
    kind: ActorKind
    id: str


@dataclass(frozen=True, slots=True)
class StoredDisplay:
    """A display without its pages; `saved` in seconds since 1970, `scopes` and `lanes` those that
    its newest version names.
    """

    id: str
    name: str
    version: int
    shared_with: Role | None
    editable_by: EditorRole | None
    scopes: frozenset[str]
    lanes: frozenset[str]
    owner: Owner
    saved: float
    saved_by: str


class DisplayStore(EdgeStore):
    """The displays of one data folder; all edges and `nova displays` share the file.

    Each change is recorded for audit in its transaction, with who makes it.
    """

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], float] = time.time,
        limits: DisplayLimits | None = None,
    ) -> None:
        super().__init__(folder)
        self._clock = clock
        self.limits = limits or DisplayLimits()

    def add(self, display: Display, by: Actor, owner_id: str = "") -> StoredDisplay:
        """Add a display; raises ProtocolError if there are as many as there may be."""
        owner = Owner(by.name, by.kind, owner_id)
        display_id = secrets.token_urlsafe(DISPLAY_ID_BYTES)
        now, content = self._clock(), content_of(display)
        with transaction(self._db):
            self._require_room(owner, len(content))
            self._db.execute(
                f"INSERT INTO displays ({_COLUMNS}) "
                "VALUES (?, ?, 1, NULL, NULL, ?, ?, ?, ?, ?, ?, ?)",
                (display_id, display.name, *_named(display), *owner, now, by.name),
            )
            self._insert_version(display_id, 1, display, content, by)
            stored = self._required(display_id)
            record_action(self._db, by, "createDisplay", display.name, None, _members(stored))
        return stored

    def save(self, display_id: str, display: Display, based_on: int, by: Actor) -> StoredDisplay:
        """Add a version; raises ProtocolError `conflict` if another one was saved since."""
        content = content_of(display)
        with transaction(self._db):
            before = self._required(display_id)
            self._require_newest(before, based_on)
            self._require_bytes(before.owner, len(content))
            self._db.execute(
                "UPDATE displays SET name = ?, version = version + 1, scopes = ?, lanes = ?, "
                "saved = ?, saved_by = ? WHERE id = ?",
                (display.name, *_named(display), self._clock(), by.name, display_id),
            )
            self._insert_version(display_id, before.version + 1, display, content, by)
            return self._record("saveDisplay", before, by)

    def share(
        self, display_id: str, shared_with: Role | None, editable_by: EditorRole | None, by: Actor
    ) -> StoredDisplay:
        """Set who else sees and who else changes a display."""
        with transaction(self._db):
            before = self._required(display_id)
            self._db.execute(
                "UPDATE displays SET shared_with = ?, editable_by = ? WHERE id = ?",
                (shared_with, editable_by, display_id),
            )
            return self._record("shareDisplay", before, by)

    def delete(self, display_id: str, based_on: int, by: Actor) -> None:
        """Delete a display and its versions; raises ProtocolError `conflict` as `save` does."""
        with transaction(self._db):
            before = self._required(display_id)
            self._require_newest(before, based_on)
            self._db.execute("DELETE FROM display_versions WHERE display_id = ?", (display_id,))
            self._db.execute("DELETE FROM displays WHERE id = ?", (display_id,))
            self._db.execute("DELETE FROM display_defaults WHERE display_id = ?", (display_id,))
            record_action(self._db, by, "deleteDisplay", before.name, _members(before))

    def set_default(self, scope_id: str, display_id: str | None, by: Actor) -> None:
        """Set the default of a scope, of the others if it is empty; None: none."""
        with transaction(self._db):
            before = self.defaults().get(scope_id)
            self._db.execute("DELETE FROM display_defaults WHERE scope_id = ?", (scope_id,))
            if display_id is not None:
                self._db.execute(
                    "INSERT INTO display_defaults VALUES (?, ?)", (scope_id, display_id)
                )
            record_action(
                self._db,
                by,
                "setDefaultDisplay",
                scope_id or "every scope",
                {"displayId": before},
                {"displayId": display_id},
            )

    def defaults(self) -> dict[str, str]:
        """The ids of displays by the scopes whose defaults they are."""
        return dict(self._db.execute("SELECT scope_id, display_id FROM display_defaults"))

    def get(self, display_id: str) -> StoredDisplay | None:
        row = self._db.execute(
            f"SELECT {_COLUMNS} FROM displays WHERE id = ?", (display_id,)
        ).fetchone()
        return None if row is None else _stored(row)

    def list_displays(self) -> list[StoredDisplay]:
        """All displays by name."""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM displays ORDER BY name, id")
        return [_stored(row) for row in rows]

    def read(self, display_id: str, version: int, is_seen: IsSeen) -> Display:
        """A version; raises ProtocolError `notFound`, also for one that is not seen, and
        `badDisplay` for one that a newer program has written in its own way.
        """
        row = self._db.execute(
            "SELECT content, saved_by FROM display_versions WHERE display_id = ? AND version = ?",
            (display_id, version),
        ).fetchone()
        if row is None or not is_seen(*row):
            raise ProtocolError("notFound", f"display {display_id!r} has no version {version}")
        try:
            return _decoder.decode(row[0])
        except msgspec.DecodeError as error:
            raise ProtocolError(
                "badDisplay", f"a newer NOVA has saved this version, upgrade this one: {error}"
            ) from None

    def versions(self, display_id: str, is_seen: IsSeen) -> tuple[list[DisplayVersionInfo], int]:
        """The newest versions, newest first, without those that are not seen, and how many older
        ones there are.
        """
        most = self.limits.versions_listed_max
        rows = self._db.execute(
            "SELECT version, name, saved, saved_by, content FROM display_versions "
            "WHERE display_id = ? ORDER BY version DESC LIMIT ?",
            (display_id, most),
        ).fetchall()
        (count,) = self._db.execute(
            "SELECT count(*) FROM display_versions WHERE display_id = ?", (display_id,)
        ).fetchone()
        found = [
            DisplayVersionInfo(
                version=version,
                name=name,
                saved=time_text(saved),
                saved_by=saved_by,
                bytes=len(content),
            )
            for version, name, saved, saved_by, content in rows
            if is_seen(content, saved_by)
        ]
        return found, count - len(rows)

    def _insert_version(
        self, display_id: str, version: int, display: Display, content: bytes, by: Actor
    ) -> None:
        self._db.execute(
            "INSERT INTO display_versions VALUES (?, ?, ?, ?, ?, ?)",
            (display_id, version, display.name, content, self._clock(), by.name),
        )

    def _required(self, display_id: str) -> StoredDisplay:
        stored = self.get(display_id)
        if stored is None:
            raise ProtocolError("notFound", NO_SUCH_DISPLAY.format(display_id))
        return stored

    def _require_newest(self, stored: StoredDisplay, based_on: int) -> None:
        if stored.version != based_on:
            raise ProtocolError(
                "conflict",
                CHANGED.format(stored.saved_by, stored.version, time_text(stored.saved), based_on),
            )

    def _require_room(self, owner: Owner, size: int) -> None:
        (count,) = self._db.execute("SELECT count(*) FROM displays").fetchone()
        if count >= (most := self.limits.displays_max):
            raise ProtocolError("tooManyDisplays", TOO_MANY.format(count, "of the archive", most))
        (count,) = self._db.execute(
            "SELECT count(*) FROM displays WHERE (owner, owner_kind, owner_id) = (?, ?, ?)", owner
        ).fetchone()
        if count >= (most := self.limits.displays_per_owner_max):
            raise ProtocolError("tooManyDisplays", TOO_MANY.format(count, "of each owner", most))
        self._require_bytes(owner, size)

    def _require_bytes(self, owner: Owner, size: int) -> None:
        """Raise ProtocolError unless the owner's versions have room for another one."""
        (total,) = self._db.execute(
            "SELECT ifnull(sum(length(content)), 0) FROM display_versions JOIN displays "
            "ON displays.id = display_id WHERE (owner, owner_kind, owner_id) = (?, ?, ?)",
            owner,
        ).fetchone()
        if total + size > (most := self.limits.owner_max_bytes):
            raise ProtocolError("tooManyDisplays", TOO_MUCH.format(total >> 20, most >> 20))

    def _record(self, action: str, before: StoredDisplay, by: Actor) -> StoredDisplay:
        after = self._required(before.id)
        record_action(self._db, by, action, before.name, _members(before), _members(after))
        return after


def time_text(seconds: float) -> str:
    """Seconds since 1970 as a timestamp."""
    return timestamp(round(seconds * 1_000) * 1_000_000)


def _named(display: Display) -> tuple[str, str]:
    named = named_data(display)
    return json.dumps(sorted(named.scopes)), json.dumps(sorted(named.lanes))


def _stored(row: _Row) -> StoredDisplay:
    display_id, name, version, shared_with, editable_by, scopes, lanes, *owner, saved, by = row
    return StoredDisplay(
        display_id,
        name,
        version,
        shared_with,
        editable_by,
        frozenset(json.loads(scopes)),
        frozenset(json.loads(lanes)),
        Owner(*cast("tuple[str, ActorKind, str]", owner)),
        saved,
        by,
    )


def _members(stored: StoredDisplay) -> JsonObject:
    """What the audit trail says of a display; its pages are in its versions."""
    return {
        "displayId": stored.id,
        "name": stored.name,
        "version": stored.version,
        "sharedWith": stored.shared_with,
        "editableBy": stored.editable_by,
    }
