"""Fixtures of the edge's tests: the reader's side of its connections, and an edge that uses it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nova.testkit.running_nova import RunningNova, running_nova
from tests.edge.made_provider import MadeProvider, config_of, made_provider
from tests.edge.peer import Peer
from tests.edge.plain_browser import PlainBrowser, plain_browser
from tests.edge.server import RunningEdge, running_edge
from tests.edge.tapping import SCOPE


@pytest.fixture
def reader_socket() -> Iterator[Path]:
    """A path short enough for a Unix socket, whatever the name of the test is."""
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        yield Path(folder) / "reader.sock"


@pytest.fixture
async def peer(reader_socket: Path) -> AsyncIterator[Peer]:
    """The reader's side, listening."""
    peer = Peer(reader_socket)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()


@pytest.fixture
async def edge(tmp_path: Path, peer: Peer) -> AsyncIterator[RunningEdge]:
    """An edge with default limits whose reader is `peer`."""
    async with running_edge(tmp_path, peer.socket) as edge:
        yield edge


@pytest.fixture(scope="session")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A payload's NOVA for all tests of TCP streams; each uses a system of its own."""
    with running_nova(tmp_path_factory.mktemp("tapped") / "data", "--scope", SCOPE) as running:
        yield running
        running.kill()


@pytest.fixture
async def provider() -> AsyncIterator[MadeProvider]:
    async with made_provider() as provider:
        yield provider


@pytest.fixture
async def browser() -> AsyncIterator[PlainBrowser]:
    async with plain_browser() as browser:
        yield browser


@pytest.fixture
async def oidc_edge(
    tmp_path: Path, reader_socket: Path, provider: MadeProvider
) -> AsyncIterator[RunningEdge]:
    """An edge whose users may log in at `provider`."""
    config = config_of(provider.issuer)
    async with running_edge(tmp_path, reader_socket, oidc=config) as edge:
        yield edge
