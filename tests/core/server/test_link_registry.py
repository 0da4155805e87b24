"""The links as clients see them: their stored figures and the current state of the transports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from nova.core.server.link_registry import LinkRegistry as KnownLinks
from nova.core.writer import writer_process
from nova.sdk.client.client import Client
from nova.sdk.errors import SettingsError
from nova.sdk.protocol.messages import LinkInfo, Links, LinksResponse
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Gap, Positions, Receipt, Record, Subscription, Transport
from nova.sdk.transport.link import LinkHealth, LinkState
from tests.core.running import running_core

Make = Callable[..., Record]
WAIT_S = 60.0


class LinkTape:
    """A transport that yields given batches and then reports a given state."""

    def __init__(self, link: str, batches: Sequence[Batch]) -> None:
        self.link = link
        self.health = LinkHealth(clock=lambda: 1_000_000_000)
        self.ends: Positions = {}
        self._batches = batches

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """A tape is only played."""
        raise NotImplementedError

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """The batches, and then nothing for ever."""
        for batch in self._batches:
            yield batch
        await asyncio.Event().wait()

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Nobody waits."""

    def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Never asked of it."""
        raise NotImplementedError

    def state(self) -> LinkState:
        """The given state."""
        return self.health.state(self.ends)

    async def close(self) -> None:
        """Nothing is open."""


async def asked(client: Client, until: Callable[[list[LinkInfo]], bool]) -> list[LinkInfo]:
    """The links, once they are as they should be."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = (await client.request(Links(), LinksResponse)).links
            if until(found):
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
def tapes(record: Make, monkeypatch: pytest.MonkeyPatch) -> dict[str, LinkTape]:
    """Two links with some records in common, which the Core finds under their URLs."""
    gap = Gap("t", 0, 1, 5, "retention", "sat")
    one = LinkTape("tape://one", [Batch([record(n) for n in range(10)], {"t/0": 10}, [gap])])
    refused = Record(None, b"{}", "t/0@5")
    two = LinkTape("tape://two", [Batch([*(record(n) for n in range(5, 12)), refused], {"t/0": 8})])
    found = {tape.link: tape for tape in (one, two)}

    def connect(url: str) -> Transport:
        return found[url]

    monkeypatch.setattr(writer_process, "connect", connect)
    return found


async def test_each_link_has_its_own_figures(data: Path, tapes: dict[str, LinkTape]) -> None:
    """nova.md §7: received, new, duplicate, rejected, gaps, lag and last seen, per link."""
    tapes["tape://one"].ends = {"t/0": 30, "t/1": 4}
    tapes["tape://one"].health.mark_up()
    tapes["tape://two"].health.warn("sync", "acknowledgements may be lost")
    async with (
        running_core(settings_of(data, *tapes)) as core,
        await Client.to_core(core.data) as client,
    ):
        one, two = await asked(client, lambda links: sum(k.received for k in links) == 18)
        assert [link.link for link in (one, two)] == sorted(tapes)
        assert (one.received, one.new + one.duplicate, one.rejected) == (10, 10, 0)
        assert (two.received, two.new + two.duplicate, two.rejected) == (8, 7, 1)
        assert one.new + two.new == 12
        assert (one.gaps, two.gaps) == (1, 0)
        assert one.last_seen is not None
        assert (one.connection, two.connection) == ("connected", "unknown")
        assert one.lag_by_stream == {"t/0": 20, "t/1": 4}
        assert (one.lag, two.lag) == (24, 0)
        assert two.warnings == ["acknowledgements may be lost"]
        assert (await client.status()).links == [one, two]


async def test_an_outage_is_told_while_it_lasts_and_after(
    data: Path, tapes: dict[str, LinkTape]
) -> None:
    """Pitfalls row 12: people see that a link is down, since when and why, and that it was."""
    health = tapes["tape://one"].health
    health.mark_up()
    async with (
        running_core(settings_of(data, *tapes)) as core,
        await Client.to_core(core.data) as client,
    ):
        await asked(client, lambda links: links[0].connection == "connected")
        health.mark_down("the broker sleeps")
        down = (await asked(client, lambda links: links[0].connection != "connected"))[0]
        assert (down.connection, down.outages) == ("unreachable", 1)
        assert down.last_outage is not None
        assert down.last_outage.reason == "the broker sleeps"
        assert down.last_outage.began == "1970-01-01T00:00:01.000000000Z"
        assert down.last_outage.ended is None
        health.mark_up()
        up = (await asked(client, lambda links: links[0].connection == "connected"))[0]
        assert up.outages == 1
        assert up.last_outage is not None
        assert up.last_outage.ended is not None


async def test_two_transports_of_one_name_are_refused(
    data: Path, tapes: dict[str, LinkTape]
) -> None:
    """Positions are kept by link: two of one name would overwrite each other's."""
    with pytest.raises(SettingsError, match="tape://one is given more than once"):
        async with writer_process.open_writer(settings_of(data, "tape://one", "tape://one"), ()):
            pass


def settings_of(data: Path, *transports: str) -> Settings:
    """A Core that takes every scope over the given transports."""
    return Settings(data=str(data), mode="ground", transports=transports)


def test_a_writer_that_says_nothing_hangs() -> None:
    """Its connection stays open. Once it says something it is there again, and one that
    has gone does not hang.
    """
    silent = KnownLinks(silence_s=-1.0)  # as if it were long ago that it was heard
    assert how(silent) == "away"
    silent.on_writer_connected()
    assert how(silent) == "hangs"
    silent.on_writer_disconnected()
    assert how(silent) == "away"
    links = KnownLinks()
    links.on_writer_connected()
    assert how(links) == "connected"


def how(links: KnownLinks) -> str:
    """How the writer is, as far as is known."""
    assert not (links.writer_hangs and links.writer_connected)
    return "hangs" if links.writer_hangs else "connected" if links.writer_connected else "away"
