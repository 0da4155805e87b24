"""Commands: checked, recorded before they are sent, sent once; and the replies to repeats."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError, TransportError
from nova.sdk.protocol.messages import Filters, Query, StartStream, StreamStarted
from nova.sdk.protocol.submission import SubmitCommand
from nova.sdk.transport.base import Receipt, Record
from tests.core.commanding import HEATER, WAIT_S, descriptor, feedback
from tests.core.stuck_disk import StuckDisk
from tests.core.writer.commanded import Commanded


def decoded(events: Sequence[bytes]) -> list[dict[str, Any]]:
    """Stored events as objects."""
    return [msgspec.json.decode(event) for event in events]


async def refusal(client: Client, message: SubmitCommand) -> str:
    """The code of the error that a command is answered with."""
    with pytest.raises(ProtocolError) as caught:
        await client.submit_command(message)
    return caught.value.code


# --- on every transport -----------------------------------------------------------------------


async def test_a_command_is_recorded_and_then_sent(anywhere: Commanded) -> None:
    """A-173, A-186, AMB-27: the ids are the descriptor's, and what is sent is the record."""
    asked = anywhere.command(payload={"on": True, "power": 4.5})
    ack = await anywhere.client.submit_command(asked)
    await anywhere.ears.until(asked.request_id)
    (recorded,) = decoded(await anywhere.lane())
    assert (ack.request_id, ack.command_id) == (asked.request_id, asked.command_id)
    assert (ack.event_id, ack.time) == (recorded["eventId"], recorded["canonicalTruthTime"])
    assert not ack.duplicate and not ack.mismatch
    ids = [recorded[name] for name in ("systemId", "containerId", "uniqueId")]
    assert ids == list(HEATER)
    assert recorded["payload"] == asked.payload
    where = f"nova.{anywhere.scope_id}.command.{asked.request_id}.v1"
    assert anywhere.ears.addresses == [where]
    del recorded["canonicalTruthTime"]
    assert anywhere.ears.heard == [recorded]


async def test_eight_at_once_are_one_command(anywhere: Commanded) -> None:
    """A-172, A-189, pitfalls row 32: one record, one dispatch, eight answers."""
    asked = anywhere.command()
    clients = [await Client.to_core(anywhere.core.data) for _ in range(8)]
    try:
        acks = await asyncio.gather(*(client.submit_command(copy(asked)) for client in clients))
    finally:
        for client in clients:
            await client.close()
    assert len({(ack.event_id, ack.time, ack.command_id) for ack in acks}) == 1
    assert sorted(ack.duplicate for ack in acks) == [False, *[True] * 7]
    assert await anywhere.heard_after(asked.request_id) == [asked.request_id]
    recorded = decoded(await anywhere.lane())
    assert [one["requestId"] for one in recorded].count(asked.request_id) == 1


async def test_a_known_request_is_answered_and_nothing_else(anywhere: Commanded) -> None:
    """A-172, AMB-22: the same again, and another command under the same requestId."""
    asked = anywhere.command()
    first = await anywhere.client.submit_command(asked)
    again = await anywhere.client.submit_command(copy(asked))
    other = anywhere.command(request_id=asked.request_id, payload={"on": False})
    mixed = await anywhere.client.submit_command(other)
    assert (again.duplicate, again.mismatch) == (True, False)
    assert (mixed.duplicate, mixed.mismatch) == (True, True)
    for ack in (again, mixed):
        answer = (ack.request_id, ack.command_id, ack.event_id, ack.time)
        assert answer == (first.request_id, first.command_id, first.event_id, first.time)
    assert await anywhere.heard_after(asked.request_id) == [asked.request_id]
    assert len(await anywhere.lane()) == 2


async def test_a_request_that_came_by_transport_is_recorded_and_not_sent(
    anywhere: Commanded,
) -> None:
    """AMB-19, AMB-20: the Core sends nothing, and its requestId is taken."""
    foreign = anywhere.command()
    envelope = {
        "scopeId": anywhere.scope_id,
        "lane": "command",
        **dict(zip(("systemId", "containerId", "uniqueId"), HEATER, strict=True)),
        "sourceTruthTime": "2026-01-01T00:00:00Z",
        "messageType": "CommandRequest",
        "commandId": foreign.command_id,
        "requestId": foreign.request_id,
        "targetId": foreign.target_id,
        "commandType": foreign.command_type,
        "timelineMode": "LIVE",
        "payload": foreign.payload,
    }
    where = f"nova.{anywhere.scope_id}.command.{foreign.request_id}.v1"
    await anywhere.publish(Record(where, msgspec.json.encode(envelope)))
    ack = await anywhere.client.submit_command(foreign)
    assert (ack.duplicate, ack.mismatch) == (True, False)
    # Who listens at a broker hears what others write there; the embedded one passes nothing on.
    others = [foreign.request_id] if "local" not in anywhere.device.link else []
    assert await anywhere.heard_after(*others) == others
    assert len(await anywhere.lane()) == 2


