"""Cases of delivery: completeness, exactly once, order, intact values, resuming."""

from __future__ import annotations

import asyncio
import os
from collections import Counter

from nova.sdk import address
from nova.sdk.transport.base import Record
from nova.testkit.conformance.cases import Cases
from nova.testkit.conformance.core_stand_in import CoreStandIn, key_of
from nova.testkit.conformance.producer_stand_in import ProducerStandIn
from nova.testkit.conformance.trial import Trial

MIB = 1024 * 1024
RESUMED_MAX = 8
"""The maximum number of batch boundaries at which a case resumes."""


class DeliveryCases(Cases):
    """Published records arrive."""

    async def test_everything_published_arrives_exactly_once(self, trial: Trial) -> None:
        """Every record of many entities arrives exactly once, with a position of its own."""
        producer, core = trial.pair()
        parts = [
            [Record(producer.entity(n % 7, lane), b"%d" % n) for n in range(first, first + 100)]
            for first, lane in ((0, "parsed"), (100, "raw"), (200, "parsed"), (300, "ui"))
        ]
        await trial.deliver(producer, core, *parts)
        producer.check_exactly_once(core)
        if trial.keeps_records:
            assert len({record.position for record in core.stored}) == len(core.stored)

    async def test_every_address_arrives_as_it_was_sent(self, trial: Trial) -> None:
        """Addresses of every shape in every lane arrive unchanged: entities, scope-global metadata,
        commands.
        """
        producer, core = trial.pair()
        scope = producer.scope_id
        sent = [
            *(Record(producer.entity("u", lane), lane.encode()) for lane in address.LANES),
            Record(f"nova.{scope}.metadata.__scope__.__scope__.__scope__.v1", b"global"),
            Record(f"nova.{scope}.command.request-1.v1", b"dispatch"),
            Record(f"nova.{scope}.command.command-1:CommandResult.v1", b"feedback"),
            Record(f"nova.{scope}.parsed.{'s' * 64}.{'c' * 64}.{'u' * 64}.v1", b"longest"),
        ]
        await trial.deliver(producer, core, sent)
        producer.check_exactly_once(core)

    async def test_an_entity_keeps_its_order(self, trial: Trial) -> None:
        """Records of one entity arrive in the order of publishing, however many others are between
        them.
        """
        producer, core = trial.pair()
        parts = [
            [Record(producer.entity(n % 50), b"%d" % n) for n in range(first, first + 200)]
            for first in range(0, 2_000, 200)
        ]
        await trial.deliver(producer, core, *parts)
        producer.check_exactly_once(core)
        producer.check_order(core)

    async def test_many_publishes_may_be_under_way(self, trial: Trial) -> None:
        """Publishes may run concurrently, and each gets its own receipt."""
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(1))
        parts = [producer.numbered(n % 5 + 1, f"e{n}") for n in range(100)]
        receipts = await asyncio.gather(*(producer.publish(part) for part in parts))
        if not trial.keeps_records:
            assert [receipt.new for receipt in receipts] == [len(part) for part in parts]
        await trial.finish(producer, core)
        producer.check_exactly_once(core)

    async def test_records_of_every_size_arrive_whole(self, trial: Trial) -> None:
        """Values arrive unchanged: empty, one byte, all 256 bytes, 1 MiB and 1 MiB + 1 byte."""
        producer, core = trial.pair()
        values = [b"", b"\x00", bytes(range(256)), os.urandom(MIB), os.urandom(MIB + 1)]
        sent = [Record(producer.entity(), value) for value in values]
        await trial.deliver(producer, core, *([record] for record in sent))
        producer.check_exactly_once(core)
        producer.check_order(core)

    async def test_many_small_records_arrive(self, trial: Trial) -> None:
        """20,000 records of 100 entities arrive, each once and in order."""
        producer, core = trial.pair()
        parts = [
            [Record(producer.entity(n % 100), b"%d" % n) for n in range(first, first + 1_000)]
            for first in range(0, 20_000, 1_000)
        ]
        await trial.deliver(producer, core, *parts)
        producer.check_exactly_once(core)
        producer.check_order(core)

    async def test_positions_resume_exactly(self, trial: Trial) -> None:
        """A Core that is restarted repeatedly misses no record and gets none twice. A backend that
        keeps a history resumes exactly after any batch.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(10))
        for first in range(10, 50, 10):
            lane = ("raw", "parsed")[first // 10 % 2]
            numbers = range(first, first + 10)
            part = [Record(producer.entity("two", lane), b"%d" % n) for n in numbers]
            await producer.publish(part)
            await core.wait_until_stored(part)
            await core.stop()
            await core.start()
        await trial.finish(producer, core)
        if trial.keeps_history:
            await self._resume_everywhere(trial, producer, core)

    async def _resume_everywhere(
        self, trial: Trial, producer: ProducerStandIn, core: CoreStandIn
    ) -> None:
        producer.check_exactly_once(core)
        places = range(0, len(core.batches), 1 + len(core.batches) // RESUMED_MAX)
        for place in places:
            rest = Counter(key_of(r) for batch in core.batches[place:] for r in batch.records)
            again = trial.core(producer.scope_id)
            for batch in core.batches[:place]:
                again.store_positions(batch.positions)
            await again.start()
            await again.wait_for_count(rest.total())
            await again.stop()
            assert Counter(map(key_of, again.stored)) == rest, f"resumed behind batch {place}"

    async def test_a_batch_that_was_not_stored_comes_again(self, trial: Trial) -> None:
        """A Core that stops before storing a batch gets it again, since no position has moved."""
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(5))
        core.pause()
        publishing = asyncio.create_task(producer.publish(producer.numbered(5, first=5)))
        taken = core.received_batches
        await core.wait_until("a batch is taken", lambda: core.received_batches > taken)
        await core.stop()
        await core.start()
        await publishing
        await trial.finish(producer, core)
        producer.check_order(core)

    async def test_acknowledgements_may_come_behind(self, trial: Trial) -> None:
        """Batches keep arriving while earlier ones are unacknowledged. A publish over a direct
        transport returns only when its batch is acknowledged.
        """
        producer, core = trial.pair()
        await trial.deliver(producer, core, producer.numbered(1))
        core.withhold_acknowledgements()
        publishing = []
        for number in range(10):
            part = producer.numbered(5, f"e{number}")
            publishing.append(asyncio.create_task(producer.publish(part)))
            await core.wait_until_stored(part)
        if not trial.keeps_records:
            assert not any(task.done() for task in publishing)
        await core.acknowledge_withheld()
        await asyncio.gather(*publishing)
        await trial.finish(producer, core)
        producer.check_exactly_once(core)
