"""Audit events: of a command in its own commit, of an entry the same event however often."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from nova.core.store.archive import Archive
from nova.core.writer.audit_trail import audit_event
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.committer import Committer
from nova.sdk.client.client import Client
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.audit_entry import new_entry
from nova.sdk.protocol.messages import Filters, Query
from tests.core.writer.commanded import Commanded


def test_events_that_belong_together_are_one_commit(archive: Archive, tmp_path: Path) -> None:
    """However small the commits are, for a crash must not come in between."""
    committer = Committer(archive, tmp_path, limits=CommitLimits(commit_max_events=1))
    events = [audit_event(new_entry("AdminAction", "ann", "user", {}), "sat") for _ in range(2)]
    assert committer.record_together(events) == committer.last_ns
    (frame,) = committer.drain_closed()
    assert frame.events is not None and len(frame.events) == 2
    assert committer.record_together(events) is None


def test_an_entry_is_always_the_same_event() -> None:
    entry = new_entry("UserLogin", "ann", "user", {"outcome": "success"})
    again = msgspec.json.decode(msgspec.json.encode(entry), type=type(entry))
    assert audit_event(entry, "sat").event_id == audit_event(again, "sat").event_id
    other = new_entry("UserLogin", "ann", "user", {"outcome": "success"}, at_ns=1)
    assert audit_event(other, "sat").event_id != audit_event(entry, "sat").event_id


def test_an_entry_of_no_time_is_refused() -> None:
    entry = msgspec.structs.replace(new_entry("UserLogin", "ann", "user", {}), time="soon")
    with pytest.raises(EnvelopeError):
        audit_event(entry, "sat")


async def test_a_command_is_recorded_once_with_its_principal(here: Commanded) -> None:
    """Repeated, it is the same command, and refused, it is none."""
    asked = here.command()
    ack = await here.client.submit_command(asked)
    assert (await here.client.submit_command(asked)).duplicate
    audit = Query(timebase="canonical", filters=Filters(system_id="nova", container_id="audit"))
    async with await Client.to_core(here.core.data) as client:
        (event,) = [msgspec.json.decode(one) async for one in client.query(audit)]
    (command,) = [one for one in map(msgspec.json.decode, await here.lane())]
    assert event["messageType"] == "CommandSubmitted" and event["scopeId"] == here.scope_id
    assert event["sourceTruthTime"] == command["sourceTruthTime"]
    payload = event["payload"]
    assert payload["eventId"] == ack.event_id == command["eventId"]
    assert (payload["principalKind"], payload["requestId"]) == ("local", asked.request_id)
