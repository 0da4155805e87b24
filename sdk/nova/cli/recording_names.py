"""Names of recordings: the notes with a title that stand, by the ranges that they are about."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import TimestampError
from nova.sdk.protocol.message import Filters, Timebase
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.recording_messages import RecordingInfo

NOTE = "UserNote"


class RecordingName(NamedTuple):
    """A name, and the range of a timebase that it is about."""

    title: str
    timebase: str
    start_ns: int
    stop_ns: int


class _Said(msgspec.Struct, rename="camel"):
    title: str = ""
    timebase: str = ""
    from_time: str = ""
    to_time: str = ""
    target_id: str = ""
    replaces: str = ""


class _Note(msgspec.Struct, rename="camel"):
    event_id: str
    scope_id: str
    payload: _Said


async def read_names(client: Client, filters: Filters) -> list[RecordingName]:
    """The names of what filters select: of its entities, and of their scopes."""
    query = Query(
        filters=Filters(scope_ids=filters.scope_ids, lanes=["metadata"], message_types=[NOTE]),
        timebase="canonical",
    )
    read = [_decoded(event) async for event in client.query(query)]
    notes = [note for note in read if note is not None]
    replaced = {(note.scope_id, note.payload.replaces) for note in notes}
    found = [
        _name(note.payload)
        for note in notes
        if (note.scope_id, note.event_id) not in replaced and _is_selected(note, filters)
    ]
    return sorted(name for name in found if name is not None)


def _decoded(event: bytes) -> _Note | None:
    """The note of an event; None for one that another scope's producer wrote otherwise."""
    try:
        return msgspec.json.decode(event, type=_Note)
    except msgspec.ValidationError:
        return None


def _is_selected(note: _Note, filters: Filters) -> bool:
    if not note.payload.target_id:
        return True
    ids = note.payload.target_id.split("|")[1:]
    wanted = (filters.system_id, filters.container_id, filters.unique_id)
    return all(one in (None, own) for one, own in zip(wanted, ids, strict=False))


def _name(said: _Said) -> RecordingName | None:
    """The name of a note; None without a title or a range."""
    try:
        times = timestamps.parse(said.from_time), timestamps.parse(said.to_time)
    except TimestampError:
        return None
    return RecordingName(said.title, said.timebase, *times) if said.title else None


def names_over(
    names: list[RecordingName], timebase: Timebase, recording: RecordingInfo
) -> list[str]:
    """The names whose ranges overlap a recording, in the order of the alphabet."""
    start_ns, stop_ns = map(timestamps.parse, (recording.start_time, recording.stop_time))
    return [
        name.title
        for name in names
        if name.timebase == timebase and name.start_ns <= stop_ns and name.stop_ns >= start_ns
    ]
