"""What followers of the status receive: counts each time, and the rest when it has changed."""

from __future__ import annotations

import asyncio

import msgspec

from nova.core.server.followed_status import LiveStatus, StatusSubscription, state_of
from nova.sdk.client.client import Client
from nova.sdk.protocol.health import FollowStatus, StatusResponse, StatusUpdate
from tests.core.running import Core

BEAT_S = 0.01
PROBLEM = "the clock of its host is wrong"


def status_at(events: int, *warnings: str) -> StatusResponse:
    """The status of an archive with one link."""
    link = {"link": "local", "received": events, "warnings": warnings}
    members = {
        **{"mode": "payload", "timebase": "source", "bytesOnDisk": events, "series": 3},
        **{"events": events, "duplicates": 0, "rejects": 0, "writerConnected": True},
        **{"links": [link], "durableTime": str(events)},
    }
    return msgspec.convert(members, StatusResponse)


async def received(subscription: StatusSubscription) -> StatusUpdate:
    (found,) = await subscription.messages()
    return found


async def test_counts_are_sent_with_each_beat_and_the_rest_once_after_a_change() -> None:
    """A slow client gets the newest counts, and a change that it has not been sent yet."""
    subscription = StatusSubscription(status_at(1))
    subscription.publish(status_at(2))
    found = await received(subscription)
    assert (found.events, found.series, found.durable_time, found.status) == (2, 3, "2", None)
    changed = status_at(3, PROBLEM)
    subscription.publish(changed)
    subscription.publish(status_at(4, PROBLEM))
    found = await received(subscription)
    assert (found.events, found.status) == (4, status_at(4, PROBLEM))
    subscription.publish(status_at(5, PROBLEM))
    assert (await received(subscription)).status is None


def test_the_state_has_no_counts() -> None:
    assert state_of(status_at(1)) == state_of(status_at(2)) != state_of(status_at(2, PROBLEM))


async def test_it_is_read_once_for_all_while_anybody_follows() -> None:
    """Who is limited gets no counts of the whole archive."""
    reads: list[bool] = []

    def read(is_whole: bool) -> StatusResponse:
        reads.append(is_whole)
        return status_at(7)

    live = LiveStatus(read, BEAT_S)
    first, one = live.subscribe(is_limited=False)
    limited, other = live.subscribe(is_limited=True)
    assert (first.events, limited.events, limited.limited) == (7, 0, True)
    reads.clear()
    found = await asyncio.gather(received(one), received(other))
    assert [update.events for update in found] == [7, 0]
    assert sorted(reads) == [False, True]
    for subscription in (one, other):
        live.unsubscribe(subscription)
    await asyncio.sleep(0)
    reads.clear()
    await asyncio.sleep(5 * BEAT_S)
    assert reads == []


async def test_a_connection_follows_the_status_once(core: Core) -> None:
    """A further request replaces the one before."""
    async with core.frames() as frames:
        for ref in ("first", "second"):
            await frames.send(FollowStatus(ref=ref))
            while not isinstance(reply := await frames.receive(), StatusResponse):
                assert isinstance(reply, StatusUpdate)
            assert reply.ref == ref
        assert isinstance(await frames.receive(), StatusUpdate)
    async with await Client.to_core(core.data) as client:
        assert (await client.status()).writer_connected
