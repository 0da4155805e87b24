"""Every format and framing, read by decoders of their own from sockets of a real NOVA."""

from __future__ import annotations

from nova.edge.framing import FRAMINGS, largest_message
from nova.edge.tcp_format import MessageFormat
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import Framing, TcpStreamDefinition
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.tapping import DECODERS, SCOPE, definition, line_of, payload_of, tapped

AWKWARD = [
    b"\x00",
    b"\xc0\xdb\xc0",
    b"\xdb\xdc\xdb\xdd",
    b"one\ntwo",
    bytes(range(256)),
    b"\xdb" * 70_000,
]
FRAMED: tuple[Framing, ...] = ("none", "newline", "length2", "length4", "slip")


def events_of_all_lanes(system: str) -> list[Event]:
    """Events of each lane and kind of body, with texts that JSON may write in several ways."""
    observer, entity = Observer(SCOPE), Entity(system, "eps", "battery")
    odd = {"text": 'é\n"\\/\u2028', "n": 1.5, "deep": [{"a": None}, True, -0.5], "": {}}
    seen = observer.observe(entity)
    return [
        *(observer.observe(entity).raw(frame) for frame in AWKWARD),
        seen.parsed("Voltage", odd),
        seen.parsed("Empty", {}),
        seen.ui("view", "manifest", "1", odd),
        seen.metadata("ModeChanged", odd, effective_time="2026-01-01T00:00:00Z"),
        seen.descriptor(["command:heater.set"], "1"),
        seen.command_progress("c1", "battery", "heater.set", 50, "half"),
        seen.command_result("c1", "battery", "heater.set", "success", {"on": True}),
    ]


def only_payload(system: str, framing: Framing, lanes: list[str]) -> TcpStreamDefinition:
    """A stream of payloads of one lane."""
    return definition(
        system, name=f"{framing}-{lanes[0]}", format="payloadOnly", framing=framing, lanes=lanes
    )


async def test_payloads_in_every_framing_are_those_of_the_query(nova: RunningNova) -> None:
    """Each frame is one message, each payload the bytes of the envelope; a message that is too long
    for its framing is counted and left out.
    """
    lanes = ("raw", "parsed", "ui", "metadata", "command")
    wanted = [only_payload("payloads", framing, [lane]) for framing in FRAMED for lane in lanes]
    async with tapped(nova.data) as tap, tap.clients(wanted) as taps:
        await tapping.publish(nova, events_of_all_lanes("payloads"))
        for one, client in zip(wanted, taps, strict=True):
            messages = [payload_of(envelope) for envelope in await tapping.stored(nova.data, one)]
            assert messages
            limit = 65_535 if one.framing == "length2" else 1 << 32
            expected = [message for message in messages if len(message) <= limit]
            size = sum(len(FRAMINGS[one.framing](message)) for message in expected)
            received = await client.read(size)
            status = tap.status(one.name)
            assert (status.messages, status.bytes_sent) == (len(expected), size)
            assert status.too_large == len(messages) - len(expected)
            if one.framing == "none":
                assert received == b"".join(expected)
            elif one.framing == "newline" and one.filters.lanes == ["raw"]:
                assert received == b"".join(message + b"\n" for message in expected)
            else:
                assert list(DECODERS[one.framing](received)) == expected


async def test_lines_of_the_hierarchy_are_those_of_the_query(nova: RunningNova) -> None:
    """Five members in their order, or eight, with the time in the stream's timebase."""
    kinds = [
        definition("lines", name=f"{timebase}-{more}", timebase=timebase, with_address=more)
        for timebase in ("source", "canonical")
        for more in (False, True)
    ]
    async with tapped(nova.data) as tap, tap.clients(kinds) as taps:
        await tapping.publish(nova, events_of_all_lanes("lines"))
        for one, client in zip(kinds, taps, strict=True):
            envelopes = await tapping.stored(nova.data, one)
            assert len(envelopes) == len(events_of_all_lanes("lines"))
            lines = [line_of(e, one.timebase or "", one.with_address) for e in envelopes]
            text = "".join(lines).encode()
            assert await client.read(len(text)) == text


ENVELOPE = (
    b'{"eventId":"0","scopeId":"sat","lane":"parsed","systemId":"a","containerId":"b",'
    b'"uniqueId":"c","sourceTruthTime":"2026-01-01T02:00:00.5+02:00","messageType":"M",'
    b'"schemaVersion":"1","payload":{"n" : 1.50},"canonicalTruthTime":"2026-01-01T00:00:01Z"}'
)


def test_an_envelope_that_cannot_be_read_costs_no_other() -> None:
    """Damage is logged; what stands before and behind it is sent."""
    wanted = TcpStreamDefinition(name="a", port=1, filters=Filters())
    damaged = [ENVELOPE[:-1], b"", ENVELOPE.replace(b"02:00:00.5", b"25:00:00.5")]
    envelopes = [ENVELOPE, *damaged, ENVELOPE]
    (batch,) = MessageFormat(wanted, "source").batches(envelopes, 1_000)
    assert batch.messages == batch.data.count(b"\n") == 2


def test_a_time_that_a_producer_writes_otherwise_is_normal() -> None:
    """Readers parse one form of time."""
    wanted = TcpStreamDefinition(name="a", port=1, filters=Filters())
    (batch,) = MessageFormat(wanted, "source").batches([ENVELOPE], 1)
    assert batch.data == (
        b'{"s":"a","c":"b","u":"c","t":"2026-01-01T00:00:00.500000000Z","p":{"n" : 1.50}}\n'
    )


def test_lengths_have_limits() -> None:
    assert [largest_message(framing) for framing in FRAMED] == [None, None, 65_535, 2**32 - 1, None]


def test_nothing_of_tcp_streams_leaves_over_tcp() -> None:
    """Another scope's Core may have published it, and an empty filter selects it."""
    envelope = (
        b'{"eventId":"0","scopeId":"sat","lane":"parsed","systemId":"%b","containerId":"tcpStream",'
        b'"uniqueId":"tcpStream","sourceTruthTime":"2026-01-01T00:00:00Z","messageType":"M",'
        b'"schemaVersion":"1","payload":{},"canonicalTruthTime":"2026-01-01T00:00:01Z"}'
    )
    systems = (b"tcpStream", b"tcpstream", b"tcp\\u0053tream")
    formats = MessageFormat(TcpStreamDefinition(name="a", port=1), "source")
    batches = list(formats.batches([envelope % system for system in systems], 1))
    assert [b'"s":"tcpstream"' in batch.data for batch in batches] == [True]
    assert formats.too_large == 0
