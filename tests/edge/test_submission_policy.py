"""The submission policy of an edge: who may submit what, and the principal that the Core
receives.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.limit_store import LimitStore
from nova.edge.request_limits import RequestLimits
from nova.edge.submission_policy import SubmissionPolicy
from nova.edge.user_store import Role
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.messages import Error, StartStream, StreamCancelled, TimelineMode
from nova.sdk.protocol.replay_gate import REASON_REPLAY
from nova.sdk.protocol.submission import ImportEvents, SubmitChat
from nova.sdk.request_limit import RequestLimit
from tests.edge.peer import Peer, error, started
from tests.edge.server import RunningEdge, running_edge

MODES: tuple[tuple[TimelineMode, bool], ...] = (("REPLAY", False), ("LIVE", True))
"""Modes, and whether something submitted from there is forwarded."""


def access(user: str = "ann", role: Role = "operator") -> Access:
    """The access of a user."""
    return Access(user, "user", role, 2.0**31)


def policy(count: int = 50) -> SubmissionPolicy:
    """A policy that accepts this many submissions of a user."""
    limit = RequestLimit(count, 60.0)
    limits = RequestLimits(LimitStore(None), {"submission": limit}, 0.5)
    return SubmissionPolicy(limits)


def chat(mode: TimelineMode = "LIVE") -> SubmitChat:
    """Something to submit."""
    return SubmitChat(scope_id="sat", content="hello", timeline_mode=mode)


def refusal(
    gate: SubmissionPolicy, who: Access, mode: TimelineMode = "LIVE", replaying: bool = False
) -> str:
    """The code of a refusal, empty if there is none."""
    try:
        gate.check(who, chat(mode), REASON_REPLAY if replaying else None)
    except ProtocolError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("role", "code"), [("viewer", "forbidden"), ("operator", ""), ("admin", "")]
)
def test_the_role_decides(role: Role, code: str) -> None:
    """A-176: viewers look."""
    assert refusal(policy(), access(role=role)) == code


@pytest.mark.parametrize(
    ("role", "code"), [("viewer", "forbidden"), ("operator", "forbidden"), ("admin", None)]
)
def test_imports_are_for_administrators(role: Role, code: str | None) -> None:
    """What they bring speaks in the Core's own name."""
    gate, asked = policy(), ImportEvents(events=["{}"], timeline_mode="LIVE")
    try:
        gate.check(access(role=role), asked, None)
    except ProtocolError as error:
        assert error.code == code
    else:
        assert code is None


def test_nothing_from_a_replay() -> None:
    """A-175, AMB-28: by the field, and by the stream; such attempts cost the user nothing."""
    gate = policy(1)
    for _ in range(3):
        assert refusal(gate, access(), "REPLAY") == "replayRefused"
        assert refusal(gate, access(), replaying=True) == "replayRefused"
    assert refusal(gate, access()) == ""
    assert refusal(gate, access()) == "rateLimited"
    assert refusal(gate, access("bob")) == ""
    assert gate.outcomes == {
        ("submitChat", "replayRefused"): 6,
        ("submitChat", "forwarded"): 2,
        ("submitChat", "rateLimited"): 1,
    }


