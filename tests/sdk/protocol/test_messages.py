"""The protocol's frames: strict decoding, exact encoding, and no frame that crashes a reader."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Filters, Query, Rejects, StartStream

REQUESTS: tuple[type[messages.Message], ...] = get_args(messages.Request)
REPLIES: tuple[type[messages.Message], ...] = get_args(messages.Reply)

maybe_text = st.none() | st.text(max_size=5)
refs = st.none() | st.text(max_size=5) | st.integers(-(2**53) + 1, 2**53 - 1)
filters = st.builds(
    Filters,
    scope_ids=st.none() | st.lists(st.text(max_size=3), max_size=2),
    lanes=st.none() | st.lists(st.sampled_from(["raw", "ui"]), max_size=2),
    unique_id=maybe_text,
)
requests = st.one_of(
    st.builds(
        Query,
        ref=refs,
        start_time=maybe_text,
        timebase=st.sampled_from([None, "source", "canonical"]),
        filters=filters,
        limit=st.integers(1, 10_000),
        after_key=maybe_text,
        reverse=st.booleans(),
        timeline_mode=st.sampled_from(["LIVE", "REPLAY"]),
    ),
    st.builds(
        StartStream,
        ref=refs,
        playback_request_id=st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z"),
        timeline_mode=st.sampled_from(["LIVE", "REPLAY"]),
        rate=st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(("max", "-max")),
        filters=filters,
    ),
    st.builds(Rejects, ref=refs, after=st.none() | st.integers(0, 2**53 - 1)),
)


@given(requests)
@settings(deadline=None)
def test_requests_read_back_as_they_were_written(request: messages.Request) -> None:
    """A-129…A-138: nothing is lost between the two sides."""
    assert messages.decode_request(messages.encode(request)) == request


def test_every_message_has_its_own_type_in_camel_case() -> None:
    """A-135: one vocabulary, distinguished by `type`."""
    kinds = (*REQUESTS, *REPLIES, messages.Auth)
    tags = [getattr(msgspec.inspect.type_info(kind), "tag", None) for kind in kinds]
    assert len(set(tags)) == len(tags)
    for tag in tags:
        assert isinstance(tag, str) and tag[0].islower() and tag.isalnum()


@pytest.mark.parametrize(
    ("frame", "names_it"),
    [
        (b"", "truncated"),
        (b"null", "object"),
        (b"[]", "object"),
        (b"{", "truncated"),
        (b"{}", "type"),
        (b'{"type":"nonsense"}', "nonsense"),
        (b'{"type":7}', "type"),
        (b'{"type":"query","colour":1}', "colour"),
        (b'{"type":"query","limit":0}', "limit"),
        (b'{"type":"query","limit":10001}', "limit"),
        (b'{"type":"query","limit":"5"}', "limit"),
        (b'{"type":"query","timebase":"local"}', "timebase"),
        (b'{"type":"query","filters":{"lanes":["video"]}}', "filters.lanes"),
        (b'{"type":"query","filters":{"lane":"raw"}}', "lane"),
        (b'{"type":"query","ref":[1]}', "ref"),
        (b'{"type":"query","ref":1180591620717411303424}', "ref"),
        (b'{"type":"query","ref":' + b"1" * 5_000 + b"}", "ref"),
        (b'{"type":"startStream","timelineMode":"LIVE"}', "playbackRequestId"),
        (b'{"type":"startStream","playbackRequestId":"a b","timelineMode":"LIVE"}', "playback"),
        (b'{"type":"startStream","playbackRequestId":"","timelineMode":"LIVE"}', "playback"),
        (b'{"type":"startStream","playbackRequestId":"a","timelineMode":"live"}', "timelineMode"),
        (
            b'{"type":"startStream","playbackRequestId":"a","timelineMode":"LIVE","rate":"fast"}',
            "r",
        ),
        (b'{"type":"rejects","after":-1}', "after"),
        (b'{"type":"rejects","after":18446744073709551616}', "after"),
        (b'{"type":"rejects","limit":1001}', "limit"),
        (b'{"type":"discover","time":5}', "time"),
        (b'\xff{"type":"status"}', ""),
        (b'{"type":"status"} x', "trailing"),
        (b'{"type":"query","ref":"\\ud800"}', ""),
        (b'{"type":' * 20_000, ""),
    ],
    ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_what_is_no_request_is_a_protocol_error_that_names_the_member(
    frame: bytes, names_it: str
) -> None:
    """A-135: one clear error, whatever comes."""
    with pytest.raises(ProtocolError) as caught:
        messages.decode_request(frame)
    assert caught.value.code == "badRequest"
    assert names_it in caught.value.message


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60)))
@settings(deadline=None)
def test_any_frame_is_a_message_or_a_protocol_error(frame: bytes | str) -> None:
    """Pitfalls row 29: a malformed frame never ends a process."""
    messages.ref_of(frame)
    for decode in (messages.decode_request, messages.decode_reply):
        with pytest.raises(ProtocolError):
            decode(frame)


@pytest.mark.parametrize(
    ("frame", "ref"),
    [
        (b'{"ref":7,"type":"nonsense","x":[1,{"a":2}]}', 7),
        (b'{"ref":"abc"}', "abc"),
        (b'{"ref":null}', None),
        (b'{"ref":[1]}', None),
        (b'{"ref":1180591620717411303424}', None),
        (b'{"ref":7', None),
        (b"7", None),
        (b'{"ref":' + b"9" * 5_000 + b"}", None),
    ],
    ids=lambda value: value[:40].decode() if isinstance(value, bytes) else None,
)
def test_an_error_can_be_matched_to_a_frame_that_is_no_request(
    frame: bytes, ref: messages.Ref
) -> None:
    """nova.md §8: the reply carries the ref wherever there is one that can be repeated."""
    assert messages.ref_of(frame) == ref
    messages.encode(messages.Error(ref=messages.ref_of(frame), code="x", message="y"))


EVENTS = [b'{"a":1}', b'{"b":"\xc3\xa9","c":[1,2]}']


@pytest.mark.parametrize("events", [[], EVENTS[:1], EVENTS])
@pytest.mark.parametrize("last_key", [None, "00ff"])
def test_a_chunk_of_stored_envelopes_is_the_message_it_stands_for(
    events: list[bytes], last_key: str | None
) -> None:
    """A-135, A-141: joined frames are what encoding the message would give, bytes untouched."""
    cursor = "2026-01-01T00:00:00.000000000Z"
    reply = messages.decode_reply(messages.chunk_frame("play-1", cursor, events, last_key))
    assert isinstance(reply, messages.StreamChunk)
    assert (reply.playback_request_id, reply.cursor, reply.last_key) == ("play-1", cursor, last_key)
    assert [bytes(event) for event in reply.events] == events


@pytest.mark.parametrize("ref", [None, 0, 5, "a", 'quo"te\\'])
@pytest.mark.parametrize("next_key", [None, "00ff"])
def test_a_page_of_stored_envelopes_is_the_message_it_stands_for(
    ref: messages.Ref, next_key: str | None
) -> None:
    """A-135: the same for replies to queries."""
    extra: dict[str, object] = {} if next_key is None else {"nextKey": next_key}
    reply = messages.decode_reply(messages.events_frame("queryResponse", ref, EVENTS, extra))
    assert isinstance(reply, messages.QueryResponse)
    assert (reply.ref, reply.next_key) == (ref, next_key)
    assert [bytes(event) for event in reply.events] == EVENTS


def test_defaults_are_those_of_the_public_protocol() -> None:
    """A-129, A-130, A-137: what a request that says little means."""
    query = messages.decode_request(b'{"type":"query"}')
    assert query == Query(filters=Filters(), limit=1_000, timeline_mode="REPLAY")
    start = messages.decode_request(
        b'{"type":"startStream","playbackRequestId":"a","timelineMode":"REPLAY","rate":"max"}'
    )
    assert isinstance(start, StartStream) and start.rate == "max"
    plain = messages.decode_request(
        b'{"type":"startStream","playbackRequestId":"a","timelineMode":"REPLAY","rate":-10}'
    )
    assert isinstance(plain, StartStream) and plain.rate == -10.0
