"""An hour of guessing over HTTP: 120 addresses guess at 10 accounts while their owners log in."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from nova.edge.edge_config import EdgeLimits
from tests.edge.server import RunningEdge, cookie_line, running_edge
from tests.edge.stepped_clock import SteppedClock

HOUR_S = 3_600
ACCOUNTS = [f"user-{number}" for number in range(10)]
ADDRESSES = 120
FAILURES_AN_HOUR_MAX = 20
PROXY = ("127.0.0.1",)
MORE = ((120, 4), (1, 4), (120, 30))


async def log_in(edge: RunningEdge, name: str, address: str, cookie: str = "") -> str:
    """A login that has to succeed; the cookie that it gives."""
    headers = {"X-Forwarded-For": address} | ({"Cookie": cookie} if cookie else {})
    status, body, given = await edge.post_login(name, headers=headers)
    assert status == 200, (name, address, body)
    return cookie_line(given).partition(";")[0]


async def guess(edge: RunningEdge, networks: int) -> Counter[str]:
    """Each address guesses once at each account; how many guesses were looked at."""
    failures: Counter[str] = Counter()

    async def one(address: int) -> None:
        for step in range(len(ACCOUNTS)):
            name = ACCOUNTS[(address + step) % len(ACCOUNTS)]
            sender = f"10.0.{address % networks}.{address}"
            wrong = await edge.post_login(name, "wrong", headers={"X-Forwarded-For": sender})
            assert wrong[0] in (401, 429)
            failures[name] += wrong[0] == 401

    await asyncio.gather(*(one(address) for address in range(ADDRESSES)))
    return failures


@pytest.mark.parametrize(
    ("networks", "rounds"),
    [(120, 2), (1, 2), *(pytest.param(*more, marks=pytest.mark.slow) for more in MORE)],
)
async def test_an_hour_of_guessing(
    tmp_path: Path, reader_socket: Path, networks: int, rounds: int
) -> None:
    """At most 20 failures an account; each owner comes in meanwhile, by his browser from anywhere,
    without its cookie from where he has been, and from a network that has never been seen.
    """
    clock, failures = SteppedClock(), Counter[str]()
    async with running_edge(
        tmp_path,
        reader_socket,
        limits=EdgeLimits(strangers_per_s=1e6),
        trusted_proxies=PROXY,
        clock=clock,
    ) as edge:
        admin = edge.users.get("admin")
        assert admin is not None
        cookies = {}
        for number, name in enumerate(ACCOUNTS):
            edge.users.add(name, admin.password_hash, "operator")
            cookies[name] = await log_in(edge, name, f"203.0.113.{number}")
        for turn in range(rounds):
            failures += await guess(edge, networks)
            clock.now += HOUR_S / rounds
            for number, name in enumerate(ACCOUNTS):
                await log_in(edge, name, f"10.0.{number}.{number}", cookies[name])
                await log_in(edge, name, f"203.0.113.{number}")
                await log_in(edge, name, f"198.{turn}.{number}.1")
        assert set(failures) == set(ACCOUNTS)
        assert max(failures.values()) <= FAILURES_AN_HOUR_MAX
