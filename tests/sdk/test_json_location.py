"""Broken JSON is explained by the member at which it breaks, in time that grows with its length."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, check
from nova.sdk.json_location import locate_encoding_error, locate_json_error
from tests.laws import law

GOOD = (
    b'{"scopeId":"sat","lane":"parsed","systemId":"s","containerId":"c","uniqueId":"u",'
    b'"sourceTruthTime":"2026-01-01T00:00:00Z","messageType":"Battery","schemaVersion":"1",'
    b'"payload":{"volts":28.5,"text":"a\\"b","deep":[{"x":1}]}}'
)


@pytest.mark.parametrize(
    ("record", "member"),
    [
        (b'{"a":1,"b":tru}', "b"),
        (b'{"a":{"x":[1,2,}],"b":1}', "a"),
        (b'{"a":"\\ud800","b":1}', "a"),
        (b'{"a":"\\ud83d\\ude00","b":"\\udc00"}', "b"),
        (b'{"a":"ok","b":"unfini', "b"),
        (b'{"a":1}garbage', ""),
        (b"", ""),
        (b"\\", ""),
        (b'{"say \\"hi\\"":nope}', 'say \\"hi\\"'),
    ],
)
def test_the_member_that_breaks_is_named(record: bytes, member: str) -> None:
    """A-078: a reason that helps whoever wrote the producer."""
    with pytest.raises(EnvelopeError) as caught:
        check(record)
    assert (caught.value.code, caught.value.member) == ("malformed", member)
    assert not member or repr(member) in caught.value.reason


def test_bytes_that_are_no_utf8_are_found() -> None:
    """A-078: the same for encodings."""
    assert locate_encoding_error(b'{"a":"x","b":"\xff"}')[0] == "b"
    assert locate_encoding_error(b"\xff")[0] == ""
    assert "UTF-8" in locate_encoding_error(b'{"a":"\xc3')[1]


HOSTILE = {
    "quotes in an unfinished text": b'{"a":"' + b'\\"' * 500_000 + b"\\",
    "quotes and then a break": b'{"a":"' + b'\\"' * 500_000 + b'":x}',
    "quotes only": b'"' * 1_000_000,
    "backslashes": b'{"a":"' + b"\\" * 1_000_001,
    "halves of pairs": b'{"a":"' + b"\\ud800" * 170_000 + b'"}',
    "whole pairs": b'{"a":"' + b"\\ud83d\\ude00" * 80_000 + b'"',
    "open objects": b'{"a":' * 200_000,
    "open lists": b"[" * 1_000_000,
    "keys": b'{"a":1,' + b'"k":1,' * 160_000,
    "no UTF-8": b'{"a":"' + b'\\"' * 500_000 + b'\xff"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_refused_while_others_wait(name: str) -> None:
    """Pitfalls row 17: a poison record never blocks; were it quadratic this would take hours."""
    assert len(HOSTILE[name]) <= ENVELOPE_MAX_BYTES
    with pytest.raises(EnvelopeError) as caught:
        check(HOSTILE[name])
    assert len(caught.value.reason) < 1_000


@law(300)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4))
def test_any_break_is_explained(place: int, noise: bytes) -> None:
    """A-078: mutations of a good envelope are taken or refused, never anything else."""
    record = GOOD[:place] + noise + GOOD[place + len(noise) :]
    try:
        check(record)
    except EnvelopeError as error:
        assert error.reason
        if error.code != "malformed" or not error.member:
            return
        assert error.member in record.decode(errors="replace")


@given(st.binary(max_size=80), st.text(max_size=20))
@settings(deadline=None)
def test_any_bytes_and_any_complaint_have_an_explanation(record: bytes, complaint: str) -> None:
    """The explanation itself never fails."""
    assert locate_json_error(record, complaint)[1]
    assert locate_json_error(record, f"JSON is malformed: x (byte {len(record)})")[1]


def test_good_json_is_good() -> None:
    """The envelope that is mutated above is one."""
    assert json.loads(GOOD)["payload"]["text"] == 'a"b'
    assert check(GOOD).series.message_type == "Battery"