async def test_the_echo_of_a_dispatch_is_known(anywhere: Commanded) -> None:
    """AMB-19: what comes back from a broker is a duplicate of what was recorded."""
    asked = anywhere.command()
    await anywhere.client.submit_command(asked)
    await anywhere.ears.until(asked.request_id)
    if "local" not in anywhere.device.link:
        async with asyncio.timeout(WAIT_S):
            while (await anywhere.client.status()).duplicates < 1:
                await asyncio.sleep(0.02)
    status = await anywhere.client.status()
    assert (status.rejects, len(await anywhere.lane())) == (0, 1)


async def test_what_is_told_of_a_command_is_recorded_and_replayed_as_it_was_live(
    anywhere: Commanded,
) -> None:
    """A-177, A-178, A-181, A-191, A-192: the timeline is the same live, queried and replayed; a
    command that nobody answers is fine.
    """
    filters = Filters(lanes=["command"])
    live: list[bytes] = []

    async def watch(started: asyncio.Event) -> None:
        async with await Client.to_core(anywhere.core.data) as client:
            stream = client.stream("LIVE", timebase="canonical", filters=filters)
            async for chunk in stream:
                started.set()
                live.extend(bytes(event) for event in chunk.events)
                if len(live) >= 4:
                    return

    started = asyncio.Event()
    watching = asyncio.create_task(watch(started))
    await asyncio.wait_for(started.wait(), WAIT_S)
    silent, asked = anywhere.command(), anywhere.command()
    await anywhere.client.submit_command(silent)
    await anywhere.client.submit_command(asked)
    await anywhere.ears.until(asked.request_id)
    request = next(one for one in anywhere.ears.heard if one["requestId"] == asked.request_id)
    await anywhere.publish(feedback(request, "CommandProgress", {"progressPercent": 40}))
    await anywhere.publish(feedback(request, "CommandResult", {"status": "success"}))
    await asyncio.wait_for(watching, WAIT_S)
    replayed: list[bytes] = []
    stream = anywhere.client.stream("REPLAY", rate="max", timebase="canonical", filters=filters)
    async for chunk in stream:
        replayed += [bytes(event) for event in chunk.events]
    assert live == replayed == await anywhere.lane()
    of_command = Filters(command_id=asked.command_id)
    told = [event async for event in anywhere.client.query(Query(filters=of_command))]
    assert [one["messageType"] for one in decoded(told)] == [
        "CommandRequest",
        "CommandProgress",
        "CommandResult",
    ]


