"""The dispatcher: the link over which a command is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.core.errors import RequestError
from nova.core.store.archive import Archive
from nova.core.writer.command_targets import CommandTarget
from nova.core.writer.committer import Committer
from nova.core.writer.dispatcher import Dispatcher, unreachable_reason
from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Record, connect
from nova.sdk.transport.link import LinkHealth
from nova.testkit.nats_server import NatsServer
from nova.testkit.ports import LOOPBACK, free_port
from tests.core.commanding import WAIT_S, command, descriptor, listening
from tests.core.running import running_core
from tests.core.server.test_link_registry import LinkTape
from tests.core.writer.test_command_targets import targets_of


class Link(LinkTape):
    """A link that says of itself what a test wants."""

    def __init__(self, name: str, *, is_up: bool = True) -> None:
        super().__init__(name, [])
        self.health = LinkHealth()
        if is_up:
            self.health.mark_up()
        else:
            self.health.mark_down("the cable is out")


@pytest.fixture
def links(committer: Committer) -> list[Link]:
    """Three links, the first of which is down."""
    return [Link("a", is_up=False), Link("b"), Link("c")]


@pytest.fixture
def courier(committer: Committer, links: list[Link]) -> Dispatcher:
    """Who has all of them."""
    courier = Dispatcher(committer.link_routes)
    courier.transports = links
    return courier


def brought(committer: Committer, record: Record, *names: str) -> CommandTarget:
    """A target whose descriptor came over these links; the last of them bring it again."""
    for name in names:
        committer.add_batch(name, Batch([record]))
        committer.close_commit()
    return targets_of(committer).find(command())


def chosen(courier: Dispatcher, target: CommandTarget) -> str:
    """The link that a command would go over."""
    return courier.choose_link(target).link


def test_it_is_one_that_brought_the_descriptor(committer: Committer, courier: Dispatcher) -> None:
    """A duplicate over a redundant link counts as well, and the order of the settings decides."""
    assert chosen(courier, brought(committer, descriptor(), "c")) == "c"
    assert chosen(courier, brought(committer, descriptor(), "c", "b")) == "b"


def test_a_link_that_is_up_goes_before_one_that_is_not(
    committer: Committer, courier: Dispatcher
) -> None:
    """Of those that lead there; where none is up it is the first, and the command will fail."""
    assert chosen(courier, brought(committer, descriptor(), "a", "c")) == "c"
    assert chosen(courier, brought(committer, descriptor(), "a")) == "a"


def test_a_link_that_stayed_behind_does_not_lead_there(
    committer: Committer, courier: Dispatcher
) -> None:
    """What listened there when an older descriptor came may be gone."""
    brought(committer, descriptor(), "b", "c")
    assert chosen(courier, brought(committer, descriptor(), "c")) == "c"


def test_where_none_leads_there_it_is_said(committer: Committer, courier: Dispatcher) -> None:
    """Of several none is guessed; a single one is the way, whatever came over it."""
    target = brought(committer, descriptor(), "gone")
    with pytest.raises(RequestError, match="noLink"):
        courier.choose_link(target)
    with pytest.raises(RequestError, match="noLink"):
        courier.choose_link(target._replace(descriptor=None))
    courier.transports = [Link("only")]
    assert chosen(courier, target) == "only"
    assert chosen(courier, target._replace(descriptor=None)) == "only"


def test_a_link_that_is_away_says_why(links: list[Link]) -> None:
    """It stands in the result of the command that could not go."""
    down, up, _ = links
    assert unreachable_reason(up) is None
    assert unreachable_reason(down) == "a is not connected: the cable is out"


def test_an_old_archive_learns_its_links_again(tmp_path: Path) -> None:
    """Older archives have descriptors and no link routes: publishing one again is enough."""
    archive = Archive.open_primary(tmp_path)
    try:
        committer = Committer(archive, tmp_path)
        record = descriptor()
        target = brought(committer, record, "b")
        batch = archive.batch()
        batch.delete_records(b"carrier/", b"carrier0")
        archive.write(batch)
        again = Committer(archive, tmp_path)
        courier = Dispatcher(again.link_routes)
        courier.transports = [Link("b"), Link("c")]
        with pytest.raises(RequestError, match="noLink"):
            courier.choose_link(target)
        again.add_batch("b", Batch([record]))
        assert chosen(courier, target) == "b"
    finally:
        archive.close()


@pytest.mark.nats
async def test_a_command_takes_one_of_two_links(
    data: Path, nats_server: NatsServer, scope_id: str
) -> None:
    """With two, it is the one that the descriptor came by, and no other."""
    urls = (f"local://{LOOPBACK}:{free_port()}", nats_server.url)
    settings = Settings(data=str(data), scope=scope_id, transports=urls)
    devices = [connect(url) for url in urls]
    async with (
        running_core(settings),
        await Client.to_core(data) as client,
        listening(devices[0], scope_id) as one,
        listening(devices[1], scope_id) as two,
    ):
        for device, ears, other in ((devices[0], one, two), (devices[1], two, one)):
            before = (await client.status()).events
            producer = Producer(device, scope_id)
            await producer.publish([descriptor(scope_id=scope_id)])
            async with asyncio.timeout(WAIT_S):
                while (await client.status()).events == before:
                    await asyncio.sleep(0.02)
            asked = command(scope_id=scope_id)
            await client.submit_command(asked)
            await ears.until(asked.request_id)
            assert asked.request_id not in other.requests()
    for device in devices:
        await device.close()


@pytest.mark.nats
async def test_a_link_that_is_away_gets_no_command_later(
    data: Path, own_nats_server: NatsServer, scope_id: str
) -> None:
    """A-185: the server is gone, the command ends as not dispatched, and it is not sent when the
    server is back.
    """
    settings = Settings(data=str(data), scope=scope_id, transports=(own_nats_server.url,))
    device = connect(own_nats_server.url)
    async with running_core(settings) as core, await Client.to_core(data) as client:
        (transport,) = core.writer.dispatcher.transports
        async with listening(device, scope_id) as ears:
            await Producer(device, scope_id).publish([descriptor(scope_id=scope_id)])
            async with asyncio.timeout(WAIT_S):
                while (await client.status()).events == 0 or not transport.state().connected:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0)
            first = command(scope_id=scope_id)
            async with asyncio.timeout(WAIT_S):
                await client.submit_command(first)
            await asyncio.to_thread(own_nats_server.stop)
            async with asyncio.timeout(WAIT_S):
                while transport.state().connected:
                    await asyncio.sleep(0.02)
            lost = command(scope_id=scope_id)
            await client.submit_command(lost)
            await asyncio.to_thread(own_nats_server.start)
            async with asyncio.timeout(WAIT_S):
                while not transport.state().connected:
                    await asyncio.sleep(0.02)
            last = command(scope_id=scope_id)
            await client.submit_command(last)
            await ears.until(last.request_id)
            assert ears.requests() == [first.request_id, last.request_id]
    await device.close()
