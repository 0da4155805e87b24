"""Clients of TCP streams that have gone, or have said their last, at the limits."""

from __future__ import annotations

import asyncio
import socket

from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observer
from nova.testkit.running_nova import RunningNova
from tests.edge import tapping
from tests.edge.tapping import SCOPE, TapClient, definition, tapped

NEVER_S = 3_600.0


def counted(system: str, numbers: range) -> list[Event]:
    observer, entity = Observer(SCOPE), Entity(system, "eps", "unit")
    return [observer.observe(entity).parsed("Count", {"n": n}) for n in numbers]


async def half_closed(port: int) -> TapClient:
    """A program that reads and says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write_eof()
    return TapClient(reader, writer)


async def test_clients_that_have_gone_are_no_connections(nova: RunningNova) -> None:
    """Also where nothing is sent that they could refuse; one that still reads is not among them."""
    for host in ("127.0.0.1", "::1"):
        wanted = definition(f"gone{len(host)}", bind=host)
        async with tapped(nova.data) as tap:
            await tap.start(wanted)
            async with tap.client(wanted) as listening:
                listening.writer.write_eof()
                going = [socket.create_connection((host, wanted.port)) for _ in range(5)]
                await tap.until(wanted.name, lambda s: s.connections == 6)
                for one in going:
                    one.close()
                await tap.until(wanted.name, lambda s: s.connections == 1)
                await tapping.publish(nova, counted(wanted.name, range(3)))
                assert await listening.numbers_until(2) == [0, 1, 2]


async def test_clients_that_have_gone_leave_room_at_once(nova: RunningNova) -> None:
    """Without waiting until somebody looks, on their stream and on every other."""
    one, two = definition("room1"), definition("room2")
    limits = {"clients_per_stream_max": 3, "clients_max": 4}
    async with tapped(nova.data, **limits, tick_s=NEVER_S) as tap:
        await tap.start(one)
        await tap.start(two)
        async with tap.client(one) as listening, tap.client(two):
            listening.writer.write_eof()
            for port in (one.port, two.port):
                for _ in range(100):
                    socket.create_connection(("127.0.0.1", port)).close()
                real = TapClient(*await asyncio.open_connection("127.0.0.1", port))
                await tapping.publish(nova, counted(f"room{1 + (port == two.port)}", range(1)))
                assert await real.numbers_until(0) == [0]
                real.reset()
            assert await listening.numbers_until(0) == [0]


async def test_at_a_limit_the_first_that_says_no_more_gives_way(nova: RunningNova) -> None:
    """It looks like one that has gone. Others stay, and are refused room among
    themselves.
    """
    one, two = definition("way1"), definition("way2")
    limits = {"clients_per_stream_max": 2, "clients_max": 3}
    async with tapped(nova.data, **limits, tick_s=NEVER_S) as tap:
        await tap.start(one)
        await tap.start(two)
        first, second = await half_closed(one.port), await half_closed(one.port)
        await tap.until("way1", lambda s: s.connections == 2)
        real = TapClient(*await asyncio.open_connection("127.0.0.1", one.port))
        assert await first.has_ended(), "the stream's limit"
        async with tap.client(two), tap.client(two):
            assert await second.has_ended(), "the limit of all streams"
            late = TapClient(*await asyncio.open_connection("127.0.0.1", one.port))
            assert await late.has_ended(), "nobody is left to give way"
            assert [tap.status(name).connections for name in ("way1", "way2")] == [1, 2]
            await tapping.publish(nova, counted("way1", range(3)))
            assert await real.numbers_until(2) == [0, 1, 2]
        for client in (first, second, late, real):
            client.reset()