async def test_a_session_is_in_replay_until_it_goes_live(tmp_path: Path, peer: Peer) -> None:
    """The gate knows what the reader has served last, whether or not it still runs; where
    the reader does not answer, what it had served before.
    """
    limits = EdgeLimits(start_reply_timeout_s=0.1)
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.client() as client,
    ):
        upstream = await peer.connection(client)

        async def answer() -> str:
            await client.send(chat())
            asked = asyncio.ensure_future(upstream.take())
            refused = asyncio.ensure_future(client.receive())
            done, pending = await asyncio.wait({asked, refused}, return_when="FIRST_COMPLETED")
            for task in pending:
                task.cancel()
            reply = done.pop().result()
            return reply.code if isinstance(reply, Error) else "forwarded"

        async def start(mode: TimelineMode, playback_id: str) -> None:
            await client.send(StartStream(playback_request_id=playback_id, timeline_mode=mode))
            await upstream.take()

        async def answered(frame: bytes) -> None:
            await upstream.send(frame)
            assert await client.frame() == frame

        assert await answer() == "forwarded"
        await start("REPLAY", "one")
        assert await answer() == "replayRefused"
        await answered(error("one"))
        assert await answer() == "forwarded"
        await start("REPLAY", "two")
        await answered(started("two"))
        await client.send_text('{"type":"cancelStream"}')
        await upstream.take()
        assert await answer() == "replayRefused"
        await start("LIVE", "three")
        assert await answer() == "replayRefused"
        await answered(error("three"))
        assert await answer() == "replayRefused"
        await start("LIVE", "four")
        await answered(started("four"))
        assert await answer() == "forwarded"


async def test_a_submission_waits_for_the_start_before_it(edge: RunningEdge, peer: Peer) -> None:
    """A client need not wait for its stream: what it sends behind a start is meant as of then."""
    async with edge.client() as client:
        upstream = await peer.connection(client)
        for number, (mode, is_forwarded) in enumerate(MODES):
            playback_id = f"p{number}"
            stream = StartStream(playback_request_id=playback_id, timeline_mode=mode)
            await client.send(stream)
            await client.send(chat())
            await upstream.begin(playback_id)
            assert await client.frame() == started(playback_id)
            if is_forwarded:
                assert await upstream.take() == chat()
            else:
                assert await client.error() == ("replayRefused", None)
        await client.send(StartStream(playback_request_id="lost", timeline_mode="LIVE"))
        await client.send(chat())
        await upstream.take()
        upstream.abort()
        assert isinstance(await client.receive(), StreamCancelled)
        codes = {await client.error(), await client.error()}
        assert codes == {("coreUnavailable", None), ("replayRefused", None)}


async def test_a_refused_live_and_a_lost_reader_open_nothing(edge: RunningEdge, peer: Peer) -> None:
    """The order is: REPLAY, a refused LIVE, and a reader that drops the connection."""
    async with edge.client() as client:
        upstream = await peer.connection(client)
        await client.send(StartStream(playback_request_id="a", timeline_mode="REPLAY"))
        await upstream.begin("a")
        assert await client.frame() == started("a")
        await client.send(StartStream(playback_request_id="b", timeline_mode="LIVE", rate=2))
        await upstream.take()
        await upstream.send(error("b"))
        assert await client.frame() == error("b")
        upstream.abort()
        again = await peer.connection()
        assert again.headers["Nova-Replaying"]
        assert isinstance(await client.receive(), StreamCancelled)
        assert await client.error() == ("coreUnavailable", None)
        await client.send(chat())
        assert await client.error() == ("replayRefused", None)
        assert again.requests.empty()


async def test_the_core_is_told_who_asks(edge: RunningEdge, peer: Peer) -> None:
    """The edge says user, role and connection; when it connects again also that the client was in
    replay, for the Core has forgotten.
    """
    async with edge.client() as client:
        upstream = await peer.connection(client)
        first = dict(upstream.headers)
        assert first["Nova-User"] == "admin"
        assert first["Nova-Role"] == "admin"
        assert "Nova-Replaying" not in first
        await client.send(StartStream(playback_request_id="p", timeline_mode="REPLAY"))
        await upstream.take()
        upstream.abort()
        again = dict((await peer.connection()).headers)
        names = [headers["Nova-Connection"].split("-") for headers in (first, again)]
        assert names[0][0] == names[1][0]  # One client,
        assert names[0] != names[1]  # whose requests are counted anew.
        assert again["Nova-Replaying"]
    async with edge.client() as other:
        third = await peer.connection(other)
        assert third.headers["Nova-Connection"] != first["Nova-Connection"]
        assert other is not client
