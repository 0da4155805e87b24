"""Memory of reader and edge is bounded, however many clients request and do not read: a
tenth of the size of `bench/crowds.py`, on real processes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from bench.busy_producer import publish
from bench.crowds import CROWDS, WatchedMemory, crowded
from bench.memory import KIB
from bench.sockets import clients_of, resources_of
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.sdk.protocol.messages import Metrics, MetricsResponse, Query, QueryResponse
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

SCOPE = "crowds"
CLIENTS = 40
EVENTS = 30_000
LOOKED_S = 2.0
"""How long a crowd is looked at; twice as long each time that it has not come to do anything."""
GROWN_MAX_MIB = {"reader": 150, "edge": 150}
"""Forty clients that walked, stalled and hoarded took reader and edge by 900 and 500 MiB."""


IDLE_SOCKETS = 500
IDLE_SOCKET_MAX_KIB = 36
"""Ten thousand of them and the edge itself take 400 MiB. One with a connection to the reader took
44.
"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA with events."""
    with running_nova(tmp_path_factory.mktemp("crowds") / "data", "--scope", SCOPE) as nova:
        asyncio.run(publish(nova.publish, Work(EVENTS, scope=SCOPE).records()))
        yield nova
        nova.kill()


async def test_idle_sockets_take_little_of_the_edge_and_nothing_of_the_reader(
    nova: RunningNova,
) -> None:
    """A twentieth of the sockets that an edge accepts."""
    token = await login(nova.url, "admin", PASSWORD)
    before = resources_of(nova)
    with clients_of(nova, token, "idle", IDLE_SOCKETS):
        async with await Client.to_edge(nova.url, token) as client:
            metrics = await client.request(Metrics(), MetricsResponse)
        values = {
            (metric.name, one.labels.get("state")): one.value
            for metric in metrics.metrics
            for one in metric.samples
        }
        assert values["nova_clients", "authenticated"] == IDLE_SOCKETS + 1
        assert values["nova_reader_connections", None] < IDLE_SOCKETS
        grown_mib = resources_of(nova)["edge"][0] - before["edge"][0]
    assert grown_mib * KIB < IDLE_SOCKETS * IDLE_SOCKET_MAX_KIB


@pytest.mark.timeout(900)
async def test_reader_and_edge_stay_small_while_many_ask_for_much(nova: RunningNova) -> None:
    """Walks, stalled streams, and pages that nobody reads; who asks for little is answered."""
    token = await login(nova.url, "admin", PASSWORD)
    async with await Client.to_edge(nova.url, token) as client:
        await client.request(Query(limit=10), QueryResponse)
        for name, _ in CROWDS:
            watched = WatchedMemory(nova)
            before = watched.now()
            looked_s, done = LOOKED_S, Counter[str]()
            while not sum(done.values()):
                with crowded(name, nova, token, CLIENTS) as done:
                    await asyncio.sleep(looked_s)
                    page = await client.request(Query(limit=10), QueryResponse)
                    assert len(page.events) == 10
                looked_s *= 2
            watched.end()
            for process, most in GROWN_MAX_MIB.items():
                assert watched.most[process] - before[process] < most, (name, process)
