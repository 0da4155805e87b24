"""Cases of subscriptions: one scope or all, later lanes and scopes, two consumers, lag."""

from __future__ import annotations

import pytest

from nova.sdk.errors import NotSentError, TransportError
from nova.sdk.transport.base import Receipt, Record
from nova.testkit.conformance.cases import Cases
from nova.testkit.conformance.trial import Trial


class SubscriptionCases(Cases):
    """Subscribed records are read."""

    async def test_one_scope_is_read_alone(self, trial: Trial) -> None:
        """A Core of one scope gets only that scope. Over a direct transport it also gets the
        records of other scopes, since no other Core would ever see them; it rejects them, and their
        producer gets the rejections. A backend of sessions refuses records that no session is for.
        """
        producer, core = trial.pair()
        other = trial.producer(f"{producer.scope_id}x")
        if trial.keeps_history:
            await other.publish(other.numbered(3))
        await trial.deliver(producer, core, producer.numbered(3))
        if trial.has_sessions:
            with pytest.raises(NotSentError):
                await other.attempt(other.numbered(3))
            receipt = Receipt()
        else:
            receipt = await other.publish(other.numbered(3, first=3))
        await trial.finish(producer, core)
        producer.check_exactly_once(core)
        if trial.keeps_records:
            assert core.refused == []
        else:
            assert [rejection.place for rejection in receipt.rejected] == [0, 1, 2]
            assert [record.value for record in core.refused] == [b"3", b"4", b"5"]

    async def test_all_scopes_are_read_together(self, trial: Trial) -> None:
        """A Core without a scope gets every scope."""
        producers = [trial.producer() for _ in range(3)]
        core = trial.core(None)
        if trial.keeps_history:
            for producer in producers:
                await producer.publish(producer.numbered(10))
        await core.start()
        for producer in producers:
            await producer.publish(producer.numbered(10, first=10))
            await trial.finish(producer, core)
            producer.check_exactly_once(core)

    async def test_a_lane_that_appears_later_is_found(self, trial: Trial) -> None:
        """A Core that starts before its scope exists finds each lane when it appears."""
        producer, core = trial.pair()
        await core.start()
        for lane in ("raw", "metadata"):
            await producer.publish([Record(producer.entity("u", lane), b"first")])
            await trial.finish(producer, core)
        producer.check_exactly_once(core)

    async def test_a_scope_that_appears_later_is_found(self, trial: Trial) -> None:
        """A Core of all scopes finds a scope that is created while it reads, from its beginning."""
        core = trial.core(None)
        await core.start()
        for producer in (trial.producer(), trial.producer()):
            await producer.publish(producer.numbered(10))
            await trial.finish(producer, core)
            producer.check_exactly_once(core)
            producer.check_order(core)

    async def test_two_consumers_do_not_disturb_each_other(self, trial: Trial) -> None:
        """Each consumer gets everything, from its own position. A direct transport refuses the
        second with a TransportError, and the first continues.
        """
        producer, first = trial.pair()
        second = trial.core(producer.scope_id)
        await trial.begin_session(second)
        await trial.deliver(producer, first, producer.numbered(10))
        if trial.keeps_records:
            await second.start()
            await trial.wait_until_read(producer, second)
            await producer.publish(producer.numbered(10, first=10))
            await trial.finish(producer, second)
            producer.check_exactly_once(second)
        else:
            with pytest.raises(TransportError):
                await second.start()
            assert not second.state().connected
            await second.stop()
        await producer.publish(producer.numbered(10, first=20))
        await trial.finish(producer, first)
        producer.check_exactly_once(first)
        assert first.state().connected

    async def test_the_lag_is_known_and_reaches_zero(self, trial: Trial) -> None:
        """Unread records are counted, and the count reaches zero when all are read, even while
        others publish. A direct transport has no unread records, and a backend of sessions does not
        say what it holds.
        """
        producer, core = trial.pair()
        other = trial.producer()
        await trial.deliver(producer, core, producer.numbered(5))
        if not trial.keeps_history:
            assert core.state().ends == {}
            return
        core.pause()
        await producer.publish(producer.numbered(30, first=5))
        await other.publish(other.numbered(5))
        await core.wait_until("30 records lie unread", lambda: (core.lag_records() or 0) >= 30)
        core.resume()
        await trial.finish(producer, core)
        await core.wait_until("nothing lies unread", lambda: core.lag_records() == 0)
