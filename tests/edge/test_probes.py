"""The liveness and readiness probes of the edge."""

from __future__ import annotations

from pathlib import Path

from nova.sdk.protocol import messages
from nova.sdk.protocol.health import ProcessInfo
from nova.sdk.protocol.messages import StatusResponse
from tests.edge.peer import STATUS, Peer
from tests.edge.server import RunningEdge, running_edge


async def get(edge: RunningEdge, path: str) -> tuple[int, dict[str, object]]:
    """Status and body of a GET."""
    async with edge.http.get(edge.url + path) as reply:
        return reply.status, await reply.json()


async def test_alive_and_ready_while_the_reader_answers(edge: RunningEdge) -> None:
    """Both need no token and say nothing else."""
    assert await get(edge, "/healthz") == (200, {"status": "ok"})
    assert await get(edge, "/readyz") == (
        200,
        {"status": "ready", "links": {"connected": 1, "unreachable": 1}},
    )


async def test_not_ready_while_the_writer_does_not_answer(edge: RunningEdge, peer: Peer) -> None:
    """What comes is not taken in, which the archive that serves does not make good."""
    status = messages.decode_reply(STATUS)
    assert isinstance(status, StatusResponse)
    status.writer_connected = False
    peer.status = messages.encode(status)
    code, body = await get(edge, "/readyz")
    assert code == 503
    assert "writer does not answer" in str(body["status"])
    assert (await get(edge, "/healthz"))[0] == 200


async def test_processes_that_are_not_ready_are_named(edge: RunningEdge, peer: Peer) -> None:
    """A-293: NOVA serves without its sampler, which is reported all the same."""
    status = messages.decode_reply(STATUS)
    assert isinstance(status, StatusResponse)
    status.processes = [
        ProcessInfo(name="reader", state="ready"),
        ProcessInfo(name="sampler", state="hung"),
    ]
    peer.status = messages.encode(status)
    code, body = await get(edge, "/readyz")
    assert (code, body["status"], body["processes"]) == (200, "ready", {"sampler": "hung"})


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