async def test_a_dispatch_that_fails_ends_as_a_failure(
    anywhere: Commanded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-185, AMB-23: recorded, not sent, and a result that says why; there is no second attempt."""
    attempts = 0

    async def broken(records: Sequence[Record]) -> Receipt:
        nonlocal attempts
        attempts += 1
        raise TransportError("the line is cut")

    (transport,) = anywhere.core.writer.dispatcher.transports
    asked = anywhere.command()
    with monkeypatch.context() as patched:
        patched.setattr(transport, "publish", broken)
        ack = await anywhere.client.submit_command(asked)
    assert not ack.duplicate
    request, result = decoded(await anywhere.lane())
    assert (request["requestId"], attempts) == (asked.request_id, 1)
    assert (result["messageType"], result["status"]) == ("CommandResult", "failure")
    assert result["commandId"] == asked.command_id
    assert "the line is cut" in result["errorMessage"]
    assert (await anywhere.client.submit_command(copy(asked))).duplicate
    assert await anywhere.heard_after() == []


@pytest.mark.parametrize(
    ("first", "again", "is_other"),
    [
        ({"on": True}, {"on": True}, False),
        ({"on": True}, {"on": 1}, True),
        ({"n": 1}, {"n": 1.0}, False),
        ({"n": 1}, {"n": 2**60}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ({"a": None}, {}, True),
    ],
    ids=str,
)
async def test_payloads_compare_as_json(
    here: Commanded, first: dict[str, Any], again: dict[str, Any], is_other: bool
) -> None:
    """AMB-22: what is the same command is not what Python finds equal."""
    asked = here.command(payload=first)
    await here.client.submit_command(asked)
    other = copy(asked)
    other.payload = again
    ack = await here.client.submit_command(other)
    assert (ack.duplicate, ack.mismatch) == (True, is_other)


# --- refused before anything is recorded ----------------------------------------------------------


async def test_what_cannot_be_is_refused_and_not_recorded(here: Commanded) -> None:
    """A-171, AMB-23, AMB-26: each with its own code."""
    await here.publish(
        descriptor("go", entity=HEATER._replace(container_id="aft"), scope_id=here.scope_id)
    )
    ids = {"system_id": "bus", "container_id": "thermal"}
    wrong: dict[str, dict[str, Any]] = {
        "unknownTarget": {"target_id": "nobody"},
        "ambiguousTarget": {},
        "unknownCommand": {"command_type": "explode", **ids},
        "badArguments": {"payload": {"n": 2**60}, **ids},
        "unknownScope": {"scope_id": "elsewhere"},
        "replayRefused": {"timeline_mode": "REPLAY", **ids},
    }
    for code, given in wrong.items():
        message = here.command()
        for name, value in given.items():
            setattr(message, name, value)
        assert await refusal(here.client, message) == code
    assert await here.lane() == []
    assert here.ears.heard == []
    assert (await here.client.submit_command(here.command(**ids))).event_id


async def test_a_command_id_belongs_to_one_request(here: Commanded) -> None:
    """A-181: with two, progress and result would be anybody's."""
    asked = here.command()
    await here.client.submit_command(asked)
    assert await refusal(here.client, here.command(command_id=asked.command_id)) == "conflict"
    both = [here.command(command_id="same") for _ in range(2)]
    answers = await asyncio.gather(
        *(here.client.submit_command(one) for one in both), return_exceptions=True
    )
    refused = [one for one in answers if isinstance(one, ProtocolError)]
    assert [one.code for one in refused] == ["conflict"]
    assert len(await here.lane()) == 2


async def test_a_client_in_replay_is_refused_whatever_it_claims(here: Commanded) -> None:
    """A-175, A-190, AMB-28: while its stream plays, when it is cancelled, and when it is over;
    until it starts a LIVE one. Nobody else is disturbed.
    """
    async with here.core.frames() as replaying:

        async def start(mode: str, number: int) -> None:
            await replaying.send(
                StartStream(
                    playback_request_id=f"p{number}",
                    timeline_mode=mode,  # type: ignore[arg-type]  # one of the two
                )
            )
            await replaying.until(StreamStarted)

        async def answer() -> str:
            message = here.command()
            message.ref = 1
            await replaying.send(message)
            while True:
                reply = await replaying.receive()
                if reply.ref == 1:
                    return str(getattr(reply, "code", "taken"))

        assert await answer() == "taken"
        await start("REPLAY", 1)
        assert await answer() == "replayRefused"
        await replaying.send('{"type":"cancelStream"}')
        assert await answer() == "replayRefused"
        assert (await here.client.submit_command(here.command())).event_id
        await start("LIVE", 2)
        assert await answer() == "taken"
    assert len(await here.lane()) == 3


# --- the order of things ------------------------------------------------------------------------


async def test_nothing_leaves_before_record_and_mark_are_durable(
    here: Commanded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-184, pitfalls §1.5: written but not synced is not sent, and not answered."""
    archive = here.core.writer.committer.archive
    entered, go_on, sync = threading.Semaphore(0), threading.Semaphore(0), archive.sync

    def slow_disk() -> None:
        entered.release()
        assert go_on.acquire(timeout=WAIT_S)
        sync()

    monkeypatch.setattr(archive, "sync", slow_disk)
    asked = here.command()
    submitting = asyncio.create_task(here.client.submit_command(asked))
    for _ in ("the record", "the mark"):
        await asyncio.to_thread(entered.acquire, timeout=WAIT_S)
        await here.client.status()
        assert here.ears.heard == []
        assert not submitting.done()
        go_on.release()
    go_on.release(100)
    await submitting
    assert here.ears.requests() == [asked.request_id]


@contextmanager
def everything_late(commanded: Commanded) -> Iterator[None]:
    """Have every command come too late."""
    handler = commanded.core.writer.commands
    usual_s, handler.dispatch_within_s = handler.dispatch_within_s, -1.0
    try:
        yield
    finally:
        handler.dispatch_within_s = usual_s


async def test_a_command_that_comes_too_late_is_not_recorded(here: Commanded) -> None:
    """A writer that was stopped or stuck for a while must not do what nobody expects any more."""
    with everything_late(here):
        assert await refusal(here.client, here.command()) == "tooLate"
    assert await here.heard_after() == []
    assert len(await here.lane()) == 1


async def test_a_command_that_became_late_while_it_was_recorded_is_not_sent(
    here: Commanded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is stuck: recorded, marked, and ended as certainly not dispatched."""
    with monkeypatch.context() as patched:
        disk = StuckDisk(here.core.writer.committer.archive, patched)
        asked = here.command()
        submitting = asyncio.create_task(here.client.submit_command(asked))
        await disk.is_stuck()
        with everything_late(here):
            disk.go_on()
            await submitting
    _, result = decoded(await here.lane())
    assert result["errorMessage"].startswith("not dispatched: it could not be sent within")
    assert await here.heard_after() == []


async def test_commands_leave_in_the_order_of_their_records(here: Commanded) -> None:
    """A-178: fifty at once are sent as they are recorded."""
    asked = [here.command() for _ in range(50)]
    await asyncio.gather(*(here.client.submit_command(one) for one in asked))
    heard = await here.heard_after(*(one.request_id for one in asked))
    recorded = [one["requestId"] for one in decoded(await here.lane())]
    assert heard == recorded[:50]
