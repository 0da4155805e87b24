"""Limits of requests: never more than the limit in any window, over all edges together (A-295)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.edge.access import Access
from nova.edge.edge_config import EdgeLimits
from nova.edge.limit_store import LimitStore
from nova.edge.request_limits import RequestLimits
from nova.sdk.errors import RateLimitError
from nova.sdk.protocol.messages import (
    CancelStream,
    Error,
    StartStream,
    Status,
    StatusResponse,
)
from nova.sdk.request_limit import DEFAULT_LIMITS, RequestLimit
from tests.edge.peer import Peer
from tests.edge.server import RunningEdge, running_edge
from tests.laws import law

LEASE_S = 0.5
ANN = Access("ann", "user", "operator", 2.0**31)
BOB = Access("bob", "key", "operator", 2.0**31)


@dataclass
class LimitClock:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Edges:
    """Several edges with one file and a clock of ours."""

    folder: Path
    limit: RequestLimit
    count: int = 2
    clock: LimitClock = field(default_factory=LimitClock)

    def __post_init__(self) -> None:
        self.stores = [LimitStore(self.folder) for _ in range(self.count)]
        self.limits = [self.edge_of(store) for store in self.stores]

    def edge_of(self, store: LimitStore) -> RequestLimits:
        """An edge that holds no leases."""
        return RequestLimits(store, {"query": self.limit}, LEASE_S, self.clock)

    def spend(self, edge: int, access: Access = ANN) -> float | None:
        """None if a request is admitted, else after how many seconds to retry."""
        try:
            self.limits[edge].spend(access, "query")
        except RateLimitError as error:
            return error.retry_after_s
        return None

    def close(self) -> None:
        for limits, store in zip(self.limits, self.stores, strict=True):
            limits.close()
            store.close()


def test_sixty_means_sixty(tmp_path: Path) -> None:
    """Over two edges, however the requests come; another principal has sixty of its own."""
    edges = Edges(tmp_path, RequestLimit(60, 60.0))
    admitted = sum(edges.spend(number % 2) is None for number in range(200))
    assert admitted == 60
    assert edges.spend(0, BOB) is None
    edges.close()


def test_one_edge_gets_all_of_it(tmp_path: Path) -> None:
    """What the other has not spent goes back."""
    edges = Edges(tmp_path, RequestLimit(60, 60.0))
    assert [edges.spend(0) for _ in range(11)] == [None] * 11  # It then holds more than it spent.
    edges.clock.now_s += LEASE_S
    edges.limits[0].give_back()
    assert sum(edges.spend(1) is None for _ in range(200)) == 49
    edges.close()


def test_a_refusal_says_when_to_ask_again(tmp_path: Path) -> None:
    edges = Edges(tmp_path, RequestLimit(3, 10.0), count=1)
    assert [edges.spend(0) for _ in range(3)] == [None] * 3
    edges.clock.now_s += 4
    wait_s = edges.spend(0)
    assert wait_s is not None and 5 < wait_s <= 6.5
    edges.clock.now_s += wait_s
    assert edges.spend(0) is None
    edges.close()


def test_a_fast_client_costs_few_writes(tmp_path: Path) -> None:
    edges = Edges(tmp_path, RequestLimit(60_000, 60.0), count=1)
    counting = sqlite3.connect(tmp_path / "limits.db")
    for _ in range(10_000):
        assert edges.spend(0) is None
    (leases,) = counting.execute("SELECT count(*) FROM leases").fetchone()
    counting.close()
    assert leases < 10_000 / 50
    edges.close()


def test_who_hammers_costs_few_looks_and_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal is remembered for as long as other edges may keep a part of the limit."""
    edges = Edges(tmp_path, RequestLimit(3, 10.0), count=1)
    looks: list[str] = []
    edges.stores[0]._db.set_trace_callback(looks.append)  # noqa: SLF001
    for number in range(1_003):
        assert (edges.spend(0) is None) == (number < 3)
        edges.clock.now_s += 0.001
    assert sum("BEGIN" in text for text in looks) <= 3 + 1 + 1.003 / LEASE_S
    assert [one.getMessage() for one in caplog.records].count("limit reached") == 1
    edges.close()


def test_leases_of_an_edge_that_was_killed_end(tmp_path: Path) -> None:
    """They count in full until then, so that nothing is exceeded."""
    edges = Edges(tmp_path, RequestLimit(10, 10.0))
    assert sum(edges.spend(0) is None for _ in range(20)) == 10
    edges.clock.now_s += 10.0 + LEASE_S
    assert sum(edges.spend(1) is None for _ in range(20)) == 10
    edges.close()


