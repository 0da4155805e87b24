"""Whether the edge lives and whether it can serve."""

from __future__ import annotations

from pathlib import Path

from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge


async def get(edge: RunningEdge, path: str) -> tuple[int, dict[str, object]]:
    """Status and body of a GET."""
    async with edge.http.get(edge.url + path) as reply:
        return reply.status, await reply.json()


async def test_alive_and_ready_while_the_reader_answers(edge: RunningEdge) -> None:
    """Both need no token and tell nothing else."""
    assert await get(edge, "/healthz") == (200, {"status": "ok"})
    assert await get(edge, "/readyz") == (
        200,
        {"status": "ready", "links": {"connected": 1, "unreachable": 1}},
    )


async def test_alive_but_not_ready_without_a_reader(tmp_path: Path, reader_socket: Path) -> None:
    """A missing reader is not a reason to restart the edge."""
    async with running_edge(tmp_path, reader_socket) as edge:
        assert (await get(edge, "/healthz"))[0] == 200
        status, body = await get(edge, "/readyz")
        assert status == 503
        assert "reader" in str(body["status"])


async def test_readiness_comes_and_goes_with_the_reader(edge: RunningEdge, peer: Peer) -> None:
    """What was found is kept for a moment only."""
    assert (await get(edge, "/readyz"))[0] == 200
    await peer.stop()
    while (await get(edge, "/readyz"))[0] == 200:
        pass
    await peer.start()
    while (await get(edge, "/readyz"))[0] != 200:
        pass
