"""The stream filter: no frame of a replaced stream passes (A-140…A-142, AMB-29, AMB-36)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.edge.stream_filter import STREAMED_LANES, StreamFilter
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import Lane
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    CancelStream,
    Filters,
    SetCursor,
    StartStream,
    StreamCancelled,
    TimelineMode,
)
from nova.sdk.protocol.replay_gate import REASON_NOT_PRESENT, REASON_READER_LOST, REASON_REPLAY
from nova.sdk.protocol.timeline import StreamGap
from tests.edge.peer import CURSOR, chunk, complete, error, started


def start(playback_id: str, lanes: list[Lane] | None = None) -> StartStream:
    """A request for a stream."""
    return StartStream(
        playback_request_id=playback_id, timeline_mode="REPLAY", filters=Filters(lanes=lanes)
    )


def begin(
    fence: StreamFilter, playback_id: str, mode: TimelineMode = "REPLAY", **given: Any
) -> None:
    """A stream that the reader takes up."""
    fence.start(StartStream(playback_request_id=playback_id, timeline_mode=mode, **given))
    assert fence.passes(started(playback_id))


def test_only_the_latest_stream_passes() -> None:
    """A stream that the reader has taken up fences off the one before."""
    fence = StreamFilter(10)
    assert not fence.passes(chunk("a"))
    fence.start(start("a"))
    assert not fence.passes(chunk("a"))
    assert fence.passes(started("a"))
    assert fence.passes(chunk("a"))
    fence.start(start("b"))
    assert fence.passes(chunk("a"))
    assert not fence.passes(chunk("b"))
    assert fence.passes(started("b"))
    assert not fence.passes(chunk("a"))
    assert not fence.passes(complete("a"))
    assert fence.passes(chunk("b"))


def test_a_refused_start_leaves_the_stream_that_runs() -> None:
    """The running stream loses nothing, whatever else goes wrong meanwhile."""
    fence = StreamFilter(10)
    begin(fence, "a")
    fence.start(start("b"))
    fence.start(start("c"))
    assert fence.passes(error(None))
    assert fence.passes(error("b"))
    assert fence.passes(chunk("a"))
    assert fence.passes(error("c"))
    assert fence.passes(chunk("a"))
    fence.cancel(CancelStream(playback_request_id="c"))
    assert fence.passes(chunk("a")) and fence.passes(complete("a"))


def test_a_start_that_was_cancelled_meanwhile_brings_nothing() -> None:
    """The reader answers both; between them nothing passes, and what it served counts."""
    for name in (None, "b"):
        fence = StreamFilter(10)
        begin(fence, "a", "LIVE")
        fence.start(start("b"))
        fence.cancel(CancelStream(playback_request_id=name))
        assert fence.passes(chunk("a")) == (name == "b")
        assert fence.passes(started("b"))
        assert not fence.passes(chunk("a")) and not fence.passes(chunk("b"))
        assert fence.past_reason() == REASON_REPLAY


def test_a_stream_that_fails_is_over() -> None:
    """The reader names it."""
    fence = StreamFilter(10)
    begin(fence, "a")
    assert fence.passes(error("a"))
    assert not fence.passes(chunk("a"))


@pytest.mark.parametrize("other", ["ab", "", "A", "a-"])
def test_an_id_that_begins_alike_is_another(other: str) -> None:
    """The whole id counts, not its beginning."""
    fence = StreamFilter(10)
    begin(fence, "a")
    assert not fence.passes(chunk(other))


def gap(playback_id: str) -> bytes:
    """A gap as the reader writes it."""
    return messages.encode(
        StreamGap(
            playback_request_id=playback_id, from_time=CURSOR, to_time=CURSOR, shed=3, reason="slow"
        )
    )


def test_gaps_pass_with_their_stream_and_with_no_other() -> None:
    """What is said of a stream that is no longer wanted is dropped like its chunks."""
    fence = StreamFilter(10)
    assert not fence.passes(gap("a"))
    begin(fence, "a")
    assert fence.passes(gap("a"))
    assert not fence.passes(gap("ab"))
    begin(fence, "b")
    assert not fence.passes(gap("a"))
    fence.cancel(CancelStream())
    assert not fence.passes(gap("b"))


def test_after_a_cancel_nothing_passes_until_the_next_start() -> None:
    """Cancelling without a name cancels whatever there is."""
    fence = StreamFilter(10)
    begin(fence, "a")
    fence.cancel(CancelStream())
    assert not fence.passes(chunk("a"))
    begin(fence, "b")
    fence.cancel(CancelStream(playback_request_id="a"))
    assert fence.passes(chunk("b"))
    fence.cancel(CancelStream(playback_request_id="b"))
    assert not fence.passes(chunk("b"))


def test_nothing_follows_the_end_of_a_stream() -> None:
    """The end passes once."""
    fence = StreamFilter(10)
    begin(fence, "a")
    assert fence.passes(complete("a"))
    assert not fence.passes(complete("a"))
    assert not fence.passes(chunk("a"))


def test_a_lost_reader_takes_the_stream_with_it() -> None:
    """The lost id is named, so that the client can resume."""
    fence = StreamFilter(10)
    assert fence.reader_lost() is None
    begin(fence, "a")
    assert fence.reader_lost() == "a"
    assert fence.reader_lost() is None
    assert not fence.passes(chunk("a"))


def test_a_stream_that_its_reader_ended_is_not_named_again() -> None:
    """The client has its cursor; where it is in time remains."""
    fence = StreamFilter(10)
    begin(fence, "a")
    reason = fence.past_reason()
    ended = StreamCancelled(playback_request_id="a", reason="shuttingDown", cursor=CURSOR)
    assert fence.passes(messages.encode(ended))
    assert fence.past_reason() == reason
    assert fence.reader_lost() is None
    begin(fence, "b")
    assert fence.reader_lost() == "b"


def test_an_id_is_used_once_even_if_it_was_cancelled() -> None:
    """A refused start leaves the stream that runs alone."""
    fence = StreamFilter(10)
    begin(fence, "a")
    fence.cancel(CancelStream())
    begin(fence, "b")
    with pytest.raises(ProtocolError) as refusal:
        fence.start(start("a"))
    assert refusal.value.code == "playbackRequestIdReused"
    assert fence.passes(chunk("b"))


def test_a_connection_starts_a_bounded_number_of_streams() -> None:
    """Remembering the used ids takes bounded memory."""
    fence = StreamFilter(2)
    fence.start(start("a"))
    fence.start(start("b"))
    with pytest.raises(ProtocolError) as refusal:
        fence.start(start("c"))
    assert refusal.value.code == "tooManyStreams"


@pytest.mark.parametrize("lane", ["raw", "parsed"])
def test_raw_and_parsed_are_not_streamed_to_browsers(lane: Lane) -> None:
    """The error names what is refused, and the id is not used up."""
    fence = StreamFilter(10)
    with pytest.raises(ProtocolError, match=lane) as refusal:
        fence.start(start("a", ["ui", lane]))
    assert refusal.value.code == "lanesNotStreamed"
    fence.start(start("a", ["ui"]))


@pytest.mark.parametrize("lane", ["raw", "parsed", "ui"])
def test_programs_get_the_lanes_that_they_name(lane: Lane) -> None:
    """As they asked for them."""
    asked = start("a", ["ui", lane])
    assert StreamFilter(10, any_lane=True).start(asked) is asked


@pytest.mark.parametrize("lanes", [None, []])
def test_without_lanes_the_streamed_ones_are_asked_for(lanes: list[Lane] | None) -> None:
    """All else of the request stays as it was."""
    asked = start("a", lanes)
    asked.filters.scope_ids = ["sat"]
    sent = StreamFilter(10).start(asked)
    assert sent.filters.lanes == list(STREAMED_LANES)
    assert sent.filters.scope_ids == ["sat"]
    assert sent.playback_request_id == "a"


@given(st.binary())
def test_a_reader_that_writes_chunks_in_another_way_is_fenced_too(tail: bytes) -> None:
    """What begins as a chunk but not as the active one never passes (property)."""
    fence = StreamFilter(10)
    begin(fence, "a")
    assert not fence.passes(b'{"type":"streamChunk","ref":1,"playbackRequestId":"b"' + tail)
    assert not fence.passes(b'{"type":"streamComplete","playbackRequestId":"b"' + tail)


def test_the_past_is_what_the_reader_serves() -> None:
    """A requested mode counts once the reader confirms it; a requested replay counts at once."""
    fence = StreamFilter(10)
    assert fence.past_reason() is None
    fence.start(start("a"))
    assert fence.past_reason() == REASON_REPLAY
    fence.passes(error("a"))
    assert fence.past_reason() is None
    begin(fence, "b")
    fence.passes(complete("b"))
    assert fence.past_reason() == REASON_REPLAY
    fence.start(StartStream(playback_request_id="c", timeline_mode="LIVE"))
    assert fence.past_reason() == REASON_REPLAY
    fence.passes(error("c"))
    assert fence.past_reason() == REASON_REPLAY
    begin(fence, "d", "LIVE")
    assert fence.past_reason() is None
    fence.passes(complete("d"))
    assert fence.past_reason() == REASON_NOT_PRESENT


def test_a_stated_cursor_is_the_past_until_a_stream_is_served() -> None:
    """Or until the client says otherwise, which takes back no more than it has said."""
    fence = StreamFilter(10)
    fence.set_cursor(SetCursor(time=CURSOR))
    assert CURSOR in (fence.past_reason() or "")
    fence.set_cursor(SetCursor())
    assert fence.past_reason() is None
    with pytest.raises(ProtocolError) as refusal:
        fence.set_cursor(SetCursor(time="yesterday"))
    assert refusal.value.code == "badTime" and fence.past_reason() is None
    fence.set_cursor(SetCursor(time=CURSOR))
    fence.start(StartStream(playback_request_id="a", timeline_mode="LIVE"))
    assert fence.past_reason() is not None
    fence.passes(started("a"))
    assert fence.past_reason() is None
    begin(fence, "b")
    fence.set_cursor(SetCursor())
    assert fence.past_reason() == REASON_REPLAY


@pytest.mark.parametrize(
    ("given", "is_lost"),
    [({}, False), ({"start_time": CURSOR}, True), ({"stop_time": CURSOR}, True)],
)
def test_a_lost_reader_leaves_the_safe_side(given: dict[str, Any], is_lost: bool) -> None:
    """A stream that continued, and one of which nobody knows how far it was, is the past."""
    fence = StreamFilter(10)
    fence.reader_lost()
    assert fence.past_reason() is None
    begin(fence, "a", "LIVE", **given)
    fence.cancel(CancelStream())
    fence.reader_lost()
    assert fence.past_reason() == (REASON_READER_LOST if is_lost else None)
    begin(fence, "b", "LIVE")
    assert fence.reader_lost() == "b"
    assert fence.past_reason() == REASON_READER_LOST
    begin(fence, "c", "LIVE")
    assert fence.past_reason() is None
    fence.start(start("d"))
    assert fence.reader_lost() == "d"
    assert fence.past_reason() == REASON_REPLAY