def test_leases_from_before_the_machine_started_are_over(tmp_path: Path) -> None:
    """Monotonic time begins anew then."""
    before = Edges(tmp_path, RequestLimit(3, 10.0), count=1, clock=LimitClock(1e6))
    assert sum(before.spend(0) is None for _ in range(5)) == 3
    after = Edges(tmp_path, RequestLimit(3, 10.0), count=1, clock=LimitClock(50.0))
    assert sum(after.spend(0) is None for _ in range(5)) == 3
    before.close()
    after.close()


def test_an_edge_whose_file_fails_limits_by_itself(tmp_path: Path) -> None:
    edges = Edges(tmp_path, RequestLimit(3, 10.0), count=1)
    edges.stores[0].close()
    assert sum(edges.spend(0) is None for _ in range(5)) == 3
    edges.close()


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # the edge
        st.integers(1, 30),  # how many requests
        st.sampled_from([0.0, 0.01, 0.2, 0.5, 1.0, 3.0]),  # how much later
        st.sampled_from(["spend", "give back", "kill"]),
    ),
    max_size=40,
)


@pytest.mark.law
@law(60)
@given(steps=STEPS, count=st.integers(1, 40), window_s=st.sampled_from([0.3, 1.0, 4.0]))
def test_no_window_has_more_than_the_limit(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, int, float, str]],
    count: int,
    window_s: float,
) -> None:
    """Three edges, requests at any times, returns, and kills that leave leases behind."""
    edges = Edges(tmp_path_factory.mktemp("edge"), RequestLimit(count, window_s), count=3)
    admitted: list[float] = []
    for edge, requests, later_s, what in steps:
        edges.clock.now_s += later_s
        if what == "give back":
            edges.limits[edge].give_back()
        elif what == "kill":
            edges.limits[edge] = edges.edge_of(edges.stores[edge])
        for _ in range(requests):
            if edges.spend(edge) is None:
                admitted.append(edges.clock.now_s)
    for number, first in enumerate(admitted):
        within = [at for at in admitted[number:] if at < first + window_s]
        assert len(within) <= count
    edges.close()


def limited(**limits: tuple[int, float]) -> EdgeLimits:
    """The defaults, with these limits of requests."""
    own = {kind: RequestLimit(*limit) for kind, limit in limits.items()}
    return EdgeLimits(requests={**DEFAULT_LIMITS, **own})  # type: ignore[dict-item]


async def admitted_by(edge: RunningEdge, upstream_frames: int) -> tuple[int, list[Error]]:
    """How many of these requests an edge answers, and its refusals."""
    served, refused = 0, []
    async with edge.client() as client:
        for _ in range(upstream_frames):
            await client.send(Status())
            reply = await client.receive()
            if isinstance(reply, Error):
                refused.append(reply)
            else:
                assert isinstance(reply, StatusResponse)
                served += 1
    return served, refused


async def test_two_edges_share_the_limit(tmp_path: Path, peer: Peer) -> None:
    """Sixty allowed means sixty, not 120: two real edges of one folder, and one user of both."""
    limits = limited(query=(60, 600.0))
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as one,
        running_edge(tmp_path, peer.socket, limits=limits) as two,
    ):
        results = [await admitted_by(edge, 40) for edge in (one, two, one)]
    assert sum(served for served, _ in results) == 60
    refusals = [error for _, errors in results for error in errors]
    assert {error.code for error in refusals} == {"rateLimited"}
    assert all(0 < (error.retry_after_ms or 0) <= 601_000 for error in refusals)
    assert all(error.request_id for error in refusals)


async def test_each_kind_has_its_own_limit(tmp_path: Path, peer: Peer) -> None:
    """A refused start leaves its id free; what ends something is always forwarded."""
    limits = limited(stream=(1, 600.0))
    async with (
        running_edge(tmp_path, peer.socket, limits=limits) as edge,
        edge.client() as client,
    ):
        upstream = await peer.connection(client)
        await client.send(StartStream(playback_request_id="a", timeline_mode="LIVE"))
        await upstream.begin("a")
        await client.frame()
        await client.send(StartStream(playback_request_id="b", timeline_mode="LIVE"))
        refused = await client.receive()
        assert isinstance(refused, Error)
        assert (refused.code, refused.playback_request_id) == ("rateLimited", "b")
        await client.send(CancelStream())
        assert isinstance(await upstream.take(), CancelStream)
        await client.request(Status(), StatusResponse)


async def test_http_says_when_to_ask_again(tmp_path: Path, peer: Peer) -> None:
    async with running_edge(tmp_path, peer.socket, limits=limited(http=(2, 600.0))) as edge:
        headers = {"Authorization": f"Bearer {await edge.token()}"}
        found = []
        for _ in range(3):
            async with edge.http.get(f"{edge.url}/exports/x", headers=headers) as reply:
                assert reply.headers["Nova-Request-Id"]
                found.append((reply.status, reply.headers.get("Retry-After")))
    assert found[:2] == [(404, None), (404, None)]
    status, retry_after_s = found[2]
    assert status == 429 and 0 < int(retry_after_s or 0) <= 601
