"""A client's login at a real edge: renewed while it is open, ended when it closes."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.edge.edge_config import EdgeLimits
from nova.sdk.client.client import Client
from nova.sdk.errors import ConnectionLostError, ProtocolError
from nova.sdk.protocol.account import ListSessions, SessionsResponse
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, RunningEdge, running_edge

LIFETIME_S = 3


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[RunningEdge]:
    """An edge whose access tokens last seconds."""
    limits = EdgeLimits(token_lifetime_s=LIFETIME_S, access_check_s=0.05)
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        peer = Peer(Path(folder) / "reader.sock")
        await peer.start()
        try:
            async with running_edge(tmp_path, peer.socket, limits=limits) as edge:
                yield edge
        finally:
            await peer.stop()


async def test_a_client_outlives_its_first_token_and_ends_its_session(edge: RunningEdge) -> None:
    async with await Client.log_in(edge.url, "admin", PASSWORD) as client:
        assert client.renewal is not None
        first = client.renewal.token
        await asyncio.sleep(1.5 * LIFETIME_S)
        listed = await client.request(ListSessions(), SessionsResponse)
        assert len(listed.sessions) == 1
        assert client.renewal.token != first
    assert edge.stores.sessions.of_user("admin") == []


async def test_a_client_is_told_when_its_session_was_ended(edge: RunningEdge) -> None:
    async with await Client.log_in(edge.url, "admin", PASSWORD) as client:
        (session,) = edge.stores.sessions.of_user("admin")
        edge.stores.sessions.end("admin", session.id)
        with pytest.raises((ConnectionLostError, ProtocolError)):
            while True:
                await client.request(ListSessions(), SessionsResponse)
                await asyncio.sleep(0.05)


async def test_a_wrong_password_and_one_to_change_are_errors(edge: RunningEdge) -> None:
    """Nothing stays open behind them."""
    with pytest.raises(ProtocolError, match="unauthorized"):
        await Client.log_in(edge.url, "admin", "a wrong password")
    edge.add_user("ann", must_change=True)
    with pytest.raises(ProtocolError, match="passwordChangeRequired"):
        await Client.log_in(edge.url, "ann", PASSWORD)


async def test_an_edge_that_is_away_is_an_error(unused_port: int) -> None:
    with pytest.raises(ConnectionLostError, match="no NOVA answers"):
        await Client.log_in(f"http://127.0.0.1:{unused_port}", "admin", PASSWORD)


@pytest.fixture
def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
