"""Cases of faults: a server that crashes, is down or returns, and a consumer that pauses."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

import pytest

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.testkit.conformance.cases import Cases
from nova.testkit.conformance.core_stand_in import CoreStandIn
from nova.testkit.conformance.producer_stand_in import ProducerStandIn
from nova.testkit.conformance.trial import Trial

LARGE_BYTES = 512 * 1024


class OutageCases(Cases):
    """Nothing is lost, whichever part fails."""

    async def test_acknowledged_means_kept(self, trial: Trial) -> None:
        """A record whose publish has returned survives a server that is killed at that moment. Over
        a direct transport no publish returns before a consumer has acknowledged it.
        """
        producer, core = trial.pair()
        if trial.keeps_records:
            await trial.begin_session(core)
            await producer.publish(producer.numbered(100))
            await trial.kill_server(core)
            await trial.start_server(core)
            await core.start()
        else:
            await self._nothing_is_acknowledged_by_nobody(producer, core)
        await core.wait_for_count(100)
        await trial.finish(producer, core)

    async def _nothing_is_acknowledged_by_nobody(
        self, producer: ProducerStandIn, core: CoreStandIn
    ) -> None:
        records = producer.numbered(100)
        with pytest.raises(TransportError):
            await producer.attempt(records)
        core.withhold_acknowledgements()
        await core.start()
        publishing = asyncio.create_task(producer.attempt(records))
        await core.wait_for_count(100)
        assert not publishing.done()
        await core.stop()
        with pytest.raises(TransportError):
            await publishing
        await core.start()
        await producer.publish(records)

    async def test_a_server_killed_in_the_middle_loses_nothing(self, trial: Trial) -> None:
        """While a producer publishes and a Core reads, the server is killed and restarted: neither
        has to be restarted, nothing is lost, and each entity keeps its order.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(10, "e0"))
        enough = asyncio.Event()
        publishing = asyncio.create_task(_keep_publishing(producer, enough))
        await core.wait_for_count(200)
        await trial.kill_server(core)
        if trial.keeps_records:
            await core.wait_until("it knows of the outage", lambda: not core.state().connected)
        await trial.start_server(core)
        stored = len(core.stored)
        await core.wait_for_count(stored + 200)
        enough.set()
        await publishing
        await trial.finish(producer, core)
        producer.check_order(core)

    async def test_a_server_that_is_away_at_the_start_is_waited_for(self, trial: Trial) -> None:
        """A Core starts reading when the server comes up, and until then reports that it is not
        connected. Over a direct transport a producer waits for the Core by publishing again.
        """
        producer, core = trial.pair()
        if trial.keeps_records:
            await trial.begin_session(core)
            await producer.publish(producer.numbered(10))
            await trial.stop_server(core)
            core.start_without_waiting()
            await core.wait_until("it knows of the outage", lambda: core.state().outages > 0)
            assert not core.state().connected
            await trial.start_server(core)
        else:
            publishing = asyncio.create_task(producer.publish(producer.numbered(10)))
            while not producer.failures:
                await asyncio.sleep(0)
            await trial.start_server(core)
            await publishing
        await core.wait_for_count(10)
        await trial.finish(producer, core)

    async def test_the_state_reports_an_outage(self, trial: Trial) -> None:
        """A link is connected once it is used, is not while the server is down, and is again
        afterwards; the outage is counted, with its reason and its end.
        """
        producer, core = trial.pair()
        watched = core if trial.keeps_records else producer
        await trial.deliver(producer, core, producer.numbered(10))
        for state in (core.state(), producer.state()):
            assert state.connected
            assert (state.outages, state.last_outage) == (0, None)
        await trial.stop_server(core)
        publishing = asyncio.create_task(producer.publish(producer.numbered(10, first=10)))
        await trial.wait_until("it is away", lambda: not watched.state().connected)
        during = watched.state()
        assert during.outages == 1
        assert during.last_outage is not None
        assert during.last_outage.to_ns is None
        assert during.last_outage.reason
        await trial.start_server(core)
        await publishing
        await trial.finish(producer, core)
        await trial.wait_until(
            "it is back", lambda: core.state().connected and producer.state().connected
        )
        after = watched.state().last_outage
        assert after is not None
        assert after.to_ns is not None
        assert after.to_ns >= after.from_ns

    async def test_a_consumer_that_was_away_gets_the_rest(self, trial: Trial) -> None:
        """A Core that was stopped gets the records published meanwhile. Over a direct transport
        they are not kept; the producer gets an error and publishes them again.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(10))
        await core.stop()
        records = [Record(producer.entity(n, "raw"), b"%d" % n) for n in range(100)]
        if trial.keeps_records:
            await producer.publish(records)
        else:
            with pytest.raises(TransportError):
                await producer.attempt(records)
        await core.start()
        if not trial.keeps_records:
            await producer.publish(records)
        await trial.finish(producer, core)

    async def test_a_consumer_that_takes_nothing_for_a_while_misses_nothing(
        self, trial: Trial
    ) -> None:
        """While a Core is paused, 16 MiB wait at the backend or, with a direct transport, at the
        producer. Then they arrive, each once.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(10))
        core.pause()
        parts = [[Record(producer.entity(), os.urandom(LARGE_BYTES))] for _ in range(32)]
        publishing = asyncio.create_task(_publish_all(producer, parts))
        taken = core.received_batches
        await core.wait_until("a batch is taken", lambda: core.received_batches > taken)
        if trial.keeps_records:
            await publishing
        else:
            assert not publishing.done()
        core.resume()
        await publishing
        await trial.finish(producer, core)
        producer.check_exactly_once(core)
        producer.check_order(core)


async def _keep_publishing(producer: ProducerStandIn, enough: asyncio.Event) -> None:
    first = 10
    while not enough.is_set():
        await producer.publish(producer.numbered(20, f"e{first // 20 % 4}", first))
        first += 20


async def _publish_all(producer: ProducerStandIn, parts: Sequence[Sequence[Record]]) -> None:
    for part in parts:
        await producer.publish(part)
