"""Streams are read from the text of envelopes with the same result as by parsing."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.drivers.driver_stream import StreamCache, marker_of, stream_of
from nova.sdk.events.event import check
from tests.core.filing import arrivals

NAMES = st.sampled_from(["a", "b", "Note:x"])
VERSIONS = st.text(alphabet=st.sampled_from('1"\\,:pay lod'), min_size=1, max_size=12)
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000001+01:00"])


def stored(version: str, kind: str, unit: str, time: str, trap: str) -> bytes:
    """A stored parsed envelope whose payload looks like its header."""
    envelope = {
        "scopeId": "sat",
        "lane": "parsed",
        "systemId": "s",
        "containerId": "c",
        "uniqueId": unit,
        "sourceTruthTime": time,
        "messageType": kind,
        "schemaVersion": version,
        "payload": {"schemaVersion": trap, "payload": {"messageType": "x"}},
    }
    return check(msgspec.json.encode(envelope)).stamped(1)


@given(st.lists(st.tuples(VERSIONS, NAMES, NAMES.filter(lambda n: ":" not in n), TIMES, VERSIONS)))
def test_the_text_tells_the_stream(rows: list[tuple[str, str, str, str, str]]) -> None:
    """Quotes, commas and members of the same name inside values mislead nobody."""
    streams = StreamCache()
    events = [stored(*row) for row in rows]
    for event in [*events, *events]:
        assert streams.of(event) == stream_of(event)
    marks = [(stream_of(event), marker_of(event, stream_of(event))) for event in events]
    for event in events:
        for stream, mark in marks:
            same = stream_of(event)._replace(schema_version="") == stream._replace(
                schema_version=""
            )
            if same and event.startswith(mark.text, mark.offset):
                assert stream_of(event) == stream


def test_every_lane_is_told() -> None:
    """Raw frames have no type, ui events one for all views."""
    streams = StreamCache()
    events = [check(record.value).stamped(1) for record in arrivals(60)]
    told = {streams.of(event) for event in events}
    assert told == {stream_of(event) for event in events}
    kinds = {(stream.lane, stream.stream_type) for stream in told}
    assert {("raw", "raw"), ("ui", "UiUpdate"), ("metadata", "Note:x")} <= kinds
    assert {stream.target_id for stream in told} == {"sat|bus|CON|u0", "sat|bus|CON|u1"}
