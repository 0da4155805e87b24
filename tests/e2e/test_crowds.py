"""Memory of reader and edge is bounded, however many clients request and do not read: a
tenth of the size of `bench/crowds.py`, on real processes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from bench.busy_producer import publish
from bench.crowds import CROWDS, WatchedMemory, crowded
from bench.work import Work
from nova.sdk.client.client import Client, login
from nova.sdk.protocol.messages import Query, QueryResponse
from nova.testkit.running_nova import PASSWORD, running_nova

CLIENTS = 40
EVENTS = 30_000
LOOKED_S = 2.0
"""How long a crowd is looked at; twice as long each time that it has not come to do anything."""
GROWN_MAX_MIB = {"reader": 150, "edge": 150}
"""Forty clients that walked, stalled and hoarded took reader and edge by 900 and 500 MiB."""


async def test_reader_and_edge_stay_small_while_many_ask_for_much(tmp_path: Path) -> None:
    """Walks, stalled streams, and pages that nobody reads; who asks for little is answered."""
    work = Work(EVENTS)
    with running_nova(tmp_path / "data", "--scope", work.scope) as nova:
        await publish(nova.publish, work.records())
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
