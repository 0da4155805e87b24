"""Cases of beginning and end: a transport's state before first use, and what it leaves after close.

A library may keep resources for the life of the process, which are not the transport's. So each
case runs once before the run that is measured.
"""

from __future__ import annotations

import asyncio

import pytest

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Subscription, Transport
from nova.testkit.conformance.cases import Cases
from nova.testkit.conformance.leftovers import ProcessResources
from nova.testkit.conformance.trial import Trial


class EndingCases(Cases):
    """A transport releases everything."""

    async def test_a_link_has_one_name_and_begins_unconnected(self, trial: Trial) -> None:
        """Transports to one backend have the same `link`, under which a Core stores positions, and
        are not connected before they are used.
        """
        one, other = trial.connect(), trial.connect()
        assert isinstance(one, Transport)
        assert one.link
        assert one.link == other.link
        assert not one.state().connected
        assert one.state().outages == 0

    async def test_cancellation_leaves_nothing_behind(self, trial: Trial) -> None:
        """Consuming and publishing can be cancelled at any moment; after `close` the process has
        the tasks, threads and descriptors that it had before.
        """
        await _cancelled_life(trial)
        before = ProcessResources.snapshot()
        await _cancelled_life(trial)
        assert await trial.leaked_since(before) == []

    async def test_close_leaves_nothing_behind(self, trial: Trial) -> None:
        """`close` ends consuming and publishing, and leaves no task, thread or descriptor."""
        await _closed_life(trial)
        before = ProcessResources.snapshot()
        await _closed_life(trial)
        assert await trial.leaked_since(before) == []

    async def test_a_closed_transport_refuses_to_work(self, trial: Trial) -> None:
        """After `close`, publishing and consuming raise TransportError, and another `close` does
        nothing.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(1))
        await core.stop()
        for transport in (producer.transport, trial.connect()):
            await transport.close()
            await transport.close()
            with pytest.raises(TransportError):
                await transport.publish(producer.numbered(1, first=1))
            with pytest.raises(TransportError):
                await anext(transport.consume(Subscription(producer.scope_id), {}))
            transport.state()


async def _cancelled_life(trial: Trial) -> None:
    producer, core = trial.pair()
    await trial.deliver(producer, core, producer.numbered(10))
    core.pause()
    publishing = asyncio.create_task(producer.transport.publish(producer.numbered(100, first=10)))
    taken = core.received_batches
    await core.wait_until("a batch is taken", lambda: core.received_batches > taken)
    await _cancel(publishing)
    at_once = asyncio.create_task(producer.transport.publish(producer.numbered(100, first=110)))
    await asyncio.sleep(0)
    await _cancel(at_once)
    await core.stop()
    await producer.transport.close()


async def _closed_life(trial: Trial) -> None:
    producer, core = trial.pair()
    await trial.deliver(producer, core, producer.numbered(10))
    core.pause()
    publishing = asyncio.create_task(producer.transport.publish(producer.numbered(100, first=10)))
    taken = core.received_batches
    await core.wait_until("a batch is taken", lambda: core.received_batches > taken)
    await core.close_while_busy()
    await producer.transport.close()
    await asyncio.wait((publishing,))
    assert isinstance(publishing.exception(), TransportError | None)


async def _cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait((task,))
