"""AIS: senders, places and names out of one sentence or several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyais import FileReaderStream

from nova.recordings.ais import MISSING_PART, UNREADABLE, AisJoiner, AisMessage
from nova.recordings.logged_line import nmea_checksum
from nova.sdk.events.canonical import canonical_json

PYAIS_NAMES = {
    "type": "msg_type",
    "latitude": "lat",
    "longitude": "lon",
    "speed_knots": "speed",
    "course": "course",
    "heading": "heading",
    "name": "shipname",
    "callsign": "callsign",
    "destination": "destination",
    "ship_type": "ship_type",
}


def checked(content: str) -> bytes:
    """A sentence with its checksum."""
    return f"!{content}*{nmea_checksum(content.encode()):02X}".encode()


PLACE = checked("BSVDM,1,1,,B,13md`u0P00PoLB4V`C8=;wvF24r0,0")
NAME = [
    checked("AIVDM,2,1,3,B,55P5TL01VIaAL@7WKO@mBplU@<PDhh000000001S;AJ::4A80?4i@E53,0"),
    checked("AIVDM,2,2,3,B,1@0000000000000,2"),
]


def test_a_position_report() -> None:
    """Sender, place, speed and course; a heading that is not known is left out."""
    message = AisJoiner().join(PLACE)
    assert isinstance(message, AisMessage)
    assert message.mmsi == "257632500"
    assert message.position == {"latitude": 67.51024, "longitude": 12.11147}
    assert message.fields == {
        "type": 1,
        "mmsi": "257632500",
        "speed_knots": 0.0,
        "course": 337.5,
        **message.position,
    }


def test_a_message_in_two_sentences() -> None:
    """Only the last completes it; another message between them does not disturb."""
    joiner = AisJoiner()
    assert joiner.join(NAME[0]) is None
    assert isinstance(joiner.join(PLACE), AisMessage)
    message = joiner.join(NAME[1])
    assert isinstance(message, AisMessage)
    assert (message.mmsi, message.position) == ("369190000", None)
    assert (message.fields["name"], message.fields["destination"]) == ("MT.MITCHELL", "SEATTLE")


def test_a_part_without_those_before() -> None:
    """It is said, and no message is made of it, nor of a first part that was sent again."""
    joiner = AisJoiner()
    assert joiner.join(NAME[1]) == MISSING_PART
    assert joiner.join(NAME[0]) is None
    assert joiner.join(NAME[0]) is None
    assert isinstance(joiner.join(NAME[1]), AisMessage)
    assert joiner.join(NAME[1]) == MISSING_PART


def test_only_so_many_messages_are_awaited() -> None:
    """The oldest makes room for the newest."""
    joiner = AisJoiner(groups_max=2)
    for group in range(3):
        joiner.join(checked(f"AIVDM,2,1,{group},A,55P5TL01VIaAL@7WKO@mBplU@<PDhh,0"))
    assert joiner.join(checked("AIVDM,2,2,0,A,1@0000000000000,2")) == MISSING_PART
    assert isinstance(joiner.join(checked("AIVDM,2,2,2,A,1@0000000000000,2")), AisMessage)


def test_a_cut_sentence_names_no_sender() -> None:
    """Without its checksum nothing is believed."""
    for cut in range(len(PLACE)):
        assert AisJoiner().join(PLACE[:cut]) == UNREADABLE, cut
        damaged = bytearray(PLACE)
        damaged[cut] ^= 1
        assert AisJoiner().join(bytes(damaged)) in (UNREADABLE, MISSING_PART), cut


@given(st.text("0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw", max_size=82))
def test_any_payload_is_read_or_not(payload: str) -> None:
    """No crash, no place beyond the earth, and whatever comes out can be an event."""
    message = AisJoiner().join(checked(f"AIVDM,1,1,,A,{payload},0"))
    if isinstance(message, AisMessage):
        canonical_json(message.fields)
        assert message.mmsi.isdigit()
        if message.position is not None:
            assert -90 <= float(str(message.position["latitude"])) <= 90


def by_pyais(path: Path) -> list[tuple[str, dict[str, object]]]:
    """Sender and fields of each message, by the names that ours have; unknown values left out."""
    unknown: dict[str, object] = {
        "speed_knots": 102.3,
        "course": 360.0,
        "heading": 511,
        "longitude": 181.0,
    }
    unknown |= {"latitude": 91.0, "name": "", "callsign": "", "destination": ""}
    found: list[tuple[str, dict[str, object]]] = []
    with FileReaderStream(str(path)) as stream:
        for message in stream:
            values: dict[str, Any] = message.decode().asdict()
            named = {ours: values.get(theirs) for ours, theirs in PYAIS_NAMES.items()}
            known = {key: one for key, one in named.items() if one not in (None, unknown.get(key))}
            found.append((f"{values['mmsi']:09d}", known))
    return found


def test_messages_are_those_of_pyais(recordings: Path) -> None:
    """Of a real log: senders, types, places, motion and names of ships."""
    path = recordings / "gps/ais-nmea.log"
    joiner = AisJoiner()
    told = []
    for line in path.read_bytes().splitlines():
        if line.startswith(b"!") and isinstance(message := joiner.join(line), AisMessage):
            fields = {name: one for name, one in message.fields.items() if name in PYAIS_NAMES}
            told.append((message.mmsi, fields))
    expected = by_pyais(path)
    assert len(told) == len(expected) == 171
    for (mmsi, ours), (their_mmsi, theirs) in zip(told, expected, strict=True):
        assert mmsi == their_mmsi
        assert set(ours) <= set(theirs)
        for name, value in ours.items():
            near = pytest.approx(theirs[name], abs=1e-6)
            assert value == (near if isinstance(value, float) else theirs[name]), name
    assert sum("latitude" in fields for _, fields in told) > 100
