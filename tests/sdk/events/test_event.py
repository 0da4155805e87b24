"""The validator: accepted and refused envelopes, and errors that name member and rule."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import address as addresses
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.canonical import canonical_json
from nova.sdk.events.envelope import ALL_ENVELOPES, AUDIT_TYPES
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, Event, address_of, check, check_stored
from tests.golden import Vector, vectors

HEADER: dict[str, object] = {
    "scopeId": "sat",
    "lane": "parsed",
    "systemId": "bus",
    "containerId": "eps",
    "uniqueId": "battery",
    "sourceTruthTime": "2026-01-01T00:00:00Z",
}
PARSED: dict[str, object] = {"messageType": "Battery", "schemaVersion": "1", "payload": {"v": 1}}
COMMAND: dict[str, object] = {"commandId": "c1", "targetId": "battery", "commandType": "heater.set"}
PERCENT = "progressPercent"
REQUEST: dict[str, object] = {
    "messageType": "CommandRequest",
    **COMMAND,
    "requestId": "r1",
    "timelineMode": "LIVE",
    "payload": {},
}
EFFECTIVE: dict[str, object] = {"effectiveTime": "2026-01-01T00:00:00+01:00"}
MANIFEST: dict[str, object] = {"manifestId": "gps", "manifestVersion": "1.0.0", "viewId": "gps"}

GOOD: dict[str, tuple[str, dict[str, object]]] = {
    "raw": ("raw", {"bytes": "AAEC", "connectionId": "tcp-1", "sequence": 2**64 - 1}),
    "parsed": ("parsed", PARSED),
    "ui": ("ui", {"messageType": "UiUpdate", **MANIFEST, "data": {"lat": 1.5}}),
    "request": ("command", REQUEST),
    "progress": ("command", {"messageType": "CommandProgress", **COMMAND, "progressPercent": 50.5}),
    "result": ("command", {"messageType": "CommandResult", **COMMAND, "status": "success"}),
    "descriptor": (
        "metadata",
        {
            "messageType": "ProducerDescriptor",
            "capabilities": ["command:heater.set"],
            "schemaVersion": "1",
            **EFFECTIVE,
        },
    ),
    "manifest": (
        "metadata",
        {
            "messageType": "ManifestPublished",
            **MANIFEST,
            "entityType": "gps",
            "allowedKeys": {},
            **EFFECTIVE,
        },
    ),
    "binding": (
        "metadata",
        {
            "messageType": "DriverBinding",
            "targetId": "sat|bus|eps|battery",
            "targetLane": "raw",
            "streamType": "raw",
            "driverId": "rawBinary",
            "driverVersion": "1",
            **EFFECTIVE,
        },
    ),
    "other metadata": ("metadata", {"messageType": "ModeChanged", "payload": {}}),
    **{name: ("metadata", {"messageType": name, "payload": {}}) for name in AUDIT_TYPES},
}


def envelope(
    lane: str = "parsed", body: dict[str, object] | None = None, /, **changes: object
) -> bytes:
    """An envelope with changes; a member set to `...` is left out."""
    members = {**HEADER, "lane": lane, **(PARSED if body is None else body), **changes}
    return msgspec.json.encode({name: value for name, value in members.items() if value is not ...})


def chat(**changes: object) -> bytes:
    """A ChatMessage of the whole scope."""
    body: dict[str, object] = {
        "messageType": "ChatMessage",
        "authorDisplayName": "Ada",
        "content": "hello",
        "uniqueId": "__scope__",
        "systemId": ...,
        "containerId": ...,
    }
    return envelope("metadata", {**body, **changes})


def refusal(record: bytes, address: str | None = None) -> EnvelopeError:
    """Why a record is refused."""
    with pytest.raises(EnvelopeError) as caught:
        check(record, address_of(address))
    return caught.value


@pytest.mark.parametrize("name", GOOD)
def test_every_envelope_is_taken(name: str) -> None:
    """A-093…A-103: each type of nova.md §3, and its stored form proves itself."""
    event = check(envelope(*GOOD[name]))
    assert type(event.envelope) in ALL_ENVELOPES
    again, canonical_ns = check_stored(event.stamped(7))
    assert (again.event_id, again.series, again.source_ns) == (
        event.event_id,
        event.series,
        event.source_ns,
    )
    assert canonical_ns == 7


def test_all_types_were_tried() -> None:
    """The table above leaves no struct out."""
    kinds = {type(check(envelope(*good)).envelope) for good in GOOD.values()}
    assert kinds | {type(check(chat()).envelope)} == set(ALL_ENVELOPES)


@pytest.mark.parametrize("name", GOOD)
def test_every_missing_member_is_named(name: str) -> None:
    """A-078, A-079: what is required cannot be left out or null."""
    lane, body = GOOD[name]
    optional = {"connectionId", "sequence", "systemId", "containerId", "uniqueId"}
    for member in (*HEADER, *body):
        if member in optional or member == "messageType":
            continue
        assert member in refusal(envelope(lane, body, **{member: ...})).reason
        refused = refusal(envelope(lane, body, **{member: None}))
        assert refused.member == member or member in refused.reason


@pytest.mark.parametrize(
    ("record", "code", "member"),
    [
        (b"", "malformed", ""),
        (b"{", "malformed", ""),
        (b"[1]", "wrongType", ""),
        (envelope() + b"x", "malformed", ""),
        (b"\xff", "malformed", ""),
        (envelope()[:-4], "malformed", "payload"),
        (envelope().replace(b'{"v":1}', b'{"v":NaN}'), "malformed", "payload"),
        (envelope().replace(b'{"v":1}', b'{"v":1e400}'), "badValue", "payload[...]"),
        (envelope().replace(b'{"v":1}', b'{"v":"\\ud800"}'), "malformed", "payload"),
        (envelope().replace(b'{"v":1}', b'{"\\udc00":1}'), "malformed", "payload"),
        (envelope().replace(b'{"v":1}', b'{"v":9007199254740992}'), "notCanonical", "payload"),
        (envelope().replace(b"1}", b"[" * 20_000 + b"]" * 20_000 + b"}"), "malformed", ""),
        (envelope(colour=1), "unknownMember", "colour"),
        (
            envelope(canonicalTruthTime="2026-01-01T00:00:00Z"),
            "unknownMember",
            "canonicalTruthTime",
        ),
        (envelope("raw", {"bytes": "AA==", "messageType": "x"}), "unknownMember", "messageType"),
        (envelope("raw", {"bytes": "A"}), "badValue", "bytes"),
        (envelope("raw", {"bytes": "AA==", "sequence": -1}), "badValue", "sequence"),
        (envelope("raw", {"bytes": "AA==", "sequence": 2**64}), "badValue", "sequence"),
        (envelope(messageType=7), "wrongType", "messageType"),
        (envelope(messageType="a b"), "badValue", "messageType"),
        (envelope("sky"), "badValue", "lane"),
        (envelope(scopeId="a.b"), "badValue", "scopeId"),
        (envelope(uniqueId="x" * 65), "badValue", "uniqueId"),
        (envelope(uniqueId=3), "wrongType", "uniqueId"),
        (envelope(uniqueId=...), "missingMember", "uniqueId"),
        (envelope(sourceTruthTime="2026-01-01T00:00:00"), "badTime", "sourceTruthTime"),
        (envelope(sourceTruthTime="2026-01-01T00:00:00.1234567890Z"), "badTime", "sourceTruthTime"),
        (envelope(sourceTruthTime="3000-01-01T00:00:00Z"), "badTime", "sourceTruthTime"),
        (envelope(eventId="0" * 64), "eventIdMismatch", "eventId"),
        (envelope("command", {**REQUEST, "timelineMode": "REPLAY"}), "badValue", "timelineMode"),
        (envelope("command", {**REQUEST, "timelineMode": 1}), "wrongType", "timelineMode"),
        (envelope("command", {**GOOD["progress"][1], "progressPercent": 101}), "badValue", PERCENT),
        (
            envelope("command", {**GOOD["progress"][1], "progressPercent": -0.1}),
            "badValue",
            PERCENT,
        ),
        (
            envelope("command", {**GOOD["progress"][1], "progressPercent": "5"}),
            "wrongType",
            PERCENT,
        ),
        (envelope("command", {**GOOD["result"][1], "status": "maybe"}), "badValue", "status"),
        (envelope(schemaVersion=""), "badValue", "schemaVersion"),
        (envelope().replace(b'"v":1', b'"v":' + b"1" * 5_000), "badValue", "payload[...]"),
        (envelope().replace(b'"v":1', b'"v":' + b"1" * 4_000), "notCanonical", "payload"),
        (envelope("command", {"messageType": "Order"}), "badValue", "messageType"),
        (envelope("command", {}), "badValue", "messageType"),
        (
            envelope("metadata", {**GOOD["descriptor"][1], "effectiveTime": "now"}),
            "badTime",
            "effectiveTime",
        ),
        (envelope(uniqueId="__scope__"), "badValue", "uniqueId"),
        (chat(systemId="bus"), "idConflict", "uniqueId"),
        (chat(uniqueId="ada", systemId="a", containerId="b"), "badValue", "uniqueId"),
    ],
    ids=str,
)
def test_bad_records_are_refused_by_name(record: bytes, code: str, member: str) -> None:
    """A-077…A-079, AMB-04…AMB-12: one clear error with its rule and its member."""
    refused = refusal(record)
    assert (refused.code, refused.member) == (code, member), refused.reason


def test_the_size_limit_is_exact() -> None:
    """1 MiB is taken, one byte more is not."""
    room = ENVELOPE_MAX_BYTES - len(envelope(payload={"v": ""}))
    assert check(envelope(payload={"v": "x" * room})).source_ns
    assert refusal(envelope(payload={"v": "x" * (room + 1)})).code == "tooLarge"


def test_a_larger_limit_holds_for_stored_envelopes_too() -> None:
    """What was taken under a setting can be proved whatever the setting is now."""
    event = check(envelope(payload={"v": "x" * 3 * ENVELOPE_MAX_BYTES}), max_bytes=2**23)
    assert check_stored(event.stamped(1))[0].event_id == event.event_id


@pytest.mark.parametrize("name", GOOD)
def test_a_stored_envelope_has_one_text(name: str) -> None:
    """Other texts of the same values, and members that are there twice, are no stored envelopes."""
    stored = check(envelope(*GOOD[name])).stamped(7)
    time, body = stored.index(b',"sourceTruthTime":'), stored[:-1]
    twice = stored[time : stored.index(b",", time + 1)]
    others = [body + member + b"}" for member in (twice, b',"extra":1', b',"payload":{"v":2}')]
    others += [stored + b" ", body + b" }", stored[:time] + b" " + stored[time:]]
    others += [b'{"eventId":"x",' + stored[1:], stored[:time] + twice + stored[time:]]
    for other in others:
        with pytest.raises(EnvelopeError):
            check_stored(other)


def test_the_address_fills_gaps_and_must_agree() -> None:
    """A-076, A-077, A-106, AMB-11: envelope and address are two sources of one truth."""
    address = "nova.sat.parsed.bus.eps.battery.v1"
    bare = envelope(scopeId=..., lane=..., systemId=..., containerId=..., uniqueId=...)
    assert check(bare, addresses.parse(address)).event_id == check(envelope()).event_id
    for member, other in (("scopeId", "x"), ("lane", "ui"), ("systemId", "x"), ("uniqueId", "x")):
        refused = refusal(envelope(**{member: other}), address)
        assert (refused.code, refused.member) == ("idConflict", member)
    assert refusal(envelope(), "nova.sat.parsed").code == "badAddress"


def test_command_addresses_say_what_their_envelope_says() -> None:
    """A-186, A-187, AMB-19: token 4 is the requestId, or commandId and messageType."""
    request, progress = envelope(*GOOD["request"]), envelope(*GOOD["progress"])
    assert check(request, addresses.parse("nova.sat.command.r1.v1"))
    assert check(progress, addresses.parse("nova.sat.command.c1:CommandProgress.v1"))
    assert refusal(request, "nova.sat.command.r2.v1").member == "requestId"
    assert refusal(progress, "nova.sat.command.c1:CommandResult.v1").member == "commandId"


def test_chat_is_of_the_whole_scope() -> None:
    """AMB-10: `__scope__` and absent ids are the same, in hash and in store."""
    spelled = check(chat(systemId="__scope__", containerId="__scope__"))
    assert check(chat()).event_id == spelled.event_id
    assert b'"systemId":"__scope__"' in check(chat()).body


def test_null_optional_members_count_as_absent() -> None:
    """nova.md §3: null and absent are one event."""
    result = GOOD["result"][1]
    plain = check(envelope("command", result))
    assert check(envelope("command", {**result, "result": None})).event_id == plain.event_id


def test_equal_content_is_one_event_however_it_is_spelled() -> None:
    """A-063, A-117: the spelling of time and numbers does not matter, content does."""
    plain = check(envelope())
    spelled = envelope(sourceTruthTime="2026-01-01T01:00:00.000+01:00").replace(
        b'"v":1', b'"v":1.0'
    )
    assert check(spelled).event_id == plain.event_id
    assert b"2026-01-01T01:00:00.000+01:00" in check(spelled).body
    assert check(envelope(payload={"v": 2})).event_id != plain.event_id
    assert check(envelope("raw", {"bytes": "AA==", "sequence": 1})).event_id == (
        check(envelope("raw", {"bytes": "AA==", "sequence": 2})).event_id
    )


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_nothing_else(record: bytes) -> None:
    """Pitfalls row 17: poison is an EnvelopeError, never a crash."""
    refusal(record)


@given(st.data())
def test_mutated_envelopes_are_taken_or_refused(data: st.DataObject) -> None:
    """One changed byte gives an event that proves itself, or an error in words."""
    record = bytearray(envelope(*GOOD[data.draw(st.sampled_from(sorted(GOOD)))]))
    record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    try:
        event: Event = check(bytes(record))
    except EnvelopeError as error:
        assert error.reason
        return
    assert check_stored(event.stamped(1))[0].event_id == event.event_id


def test_golden_vectors() -> None:
    """A-065…A-075: ids, normal times and canonical payloads as another language made them."""
    for vector in vectors():
        assert_is_taken(vector)


def assert_is_taken(vector: Vector) -> None:
    """An envelope of another language becomes the event that it became there."""
    event = check(msgspec.json.encode(vector.envelope))
    assert event.event_id.hex() == vector.event_id
    if vector.canonical_payload is not None:
        payload = msgspec.json.decode(vector.canonical_payload, type=dict[str, object])
        assert canonical_json(payload).decode() == vector.canonical_payload
