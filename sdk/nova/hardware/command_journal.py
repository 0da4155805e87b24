"""The command journal: which commands arrived, were started and how they ended; in the host's
database, so that no command is executed twice, whichever process dies in between.

A command is stored when it arrives, before it is started (synced), when it ended with its result,
and when that result is in the outbox. Only commands younger than the maximum age must be kept,
since older ones are refused: so the journal is bounded, and forgetting is safe. The time up to
which it has forgotten is stored too: an older command may have been executed and answered, also if
a clock that was set back makes it look young again. After a damaged journal was set aside, or has
lost its newest entries, that time is the latest that a command in it can have.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from itertools import count

from nova.hardware import command_rows, state_rows
from nova.hardware.command_rows import CommandArrival, CommandRow, CommandStage
from nova.hardware.device import Command
from nova.hardware.host_database import HostDatabase
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

KEPT_MIN = 10_000
"""Commands kept beyond their age, so that a late duplicate is recognised."""
ENTRIES_MAX = 100_000

_log = logging.getLogger(__name__)


class CommandJournal:
    """The commands of one host, by commandId and requestId."""

    def __init__(
        self,
        database: HostDatabase,
        max_age_s: float,
        *,
        now_ns: Callable[[], int] = timestamps.now,
        kept_min: int = KEPT_MIN,
        entries_max: int = ENTRIES_MAX,
    ) -> None:
        self._database = database
        self._max_age_ns = round(max_age_s * NS_PER_SECOND)
        self._kept_min = kept_min
        self._entries_max = entries_max
        latest_ns = now_ns() + self._max_age_ns
        rows, self.forgotten_before_ns = database.call(partial(_load, latest_ns=latest_ns))
        self._entries = {row.arrival.command_id: row for row in rows}
        self._requests = {row.arrival.request_id for row in rows}
        self._numbers = count(max((row.number for row in rows), default=0) + 1)
        self._forgotten: list[int] = []
        """Numbers that are to be deleted."""

    def has_seen(self, command_id: str, request_id: str) -> bool:
        """Whether a command arrived before, under either of its ids."""
        return command_id in self._entries or request_id in self._requests

    async def record_arrival(self, command: Command, request_id: str, now_ns: int) -> None:
        """Journal a new command; raises NovaError if the journal is full.

        Raises OSError if the disk write fails: then the command must not be started.
        """
        self._forget(now_ns)
        if len(self._entries) >= self._entries_max:
            raise NovaError(f"{self._entries_max:,} commands arrived within the maximum age")
        arrival = CommandArrival(
            command.command_id,
            request_id,
            command.target,
            command.command_type,
            command.payload,
            command.source_ns,
        )
        # It is known from now on: another link may bring it before it is stored.
        row = CommandRow(next(self._numbers), arrival, "came", None)
        self._entries[command.command_id] = row
        self._requests.add(request_id)
        forgotten = tuple(self._forgotten)
        try:
            await self._database.run(partial(_arrive, self.forgotten_before_ns, forgotten, row))
        except Exception:
            del self._entries[command.command_id]
            self._requests.discard(request_id)
            raise
        self._forgotten = [number for number in self._forgotten if number not in set(forgotten)]

    async def record_start(self, command: Command) -> None:
        """Journal that a command is about to be started; durable on return."""
        work = partial(command_rows.set_stage, command_id=command.command_id, stage="begun")
        await self._database.run(work, is_synced=True)
        self._set(command, "begun")

    async def record_result(self, command: Command, result: Record) -> None:
        """Journal the result, with the bytes that will be published."""
        self._set(command, "ended", result)
        await self._try_store(command, "ended", result)

    async def record_published(self, command: Command) -> None:
        """Journal that the result is in the outbox."""
        self._set(command, "told")
        await self._try_store(command, "told")

    def unfinished(self) -> list[tuple[Command, CommandStage, Record | None]]:
        """Unfinished commands of a previous process, with their stages and results (if any)."""
        return [
            (_command(row.arrival), row.stage, row.result)
            for row in self._entries.values()
            if row.stage != "told"
        ]

    def _forget(self, now_ns: int) -> None:
        """Drop the oldest commands; commands arrive nearly in the order of their times."""
        while len(self._entries) > self._kept_min:
            command_id, row = next(iter(self._entries.items()))
            if row.arrival.source_ns >= now_ns - self._max_age_ns or row.stage != "told":
                break
            del self._entries[command_id]
            self._requests.discard(row.arrival.request_id)
            self._forgotten.append(row.number)
            self.forgotten_before_ns = max(self.forgotten_before_ns, row.arrival.source_ns + 1)

    def _set(self, command: Command, stage: CommandStage, result: Record | None = None) -> None:
        row = self._entries[command.command_id]
        self._entries[command.command_id] = row._replace(stage=stage, result=result)

    async def _try_store(
        self, command: Command, stage: CommandStage, result: Record | None = None
    ) -> None:
        """Store what can be lost: a later process then reports an unknown outcome again."""
        work = partial(
            command_rows.set_stage, command_id=command.command_id, stage=stage, result=result
        )
        try:
            await self._database.run(work)
        except OSError as error:
            _log.error("cannot write the command journal: %s", error)


def _load(db: sqlite3.Connection, latest_ns: int) -> tuple[list[CommandRow], int]:
    """The stored commands, and the time before which some may be missing."""
    if state_rows.remove(db, state_rows.JOURNAL_LOST):
        command_rows.raise_forgotten(db, latest_ns + 1)
    before_ns = command_rows.forgotten_before_ns(db)
    return command_rows.load(db), -(2**63) if before_ns is None else before_ns


def _arrive(
    forgotten_before_ns: int, forgotten: tuple[int, ...], row: CommandRow, db: sqlite3.Connection
) -> None:
    if forgotten:
        command_rows.delete(db, forgotten)
        command_rows.raise_forgotten(db, forgotten_before_ns)
    command_rows.insert(db, row.number, row.arrival)


def _command(arrival: CommandArrival) -> Command:
    return Command(
        arrival.command_id,
        arrival.target,
        arrival.command_type,
        arrival.payload,
        arrival.source_ns,
    )
