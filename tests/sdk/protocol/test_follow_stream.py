"""Following a connection is a request of edges to their reader, and of nobody else."""

from __future__ import annotations

import pytest

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.edge import decode_edge_request
from nova.sdk.protocol.follow_stream import (
    FollowEnded,
    FollowStream,
    decode_reader_reply,
    decode_reader_request,
)


def test_an_edge_refuses_it_from_a_client() -> None:
    """Under the code of any request that does not exist."""
    frame = messages.encode(FollowStream(playback_request_id="f", connection="page-1"))
    assert isinstance(decode_reader_request(frame), FollowStream)
    with pytest.raises(ProtocolError, match="followStream") as refused:
        decode_edge_request(frame)
    assert refused.value.code == "badRequest"


@pytest.mark.parametrize("member", ['"connection":""', '"connection":"a","rate":1'])
def test_a_reader_names_what_is_wrong_with_it(member: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        decode_reader_request('{"type":"followStream","playbackRequestId":"f",' + member + "}")
    assert refused.value.code == "badRequest"


def test_replies_of_a_reader_are_decoded() -> None:
    ended = FollowEnded(playback_request_id="f")
    assert decode_reader_reply(messages.encode(ended)) == ended
    error = messages.Error(code="busy", message="later")
    assert decode_reader_reply(messages.encode(error)) == error
    with pytest.raises(ProtocolError, match="badReply"):
        decode_reader_reply("{}")
