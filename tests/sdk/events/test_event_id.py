"""eventId: the golden vectors part by part, and which differences make two events."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.events.canonical import canonical_json
from nova.sdk.events.event import check
from nova.sdk.events.event_id import event_id
from tests.golden import Vector, vectors
from tests.laws import law

HEADER = {
    "eventId",
    "scopeId",
    "lane",
    "systemId",
    "containerId",
    "uniqueId",
    "sourceTruthTime",
    "messageType",
    "canonicalTruthTime",
}


def test_all_vectors_are_there() -> None:
    """Fewer would prove less."""
    assert len(vectors()) == 60
    assert {vector.part("lane") for vector in vectors()} == {
        "raw",
        "parsed",
        "ui",
        "command",
        "metadata",
    }


def test_every_part_of_the_golden_vectors() -> None:
    """A-064…A-075, AMB-03…AMB-07: normal time, canonical bytes and hash, each by itself."""
    for vector in vectors():
        assert_every_part(vector)


def assert_every_part(vector: Vector) -> None:
    """One vector's time, bytes and hash are what another language made."""
    normal = timestamps.normal(vector.part("sourceTruthTime"))
    assert normal == vector.normalized_source_truth_time
    if vector.canonical_payload is None:
        payload = msgspec.convert(vector.envelope["bytes"], bytes)
    else:
        members = vector.envelope.items()
        body = {name: value for name, value in members if name not in HEADER and value is not None}
        payload = canonical_json(body)
        assert payload == vector.canonical_payload.encode()
    identity = (vector.part("systemId"), vector.part("containerId"), vector.part("uniqueId"))
    digest = event_id(
        vector.part("scopeId"),
        vector.part("lane"),
        identity,
        vector.part("messageType"),
        normal,
        payload,
    )
    assert digest.hex() == vector.event_id
    claimed = msgspec.json.encode({**vector.envelope, "eventId": vector.event_id})
    assert check(claimed).event_id == digest


def test_the_framing_of_the_hash() -> None:
    """AMB-04: fields joined by line feeds, ids by bars, the payload behind the last."""
    header = b"eidV1\nsat\nparsed\na|b|c\nBattery\n2026-01-01T00:00:00.000000000Z\n"
    found = event_id(
        "sat", "parsed", ("a", "b", "c"), "Battery", "2026-01-01T00:00:00.000000000Z", b"{}"
    )
    assert found == sha256(header + b"{}").digest()


tokens = st.sampled_from(["", "a", "b", "ab"])
parts = st.tuples(tokens, tokens, st.tuples(tokens, tokens, tokens), tokens, tokens)


@law(300)
@given(parts, parts, st.binary(max_size=3), st.binary(max_size=3))
def test_other_parts_have_another_id(
    one: tuple[str, str, tuple[str, str, str], str, str],
    other: tuple[str, str, tuple[str, str, str], str, str],
    payload: bytes,
    other_payload: bytes,
) -> None:
    """A-063, A-117, AMB-04: no two contents run into each other where fields meet."""
    equal = (one, payload) == (other, other_payload)
    assert (event_id(*one, payload) == event_id(*other, other_payload)) == equal
