"""The Producer: batches, order, and retries with the same bytes until they are acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TransportError
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import PUBLISH_MAX_BYTES, PUBLISH_MAX_RECORDS, Producer, Retry
from nova.sdk.transport.base import Receipt, Record
from tests.sdk.manifests.test_manifest import MANIFEST
from tests.sdk.tape import Fault, Tape

GPS = Entity("sat", "gnc", "gps")
NOON = timestamps.parse("2026-01-01T12:00:00Z")
AT_ONCE = Retry(first_delay_s=0.0, max_delay_s=0.0)


async def test_sends_events_in_order_and_in_batches() -> None:
    """All arrive once, in order, and no publish is beyond its limit."""
    tape = Tape()
    producer = Producer(tape, "nova")
    events = [producer.observe(GPS, NOON).raw(number.to_bytes(2)) for number in range(1201)]
    receipt = await producer.send(events)
    assert (receipt.new, receipt.duplicate, receipt.rejected) == (1201, 0, [])
    assert [record.value for record in tape.records] == [event.body for event in events]
    assert [len(publish) for publish in tape.publishes] == [
        PUBLISH_MAX_RECORDS,
        PUBLISH_MAX_RECORDS,
        201,
    ]


async def test_batches_are_limited_in_bytes_too() -> None:
    """Big frames do not make a publish that no transport takes."""
    tape = Tape()
    producer = Producer(tape, "nova")
    frame = bytes(600_000)
    await producer.send(producer.observe(GPS, NOON).raw(frame) for _ in range(12))
    assert len(tape.records) == 12
    sizes = [sum(len(record.value) for record in publish) for publish in tape.publishes]
    assert len(sizes) > 1
    assert max(sizes) <= PUBLISH_MAX_BYTES


async def test_retries_with_the_very_same_bytes() -> None:
    """A-073: a retry keeps time and eventId, so what had arrived is a duplicate."""
    faults: list[Fault] = ["lost", "answer lost", "answer lost", "lost", "none"]
    tape = Tape(faults)
    producer = Producer(tape, "nova", retry=AT_ONCE)
    receipt = await producer.send([producer.observe(GPS).raw(b"once")])
    assert len(tape.publishes) == 3
    assert len({record.value for record in tape.records}) == 1
    assert len(tape.events) == 1
    assert (receipt.new, receipt.duplicate) == (0, 1)


async def test_each_batch_is_retried_before_the_next() -> None:
    """A failure in the middle neither loses a batch nor lets a later one overtake it."""
    tape = Tape(["none", "lost", "lost", "none", "none"])
    producer = Producer(tape, "nova", retry=AT_ONCE)
    numbers = range(3 * PUBLISH_MAX_RECORDS)
    events = [producer.observe(GPS, NOON).raw(number.to_bytes(2, "big")) for number in numbers]
    receipt = await producer.send(events)
    assert receipt.new == len(events)
    assert [record.value for record in tape.records] == [event.body for event in events]


async def test_receipts_are_summed_with_places_over_all() -> None:
    """A rejection says which of all the records it means, whatever batch it was in."""
    tape = Tape()
    good = Producer(tape, "nova").observe(GPS, NOON).raw(b"")
    records = [Record(None, good.body)] * 1100
    records[3] = records[1007] = Record(None, b"{}")
    receipt = await Producer(tape, "nova").publish(records)
    assert [rejection.place for rejection in receipt.rejected] == [3, 1007]
    assert {rejection.member for rejection in receipt.rejected} == {"lane"}
    assert (receipt.new, receipt.duplicate) == (1, 1097)


async def test_gives_up_at_the_deadline() -> None:
    """With a deadline that is over at once there is one attempt, and the transport's own error."""
    tape = Tape(["lost"] * 10)
    producer = Producer(tape, "nova", retry=Retry(deadline_s=0.0))
    with pytest.raises(TransportError):
        await producer.send([producer.observe(GPS).raw(b"")])
    assert tape.records == []


class Silent(Tape):
    """A transport that never answers."""

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")


async def test_silence_ends_at_the_deadline() -> None:
    """A transport that never answers is treated like one that fails."""
    producer = Producer(Silent(), "nova", retry=Retry(deadline_s=0.01))
    with pytest.raises(TransportError, match="did not reply"):
        await producer.send([producer.observe(GPS).raw(b"")])


def test_delays_grow_up_to_their_limit() -> None:
    """Exponential backoff with named bounds, each delay between half of its step and the whole."""
    delays = Retry(first_delay_s=1.0, max_delay_s=10.0).delays_s()
    for step in (1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        assert step / 2 <= next(delays) <= step


async def test_nothing_to_send_is_nothing_published() -> None:
    """An empty send does not trouble the transport."""
    tape = Tape()
    assert await Producer(tape, "nova").send([]) == Receipt()
    assert tape.publishes == []


async def test_updates_are_checked_against_the_manifest_of_their_view() -> None:
    """What would be refused at ingest is the producer's error, with key and rule."""
    tape = Tape()
    producer = Producer(tape, "nova", manifests=[MANIFEST])
    await producer.send([producer.ui(GPS, "telemetry.pump", {"flow": 1}, NOON)])
    assert b'"manifestId":"pump","manifestVersion":"1.2.0","data":{"flow":1}' in (
        tape.records[0].value
    )
    with pytest.raises(EnvelopeError, match=r"data\.flow is 11, above the maximum 10"):
        producer.ui(GPS, "telemetry.pump", {"flow": 11})
    with pytest.raises(EnvelopeError, match=r"no manifest has the viewId 'telemetry\.other'"):
        producer.ui(GPS, "telemetry.other", {"flow": 1})


def test_a_producer_knows_the_manifests_that_ship() -> None:
    """A-227: nothing has to be given for them."""
    event = Producer(Tape(), "nova").ui(GPS, "telemetry.gps", {"latitude": 1.5}, NOON)
    assert event.series.view_id == "telemetry.gps"
