"""Notes: what users write about a moment or a range of time."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from nova.sdk.field_types import Id
from nova.sdk.protocol.message import EventId, Message, Timebase, TimelineMode

NOTE_MAX_CHARS = 10_000
"""Room for an address of the page, which may be long."""

NOTE_TITLE_MAX_CHARS = 200


class SubmitNote(Message, kw_only=True, tag="submitNote"):
    """Record a note about a moment or a range, in the given timebase. Without `from_time` it is
    about now. With `replaces`, the eventId of a note of the same scope, it stands in its place;
    without `text` and `title` that note is withdrawn. The title of a range names the recordings in
    it, and needs no text. An entity has all three ids.
    """

    scope_id: Id
    text: Annotated[str, Meta(min_length=1, max_length=NOTE_MAX_CHARS)] | None = None
    title: Annotated[str, Meta(min_length=1, max_length=NOTE_TITLE_MAX_CHARS)] | None = None
    timebase: Timebase = "source"
    from_time: str | None = None
    to_time: str | None = None
    system_id: Id | None = None
    container_id: Id | None = None
    unique_id: Id | None = None
    replaces: EventId | None = None
    timeline_mode: TimelineMode


class NoteAck(Message, kw_only=True, tag="noteAck"):
    """The note is recorded; `time` is its canonical time."""

    event_id: str
    time: str
