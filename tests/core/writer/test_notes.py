"""Notes: what is recorded of one, and which are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from nova.core.server.submission_client import SubmissionClient
from nova.core.submission_messages import Principal
from nova.sdk import endpoints, timestamps
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.messages import Error, Filters, Query, Timebase
from nova.sdk.protocol.note_messages import NOTE_MAX_CHARS, SubmitNote
from tests.core.commanding import HEATER
from tests.core.writer.commanded import Commanded

DIP, AFTER = "1999-01-31T12:00:00.000000000Z", "1999-01-31T12:05:00.000000000Z"
UNIT = {
    "system_id": HEATER.system_id,
    "container_id": HEATER.container_id,
    "unique_id": HEATER.unique_id,
}


async def write(here: Commanded, **given: Any) -> dict[str, Any]:
    """Write a note; returns it as it is stored."""
    note = SubmitNote(**{"scope_id": here.scope_id, "timeline_mode": "LIVE", **given})
    ack = await here.client.submit_note(note)
    (stored,) = [one for one in await notes(here) if one["eventId"] == ack.event_id]
    assert stored["canonicalTruthTime"] == ack.time
    return stored


async def notes(here: Commanded, timebase: Timebase = "canonical") -> list[dict[str, Any]]:
    query = Query(timebase=timebase, filters=Filters(message_types=["UserNote"]))
    return [msgspec.json.decode(event) async for event in here.client.query(query)]


async def test_a_note_is_dated_at_what_it_is_about(here: Commanded) -> None:
    """Written later, it is found there in source time, and where it was written in canonical."""
    first = await write(here, text="noise", from_time="2001-01-01T01:00:00+01:00", **UNIT)
    dip = await write(here, text="battery dip", from_time=DIP, to_time=AFTER)
    assert dip["sourceTruthTime"] == DIP and dip["uniqueId"] == "__scope__"
    assert timestamps.parse(dip["payload"].pop("writtenTime")) > timestamps.parse(AFTER)
    user = dip["payload"].pop("user")
    assert user == first["payload"]["user"] != ""
    assert dip["payload"] == {
        "text": "battery dip",
        "timebase": "source",
        "fromTime": DIP,
        "toTime": AFTER,
    }
    assert first["sourceTruthTime"] == "2001-01-01T00:00:00.000000000Z"
    assert first["payload"]["targetId"] == "|".join((here.scope_id, *UNIT.values()))
    assert [one["payload"]["text"] for one in await notes(here)] == ["noise", "battery dip"]
    assert [one["payload"]["text"] for one in await notes(here, "source")] == [
        "battery dip",
        "noise",
    ]


async def test_one_of_receive_time_is_dated_when_it_is_written(here: Commanded) -> None:
    """Its times are by the other clock, in which no producer dates anything."""
    note = await write(here, text="late batch", timebase="canonical", from_time=DIP)
    assert note["payload"]["fromTime"] == DIP
    assert note["sourceTruthTime"] == note["payload"]["writtenTime"]
    now = await write(here, text="now")
    assert now["payload"]["fromTime"] == now["payload"]["writtenTime"] == now["sourceTruthTime"]


async def test_a_title_names_a_range(here: Commanded) -> None:
    """It needs no text, is replaced like a text, and names no moment."""
    times = {"from_time": DIP, "to_time": AFTER}
    name = await write(here, title="first pass", **times, **UNIT)
    assert name["payload"]["title"] == "first pass" and "text" not in name["payload"]
    both = await write(here, title="pass 1", text="late", **times, replaces=name["eventId"])
    assert (both["payload"]["title"], both["payload"]["text"]) == ("pass 1", "late")
    with pytest.raises(ProtocolError, match="title: it names a range"):
        await write(here, title="a moment", from_time=DIP)
    with pytest.raises(ProtocolError, match=r"title: has the control character U\+202E"):
        await write(here, title="p\u202ea", **times)


async def test_notes_are_replaced_and_withdrawn_by_others(here: Commanded) -> None:
    """Nothing that was recorded changes; equal notes are two."""
    note = await write(here, text="dip", from_time=DIP)
    again = await write(here, text="dip", from_time=DIP)
    better = await write(here, text="battery dip", from_time=DIP, replaces=note["eventId"])
    gone = await write(here, replaces=again["eventId"])
    assert better["payload"]["replaces"] == note["eventId"]
    assert sorted(gone["payload"]) == ["replaces", "user", "writtenTime"]
    assert [one["eventId"] for one in await notes(here)] == [
        one["eventId"] for one in (note, again, better, gone)
    ]


REFUSED: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"text": "x" * (NOTE_MAX_CHARS + 1)}, "badRequest", f"length <= {NOTE_MAX_CHARS}"),
    ({"text": ""}, "badRequest", "length >= 1"),
    ({}, "badRequest", "needs text or title, or replaces"),
    ({"text": "x", "replaces": "abc"}, "badRequest", "replaces"),
    ({"text": "x", "from_time": "noon"}, "badTime", "fromTime"),
    ({"text": "x", "from_time": AFTER, "to_time": DIP}, "badRange", "is before fromTime"),
    ({"text": "x", "unique_id": "heater"}, "badRequest", "give all or none"),
    ({"text": "x", **UNIT, "unique_id": "nobody"}, "unknownTarget", "nobody has no events"),
    ({"text": "x", "scope_id": "elsewhere"}, "unknownScope", "elsewhere"),
)


async def test_what_is_no_note_is_refused(here: Commanded) -> None:
    """By a message that says which rule it breaks; nothing is recorded."""
    for given, code, words in REFUSED:
        with pytest.raises(ProtocolError, match=words) as caught:
            await write(here, **given)
        assert caught.value.code == code
    assert await notes(here) == []


async def test_the_writer_asks_again_who_writes_a_note(here: Commanded) -> None:
    """Whatever an edge has let pass."""
    submitter = SubmissionClient(endpoints.writer_socket(here.core.data))
    note = SubmitNote(scope_id=here.scope_id, text="psst", timeline_mode="LIVE")
    for asker, code in (
        (Principal("ann", "viewer"), "forbidden"),
        (Principal("ann", "operator", "c", True), "replayRefused"),
        (Principal("ann", "operator", scopes=("other",)), "forbidden"),
        (Principal("ann", "operator", lanes=("parsed",)), "forbidden"),
    ):
        reply = await submitter.submit(asker, note)
        assert isinstance(reply, Error) and reply.code == code
    await submitter.close()
    assert await notes(here) == []
