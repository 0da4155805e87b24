"""The limits in force are the same for all edges of a data folder (A-295)."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nova.edge.edge_config import EdgeLimits
from nova.edge.limit_store import FILE_NAME, LimitStore
from nova.sdk.protocol.messages import Error, Status
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit, request_limits
from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge

FEW = RequestLimit(5, 600.0)
MORE = RequestLimit(8, 600.0)


def given(limit: RequestLimit | None) -> EdgeLimits:
    """Of an edge that was started with a limit of queries, or without any."""
    return EdgeLimits(requests=None if limit is None else {**DEFAULT_LIMITS, "query": limit})


async def admitted(edge: RunningEdge, requests: int, username: str = "admin") -> int:
    """How many of the requests of a new connection are answered."""
    count = 0
    async with edge.client(username) as client:
        for _ in range(requests):
            await client.send(Status())
            count += not isinstance(await client.receive(), Error)
    return count


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [(FEW, MORE, MORE), (MORE, FEW, FEW), (FEW, None, FEW), (None, FEW, FEW)],
    ids=["more", "fewer", "none given", "only then given"],
)
async def test_differing_edges_apply_the_same_limits(
    tmp_path: Path,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
    first: RequestLimit | None,
    second: RequestLimit | None,
    both: RequestLimit,
) -> None:
    """Those of the edge that was started last with any, from then on, and in the one that ran."""
    async with running_edge(tmp_path, peer.socket, limits=given(first)) as one:
        one.add_user("ann")
        async with running_edge(tmp_path, peer.socket, limits=given(second)) as two:
            assert await admitted(one, 20) + await admitted(two, 20) == both.count
            assert await admitted(two, 20, "ann") + await admitted(one, 20, "ann") == both.count
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    differs = [text for text in found if "Start all edges with the same `limits`" in text]
    assert len(differs) == (second is not None)
    changed = [text for text in found if "another edge has changed a limit to query=" in text]
    assert len(changed) == (second is not None)


async def test_limits_end_with_the_last_edge_that_runs(tmp_path: Path, peer: Peer) -> None:
    """So an edge that is started without `limits` after that has the defaults."""
    async with running_edge(tmp_path, peer.socket, limits=given(FEW)):
        pass
    async with running_edge(tmp_path, peer.socket, limits=given(None)) as edge:
        assert edge.stores.limits.in_force() == DEFAULT_LIMITS


def test_the_defaults_fill_what_an_earlier_version_left_out(tmp_path: Path) -> None:
    """And a kind that this one does not know is left out."""
    one, two = LimitStore(tmp_path), LimitStore(tmp_path)
    one.join({"query": FEW, "later": FEW})  # type: ignore[dict-item]
    assert two.join(None).limits == {**DEFAULT_LIMITS, "query": FEW}
    assert two.in_force() == {**DEFAULT_LIMITS, "query": FEW}
    for store in (one, two):
        store.close()


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    """The edge starts; who has used what is forgotten."""
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1_000)
    store = LimitStore(tmp_path)
    store.join({"query": FEW})
    assert store.in_force()["query"] == FEW
    store.close()


def test_an_edge_that_was_killed_has_left(tmp_path: Path) -> None:
    """Its lock ends with the process."""
    program = (
        "import sys, time; from pathlib import Path; from nova.edge.limit_store import LimitStore; "
        "from nova.sdk.request_limit import request_limits; "
        f"LimitStore(Path({str(tmp_path)!r})).join(request_limits(['query=5/600'])); "
        "print('joined', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"joined\n"
    beside = LimitStore(tmp_path)
    assert beside.join(None).limits == request_limits(["query=5/600"])
    beside.close()
    other.send_signal(signal.SIGKILL)
    other.communicate()
    after = LimitStore(tmp_path)
    assert after.join(None).limits == DEFAULT_LIMITS
    after.close()
