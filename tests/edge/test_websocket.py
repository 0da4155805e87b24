"""A client's session at `/ws`: token first, requests forwarded, frames passed on (A-153, A-272)."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from nova.edge.edge_config import EdgeLimits
from nova.edge.websocket import CLOSE_UNAUTHORIZED
from nova.sdk.client.client import Client as SdkClient
from nova.sdk.default_view import DefaultView
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    REQUEST_MAX_BYTES,
    Auth,
    Authenticated,
    CancelStream,
    Error,
    Filters,
    Latest,
    Query,
    SetCursor,
    StartStream,
    StreamCancelled,
)
from nova.sdk.protocol.submission import SubmitChat
from tests.edge.peer import CURSOR, Peer, chunk, complete, error, start, started
from tests.edge.server import RunningEdge, running_edge


async def test_a_good_token_opens_the_session(edge: RunningEdge) -> None:
    """The reply repeats the ref and says who and until when."""
    token = await edge.token()
    async with edge.socket() as client:
        await client.send(Auth(token=token, ref="first"))
        reply = await client.receive()
    assert isinstance(reply, Authenticated)
    assert (reply.ref, reply.user, reply.role) == ("first", "admin", "admin")
    assert reply.expires_at is not None and reply.expires_at.endswith("Z")


async def test_the_welcome_holds_what_screens_open_on(tmp_path: Path, peer: Peer) -> None:
    """An instance with a default view sends it to everyone who logs in."""
    view = DefaultView(panel="plots", command_type="pump.set")
    async with running_edge(tmp_path, peer.socket, default_view=view) as edge:
        token = await edge.token()
        async with edge.socket() as client:
            await client.send(Auth(token=token))
            reply = await client.receive()
    assert isinstance(reply, Authenticated)
    assert reply.default_view == view


@pytest.mark.parametrize(
    "first",
    [
        '{"type":"auth","token":"a.b.c","ref":7}',
        '{"type":"auth","token":5,"ref":7}',
        '{"type":"auth","ref":7}',
        '{"type":"query","ref":7}',
        '{"type":"auth","token":"a.b.c","ref":7,"user":"admin"}',
    ],
)
async def test_whatever_comes_first_but_a_good_token_is_refused(
    edge: RunningEdge, first: str
) -> None:
    """An error with the ref, then the close code that says: log in."""
    async with edge.socket() as client:
        await client.send_text(first)
        assert await client.error() == ("unauthorized", 7)
        assert await client.close_code() == CLOSE_UNAUTHORIZED


@pytest.mark.parametrize("first", ["", "x", "[" * 30_000, '{"type":"auth","token":"\\ud800"}'])
async def test_a_first_frame_that_is_no_json_is_refused(edge: RunningEdge, first: str) -> None:
    """Malformed frames end in words, not in a crash."""
    async with edge.socket() as client:
        await client.send_text(first)
        assert await client.error() == ("unauthorized", None)
        assert await client.close_code() == CLOSE_UNAUTHORIZED


async def test_a_binary_first_frame_is_refused(edge: RunningEdge) -> None:
    """Frames are text."""
    token = await edge.token()
    async with edge.socket() as client:
        await client.ws.send_bytes(messages.encode(Auth(token=token)))
        assert await client.close_code() == CLOSE_UNAUTHORIZED


async def test_who_says_nothing_is_sent_away(tmp_path: Path, peer: Peer) -> None:
    """There is a deadline for the first frame."""
    limits = EdgeLimits(auth_timeout_s=0.05)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge, edge.socket() as client:
        assert await client.error() == ("unauthorized", None)
        assert await client.close_code() == CLOSE_UNAUTHORIZED


async def test_a_silent_session_ends_when_its_token_expires(tmp_path: Path, peer: Peer) -> None:
    """Nobody stays in on an old token (pitfalls 28)."""
    limits = EdgeLimits(token_lifetime_s=2)
    async with running_edge(tmp_path, peer.socket, limits=limits) as edge, edge.client() as client:
        assert await client.error() == ("unauthorized", None)
        assert await client.close_code() == CLOSE_UNAUTHORIZED


async def test_a_silent_session_ends_when_its_user_is_disabled(tmp_path: Path, peer: Peer) -> None:
    """So does its upstream connection."""
    limits = EdgeLimits(access_check_s=0.05, access_cache_s=0.05)
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.new_client("ann") as client,
    ):
        connection = await peer.connection(client)
        edge.users.set_enabled("ann", False)
        assert await client.close_code() == CLOSE_UNAUTHORIZED
        await connection.wait_closed()


async def test_every_request_is_checked(tmp_path: Path, peer: Peer) -> None:
    """A request after the user was disabled is not forwarded (A-271)."""
    limits = EdgeLimits(access_check_s=3600, access_cache_s=0, users_poll_s=3600)
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.new_client("ann") as client,
    ):
        connection = await peer.connection(client)
        edge.users.set_enabled("ann", False)
        await client.send(Query(ref=3))
        assert await client.error() == ("unauthorized", 3)
        assert await client.close_code() == CLOSE_UNAUTHORIZED
        await connection.wait_closed()
        assert connection.requests.empty()


async def test_requests_are_forwarded_and_replies_come_byte_for_byte(
    edge: RunningEdge, peer: Peer
) -> None:
    """A bounded query may read any lane (AMB-29); what the reader writes is not parsed."""
    request = Query(ref="q1", limit=5, filters=Filters(lanes=["raw", "parsed"], scope_ids=["sat"]))
    answer = b'{"type":"queryResponse","ref":"q1","events":[{"b" : 1.0e2, "b":"\\u00e9"}] }'
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(request)
        assert await connection.take() == request
        await connection.send(answer)
        assert await client.frame() == answer


@pytest.mark.parametrize(
    ("frame", "ref", "words"),
    [
        ("", None, ""),
        ("{", None, ""),
        ("[]", None, ""),
        ('{"ref":1}', 1, "type"),
        ('{"type":"nothing","ref":1}', 1, "nothing"),
        ('{"type":"auth","ref":1}', 1, "token"),
        ('{"type":"query","ref":1,"limit":"many"}', 1, "limit"),
        ('{"type":"query","ref":1,"limit":10001}', 1, "limit"),
        ('{"type":"query","ref":1,"colour":"red"}', 1, "colour"),
        ('{"type":"query","ref":1,"filters":{"lanes":["green"]}}', 1, "lanes"),
        ('{"type":"startStream","ref":"s","timelineMode":"LIVE"}', "s", "playbackRequestId"),
        (
            '{"type":"startStream","ref":"s","timelineMode":"LIVE","playbackRequestId":"a\\"b"}',
            "s",
            "playbackRequestId",
        ),
        ("[" * 30_000, None, ""),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_bad_request_is_named_and_the_connection_stays_open(
    edge: RunningEdge, peer: Peer, frame: str, ref: str | int | None, words: str
) -> None:
    """Nothing of it reaches the reader."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send_text(frame)
        reply = await client.receive()
        assert isinstance(reply, Error)
        assert (reply.code, reply.ref) == ("badRequest", ref)
        assert words in reply.message
        await client.send(Latest(ref=2))
        assert await connection.take() == Latest(ref=2)


