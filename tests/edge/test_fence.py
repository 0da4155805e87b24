"""The fence: nothing of a stream that is no longer wanted passes (A-140…A-142, AMB-29, AMB-36)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fence import STREAMED_LANES, Fence
from sdk import protocol
from sdk.envelope import Lane
from sdk.errors import ProtocolError
from sdk.protocol import CancelStream, Filters, StartStream
from sdk.timeline import StreamGap
from tests.edge.peer import CURSOR, chunk, complete


def start(playback_id: str, lanes: list[Lane] | None = None) -> StartStream:
    """A request for a stream."""
    return StartStream(
        playback_request_id=playback_id, timeline_mode="REPLAY", filters=Filters(lanes=lanes)
    )


def test_only_the_latest_stream_passes() -> None:
    """A new startStream fences the old one off, before the reader has even heard of it."""
    fence = Fence(10)
    assert not fence.passes(chunk("a"))
    fence.start(start("a"))
    assert fence.passes(chunk("a"))
    fence.start(start("b"))
    assert not fence.passes(chunk("a"))
    assert not fence.passes(complete("a"))
    assert fence.passes(chunk("b"))


@pytest.mark.parametrize("other", ["ab", "", "A", "a-"])
def test_an_id_that_begins_alike_is_another(other: str) -> None:
    """The whole id counts, not its beginning."""
    fence = Fence(10)
    fence.start(start("a"))
    assert not fence.passes(chunk(other))


def gap(playback_id: str) -> bytes:
    """A gap as the reader writes it."""
    return protocol.encode(
        StreamGap(
            playback_request_id=playback_id, from_time=CURSOR, to_time=CURSOR, shed=3, reason="slow"
        )
    )


def test_gaps_pass_with_their_stream_and_with_no_other() -> None:
    """Issue 5: what is said of a stream that is no longer wanted is dropped like its chunks."""
    fence = Fence(10)
    assert not fence.passes(gap("a"))
    fence.start(start("a"))
    assert fence.passes(gap("a"))
    assert not fence.passes(gap("ab"))
    fence.start(start("b"))
    assert not fence.passes(gap("a"))
    fence.cancel(CancelStream())
    assert not fence.passes(gap("b"))


def test_after_a_cancel_nothing_passes_until_the_next_start() -> None:
    """Cancelling without a name cancels whatever there is."""
    fence = Fence(10)
    fence.start(start("a"))
    fence.cancel(CancelStream())
    assert not fence.passes(chunk("a"))
    fence.start(start("b"))
    fence.cancel(CancelStream(playback_request_id="a"))
    assert fence.passes(chunk("b"))
    fence.cancel(CancelStream(playback_request_id="b"))
    assert not fence.passes(chunk("b"))


def test_nothing_follows_the_end_of_a_stream() -> None:
    """The end passes once."""
    fence = Fence(10)
    fence.start(start("a"))
    assert fence.passes(complete("a"))
    assert not fence.passes(complete("a"))
    assert not fence.passes(chunk("a"))


def test_a_lost_reader_takes_the_stream_with_it() -> None:
    """The id that is lost is told, so that the client can resume."""
    fence = Fence(10)
    assert fence.lose() is None
    fence.start(start("a"))
    assert fence.lose() == "a"
    assert fence.lose() is None
    assert not fence.passes(chunk("a"))


def test_an_id_is_used_once_even_if_it_was_cancelled() -> None:
    """A refused start leaves the stream that runs alone."""
    fence = Fence(10)
    fence.start(start("a"))
    fence.cancel(CancelStream())
    fence.start(start("b"))
    with pytest.raises(ProtocolError) as refusal:
        fence.start(start("a"))
    assert refusal.value.code == "playbackRequestIdReused"
    assert fence.passes(chunk("b"))


def test_a_connection_starts_a_bounded_number_of_streams() -> None:
    """Remembering the used ids takes bounded memory."""
    fence = Fence(2)
    fence.start(start("a"))
    fence.start(start("b"))
    with pytest.raises(ProtocolError) as refusal:
        fence.start(start("c"))
    assert refusal.value.code == "tooManyStreams"


@pytest.mark.parametrize("lane", ["raw", "parsed"])
def test_raw_and_parsed_are_not_streamed_to_browsers(lane: Lane) -> None:
    """The error names what is refused, and the id is not used up."""
    fence = Fence(10)
    with pytest.raises(ProtocolError, match=lane) as refusal:
        fence.start(start("a", ["ui", lane]))
    assert refusal.value.code == "lanesNotStreamed"
    fence.start(start("a", ["ui"]))


@pytest.mark.parametrize("lanes", [None, []])
def test_without_lanes_the_streamed_ones_are_asked_for(lanes: list[Lane] | None) -> None:
    """All else of the request stays as it was."""
    asked = start("a", lanes)
    asked.filters.scope_ids = ["sat"]
    sent = Fence(10).start(asked)
    assert sent.filters.lanes == list(STREAMED_LANES)
    assert sent.filters.scope_ids == ["sat"]
    assert sent.playback_request_id == "a"


@given(st.binary())
def test_a_reader_that_writes_chunks_in_another_way_is_fenced_too(tail: bytes) -> None:
    """What begins as a chunk but not as the active one never passes (property)."""
    fence = Fence(10)
    fence.start(start("a"))
    assert not fence.passes(b'{"type":"streamChunk","ref":1,"playbackRequestId":"b"' + tail)
    assert not fence.passes(b'{"type":"streamComplete","playbackRequestId":"b"' + tail)
