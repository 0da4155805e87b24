"""Replies to clients that offer permessage-deflate: large ones are compressed, each by itself,
chunks of streams never, and what such a client sends is bounded once it is unpacked.
"""

from __future__ import annotations

import zlib

import aiohttp
import pytest
from aiohttp import WSMsgType

from nova.edge import compressed_replies
from nova.edge.compressed_replies import MIN_BYTES, STREAM_PREFIX, window_bits_of
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import REQUEST_MAX_BYTES, Auth, Authenticated
from tests.edge.peer import Peer
from tests.edge.server import EdgeClient, RunningEdge

LARGE = b'{"type":"latestResponse","time":"","events":[' + b"1," * MIN_BYTES + b"2]}"
CHUNK = (
    STREAM_PREFIX + b',"playbackRequestId":"x","cursor":"","events":[' + b"1," * MIN_BYTES + b"2]}"
)


class FakeSocket:
    """A socket with a negotiated window."""

    def __init__(self, compress: int | bool) -> None:
        self.compress = compress


@pytest.mark.parametrize(
    ("compress", "frame", "bits"),
    [
        (15, LARGE, 15),
        (9, LARGE, 9),
        (0, LARGE, None),
        (False, LARGE, None),
        (15, LARGE[: MIN_BYTES - 1], None),
        (15, CHUNK, None),
    ],
    ids=["large", "small window", "not negotiated", "not offered", "short", "chunk"],
)
def test_what_is_compressed(compress: int, frame: bytes, bits: int | None) -> None:
    assert window_bits_of(FakeSocket(compress), frame) == bits  # type: ignore[arg-type]


async def test_a_reply_arrives_as_it_was_sent_in_fewer_bytes(
    edge: RunningEdge, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed and other frames follow each other on one connection."""
    asked: list[int | None] = []

    def counted(ws: compressed_replies.Socket, frame: bytes) -> int | None:
        asked.append(window_bits_of(ws, frame))
        return asked[-1]

    monkeypatch.setattr("nova.edge.websocket.window_bits_of", counted)
    token = await edge.token()
    async with edge.http.ws_connect(f"{edge.url}/ws", compress=15) as ws:
        client = EdgeClient(ws)
        await client.send(Auth(token=token))
        assert isinstance(await client.receive(), Authenticated)
        await client.send(messages.Latest())
        connection = await peer.connection()
        await connection.take()
        for frame in (LARGE, b'{"type":"cursorSet","time":""}', LARGE):
            await connection.send(frame)
            assert await client.frame() == frame
    assert asked[-3:] == [15, None, 15]


async def test_what_is_unpacked_of_a_request_is_bounded(edge: RunningEdge) -> None:
    """A few bytes that become many close the connection."""
    packed = _deflated(b" " * (64 * REQUEST_MAX_BYTES))
    assert len(packed) < REQUEST_MAX_BYTES
    async with edge.http.ws_connect(f"{edge.url}/ws", compress=15) as ws:
        await ws.send_str(" " * (64 * REQUEST_MAX_BYTES))
        message = await ws.receive()
        assert message.type is WSMsgType.CLOSE, message
        assert ws.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