async def test_a_binary_request_is_refused_and_the_connection_stays_open(
    edge: RunningEdge, peer: Peer
) -> None:
    """Frames are text."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.ws.send_bytes(b"{}")
        assert await client.error() == ("badRequest", None)
        await client.send(Latest(ref=2))
        assert await connection.take() == Latest(ref=2)


async def test_the_largest_request_passes_and_a_larger_one_closes(
    edge: RunningEdge, peer: Peer
) -> None:
    """1009 before it is buffered (pitfalls 25)."""
    frame = messages.encode(Latest(ref=1)).decode()
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send_text(frame.ljust(REQUEST_MAX_BYTES))
        assert await connection.take() == Latest(ref=1)
        await client.send_text(frame.ljust(REQUEST_MAX_BYTES + 1))
        assert await client.close_code() == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await connection.wait_closed()


async def test_each_client_has_its_own_upstream_which_goes_with_it(
    edge: RunningEdge, peer: Peer
) -> None:
    """So the reader stops a stream whose client is gone (A-140, A-144, A-164)."""
    async with edge.client() as first, edge.client() as second:
        one, two = await peer.connection(first), await peer.connection(second)
        await first.ws.close()
        await one.wait_closed()
        assert not two.closed.is_set()


async def test_a_stream_without_lanes_carries_the_browser_lanes(
    edge: RunningEdge, peer: Peer
) -> None:
    """metadata, command and ui (AMB-29)."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        request = await connection.take()
    assert isinstance(request, StartStream)
    assert request.filters.lanes == ["metadata", "command", "ui"]
    assert (request.playback_request_id, request.rate) == ("a", "max")


async def test_lanes_and_ids_that_streams_may_not_have(edge: RunningEdge, peer: Peer) -> None:
    """Errors with the ref; the reader does not hear of it."""
    async with edge.client(headers={"Origin": edge.url}) as client:
        connection = await peer.connection(client)
        refused = start("a")
        refused.ref, refused.filters.lanes = 1, ["parsed"]
        await client.send(refused)
        assert await client.error() == ("lanesNotStreamed", 1)
        await client.send(start("a"))
        again = start("a")
        again.ref = 2
        await client.send(again)
        assert await client.error() == ("playbackRequestIdReused", 2)
        await client.send(start("b"))
        ids = [await connection.take(), await connection.take()]
        assert [r.playback_request_id for r in ids if isinstance(r, StartStream)] == ["a", "b"]


