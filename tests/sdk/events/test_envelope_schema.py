"""Schemas of envelopes say the kinds of the fields in their bodies."""

from __future__ import annotations

import pytest

from nova.sdk.events.envelope_schema import envelope_schema


@pytest.mark.parametrize(("lane", "body"), [("parsed", "payload"), ("ui", "data")])
def test_fields_are_members_of_the_body(lane: str, body: str) -> None:
    fields = [
        ("gps.lat", "number"),
        ("on", "boolean"),
        ("gps", "string"),
        ("gps.fix.kind", "string"),
    ]
    schema = envelope_schema(lane, "UiUpdate", fields)
    fix = {"type": "object", "properties": {"kind": {"type": "string"}}}
    gps = {"type": "object", "properties": {"fix": fix, "lat": {"type": "number"}}}
    assert schema["properties"][body] == {
        "type": "object",
        "properties": {"gps": gps, "on": {"type": "boolean"}},
    }
    assert schema["properties"]["sourceTruthTime"] == {"type": "string"}
    assert schema["properties"]["canonicalTruthTime"] == {"type": "string"}
    assert envelope_schema(lane, "UiUpdate")["properties"][body] == {"type": "object"}


def test_frames_have_no_fields() -> None:
    assert "payload" not in envelope_schema("raw", "", [("x", "number")])["properties"]


def test_what_no_lane_has_is_anything() -> None:
    assert envelope_schema("command", "NoSuchType", [("x", "number")]) == {}
