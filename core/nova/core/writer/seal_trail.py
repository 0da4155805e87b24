"""The seals of days: the writer records them one after the other, each once."""

from __future__ import annotations

from collections.abc import Callable

from nova.core.errors import RequestError
from nova.core.ordering import order_key
from nova.core.store import catalog
from nova.core.store.seal_reader import sealed_day
from nova.core.submission_messages import DayEnded, DaySealRecorded, EndDay, RecordDaySeal
from nova.core.utc_day import span_of
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.sdk.events.day_seal import DaySeal, seal_event, seal_fault
from nova.sdk.timestamps import NS_MAX


class SealTrail:
    """Records the seals that the sealer has computed. Canonical time only grows, so a day is over
    for ever once a later time was assigned.
    """

    def __init__(self, committer: Committer, queue: CommitQueue) -> None:
        self._committer = committer
        self._queue = queue

    async def end_day(self, request: EndDay) -> DayEnded:
        """Assign a canonical time after a day, if the wall clock is there: an archive that receives
        nothing would never leave the day. Raises RequestError if the day is not over.
        """
        _, last_ns = span_of(request.day)

        def write(committer: Committer) -> int:
            if committer.estimate_ns() <= last_ns:
                raise RequestError("badRequest", f"{request.day} is not over")
            return committer.pass_time()

        return DayEnded(canonical_ns=await self._run(write))

    async def record(self, request: RecordDaySeal) -> DaySealRecorded:
        """Record a seal; returns once it is durable. One that is recorded already is not recorded
        again. Raises RequestError if it does not continue the archive's seals.
        """

        def write(committer: Committer) -> int:
            _record(committer, request.seal)
            return committer.last_ns

        return DaySealRecorded(canonical_ns=await self._run(write))

    async def _run(self, write: Callable[[Committer], int]) -> int:
        """Run a write in the next commit. What it refuses is raised here: an error in a commit
        would end the writer.
        """

        def guarded(committer: Committer) -> int | RequestError:
            try:
                return write(committer)
            except RequestError as error:
                return error

        outcome = await self._queue.submit(guarded)
        if isinstance(outcome, RequestError):
            raise outcome
        return outcome


def _record(committer: Committer, seal: DaySeal) -> None:
    _, last_ns = span_of(seal.day)
    event = seal_event(seal, committer.own_scope, min(last_ns + 1, NS_MAX))
    key = order_key(event.source_ns, event.lane, event.event_id)
    known = committer.archive.record.seal(seal.day)
    if known == key:
        return
    if known is not None:
        raise RequestError("badRequest", f"{seal.day} is sealed already, by another seal")
    if committer.last_ns <= last_ns:
        raise RequestError("badRequest", f"{seal.day} is not over")
    if seal.archive != committer.archive.record.archive_id():
        raise RequestError("badRequest", f"the seal of {seal.day} is of archive {seal.archive}")
    if fault := seal_fault(seal, _newest(committer)):
        raise RequestError("badRequest", f"the seal of {seal.day} is refused: {fault}")
    # In the commit of the event: an open commit has room for at least one.
    committer.open.put_record(catalog.seal_key(seal.day), key)
    committer.record(event)


def _newest(committer: Committer) -> DaySeal | None:
    key = committer.archive.record.newest_seal()
    return None if key is None else sealed_day(committer.archive, key)