async def test_chunks_of_a_stream_that_is_not_wanted_any_more_do_not_pass(
    edge: RunningEdge, peer: Peer
) -> None:
    """The stream filter (A-142): a reader that is slow to stop cannot confuse a client."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.begin("a")
        assert await client.frame() == started("a")
        await connection.send(chunk("a"))
        assert await client.frame() == chunk("a")
        await client.send(start("b"))
        await connection.begin("b")
        assert await client.frame() == started("b")
        await connection.send(chunk("a"))
        await connection.send(complete("a"))
        await connection.send(chunk("b"))
        assert await client.frame() == chunk("b")
        await client.send(CancelStream(ref=9))
        await connection.take()
        await connection.send(chunk("b"))
        cancelled = StreamCancelled(ref=9, playback_request_id="b")
        await connection.send(messages.encode(cancelled))
        assert await client.receive() == cancelled


async def test_a_start_that_the_reader_refuses_costs_the_stream_nothing(
    edge: RunningEdge, peer: Peer
) -> None:
    """The running stream loses no chunk, before or after the refusal."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.begin("a")
        assert await client.frame() == started("a")
        await client.send(start("b"))
        await connection.take()
        for frame in (chunk("a", b"1"), error("b"), chunk("a", b"2")):
            await connection.send(frame)
        assert [await client.frame() for _ in range(3)] == [
            chunk("a", b"1"),
            error("b"),
            chunk("a", b"2"),
        ]


def padded(playback_id: str, size: int) -> str:
    """A start that is so large as the client sends it, and larger with the lanes of streams."""
    request = start(playback_id)
    request.filters.message_types = []
    room = size - len(messages.encode(request)) - 2
    request.filters.message_types = ["x" * room]
    frame = messages.encode(request).decode()
    assert len(frame) == size
    return frame


async def test_what_is_too_large_for_the_reader_is_not_sent(edge: RunningEdge, peer: Peer) -> None:
    """The limits of edge and reader are equal, measured on the same bytes."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send_text(padded("a", REQUEST_MAX_BYTES))
        assert await client.error() == ("requestTooLarge", None)
        await client.send_text(padded("b", REQUEST_MAX_BYTES - 200))
        request = await connection.take()
        assert isinstance(request, StartStream) and request.playback_request_id == "b"


async def test_a_client_is_told_what_is_too_large_before_it_is_sent(edge: RunningEdge) -> None:
    """An edge would end the connection over it."""
    async with await SdkClient.to_edge(edge.url, await edge.token()) as client:
        asked = Query(filters=Filters(message_types=["x" * REQUEST_MAX_BYTES]))
        with pytest.raises(ProtocolError, match="requestTooLarge"):
            await anext(client.query(asked))


async def test_a_request_goes_to_the_reader_as_its_client_wrote_it(
    edge: RunningEdge, peer: Peer
) -> None:
    """Numbers and spaces included: written again, they may be longer."""
    frame = '{ "type":"submitCommand","scopeId":"s","commandId":"c","requestId":"r","targetId":"t"'
    frame += ',"commandType":"x","timelineMode":"LIVE","payload":{"x":[' + "1e15," * 9_000 + "1]}}"
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send_text(frame)
        await connection.take()
        assert connection.frames[-1] == frame


async def test_a_cursor_in_the_past_submits_nothing(edge: RunningEdge, peer: Peer) -> None:
    """The edge believes the cursor that a client states, also after the reader was lost."""
    said = SubmitChat(ref="s", scope_id="sat", content="psst", timeline_mode="LIVE")
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(SetCursor(ref=1, time="now"))
        assert await client.error() == ("badTime", 1)
        await client.send(SetCursor(ref=2, time=CURSOR))
        assert await connection.take() == SetCursor(ref=2, time=CURSOR)
        await client.send(said)
        assert await client.error() == ("replayRefused", "s")
        connection.abort()
        assert await client.error() == ("coreUnavailable", None)
        again = await peer.connection()
        assert again.headers["Nova-Replaying"]
        await client.send(said)
        assert await client.error() == ("replayRefused", "s")
        await client.send(SetCursor(ref=3))
        await again.take()
        await client.send(said)
        assert await again.take() == said


async def test_what_is_said_while_the_reader_is_away_counts_when_it_is_back(
    tmp_path: Path, reader_socket: Path
) -> None:
    """The next reader hears of it, whenever in between it was said."""
    peer = Peer(reader_socket)
    async with running_edge(tmp_path, reader_socket) as edge, edge.client() as client:
        await client.send(SetCursor(ref=1, time=CURSOR))
        assert await client.error() == ("coreUnavailable", 1)
        await peer.start()
        assert (await peer.connection()).headers["Nova-Replaying"]
        await peer.stop()


async def test_a_stream_ends_once(edge: RunningEdge, peer: Peer) -> None:
    """After its end nothing of it passes."""
    async with edge.client() as client:
        connection = await peer.connection(client)
        await client.send(start("a"))
        await connection.begin("a")
        assert await client.frame() == started("a")
        for frame in (complete("a"), chunk("a"), complete("a")):
            await connection.send(frame)
        await connection.send(b'{"type":"latestResponse","time":"","events":[]}')
        assert await client.frame() == complete("a")
        assert (await client.frame()).startswith(b'{"type":"latestResponse"')
