"""Writes the days that a lake lacks, or of which the archive has other events now.

A partition is replaced only by one with as many events or more. So what retention has deleted from
the archive, or what a principal may not see, stays in the lake.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import msgspec

from nova.core.backup.backup_target import BackupTarget, TargetLock
from nova.core.lake.day_spool import DaySpool, SpooledScope
from nova.core.lake.lake_day import (
    LakeDay,
    LakeDefinition,
    LakeFile,
    encode,
    read_day,
    require_definition,
)
from nova.core.lake.lake_layout import DAY_FILE, PARQUET_ENDING, VIEWS_FILE, partition_of
from nova.core.lake.lake_source import LakeSource
from nova.core.lake.lake_views import views_of
from nova.core.scratch import scratch_folder
from nova.core.utc_day import NS_PER_DAY, span_of
from nova.sdk.events.day_seal import DaySeal
from nova.sdk.timestamps import NS_MAX, NS_MIN

Report = Callable[[int, int, int], None]
"""Called with the days that are done, their total, and the events read so far."""

SCRATCH_NAME = "lake"


class LakeRequest(NamedTuple):
    """What the lake has, and the first and the last day to look at; None: all that are over."""

    definition: LakeDefinition
    scopes: list[str] | None = None
    first_day: str | None = None
    last_day: str | None = None


class LakeSummary(msgspec.Struct, kw_only=True, rename="camel"):
    """The result of a run. A partition is a scope's day; `kept` are those of which the archive has
    fewer events than the lake now.
    """

    place: str
    last_day: str | None = None
    days: int = 0
    written: int = 0
    unchanged: int = 0
    kept: list[str] = msgspec.field(default_factory=list)
    events: int = 0
    bytes: int = 0
    seconds: float = 0.0


class LakeRun:
    """One run of `nova lake`."""

    def __init__(self, request: LakeRequest, source: LakeSource, target: BackupTarget) -> None:
        self._request, self._source, self._target = request, source, target
        self._summary = LakeSummary(place=str(target))
        self._read_events = 0
        self._partitions: dict[str, dict[str, int]] = {}
        """The files of each partition with their sizes."""

    async def write(self, report: Report) -> LakeSummary:
        """Write what is missing; raises NovaError. Each day that is done stays done."""
        started = time.monotonic()
        with self._target.lock() as lock:
            sizes = self._target.sizes("")
            require_definition(self._target, self._request.definition, sizes)
            self._partitions = _by_partition(sizes)
            await self._write_days(lock, report)
            self._write_views()
        self._summary.seconds = round(time.monotonic() - started, 3)
        return self._summary

    async def _write_days(self, lock: TargetLock, report: Report) -> None:
        last = self._summary.last_day = await self._last_day()
        if last is None:
            return
        seals = await self._source.seals()
        first_ns = (
            NS_MIN if self._request.first_day is None else span_of(self._request.first_day)[0]
        )
        end_ns, day = span_of(last)[1], await self._source.next_day(first_ns)
        begin_ns = first_ns if day is None else span_of(day)[0]
        while day is not None and day <= last:
            lock.require()
            self._summary.days += 1
            done, total = _days(begin_ns, span_of(day)[0]), _days(begin_ns, end_ns + 1)
            report(done, total, self._read_events)
            if not await asyncio.to_thread(self._is_as_sealed, day, seals.get(day)):
                show = partial(report, done, total)
                await self._write_day(day, seals.get(day), lock, show)
            after_ns = span_of(day)[1]
            day = None if after_ns >= NS_MAX else await self._source.next_day(after_ns + 1)

    async def _last_day(self) -> str | None:
        over, wanted = await self._source.last_day(), self._request.last_day
        return over if over is None or wanted is None else min(over, wanted)

    def _is_as_sealed(self, day: str, seal: DaySeal | None) -> bool:
        """Whether the lake has all events of a sealed day, which need not be read then."""
        if seal is None or seal.groups is None:
            return False
        expected: dict[str, int] = {}
        for group in seal.groups:
            if self._selects(group.scope_id, group.lane):
                # Of NOVA's own records a principal sees what its rights and its filters allow.
                events = 0 if group.is_own else group.events
                expected[group.scope_id] = expected.get(group.scope_id, 0) + events
        for scope_id, events in expected.items():
            record = self._record(partition_of(scope_id, day))
            if record is None or record.seal != seal.hash:
                return False
            if record.events - record.own_events != events:
                return False
        self._summary.unchanged += len(expected)
        return bool(expected)

    def _selects(self, scope_id: str, lane: str) -> bool:
        lanes, scopes = self._request.definition.lanes, self._request.scopes
        return (scopes is None or scope_id in scopes) and (lanes is None or lane in lanes)

    def _record(self, partition: str) -> LakeDay | None:
        """The record of a partition; None unless all of its files are there."""
        sizes = self._partitions.get(partition, {})
        if DAY_FILE not in sizes:
            return None
        record = read_day(self._target, partition)
        return record if record is not None and record.is_whole(sizes) else None

    async def _write_day(
        self, day: str, seal: DaySeal | None, lock: TargetLock, report: Callable[[int], None]
    ) -> None:
        with scratch_folder(SCRATCH_NAME) as folder:
            spool = DaySpool(folder)
            async for page in self._source.pages(day):
                await asyncio.to_thread(spool.add, page)
                lock.require()
                self._read_events += len(page)
                report(self._read_events)
            for scope_id, scope in sorted(spool.scopes.items()):
                await asyncio.to_thread(self._write_scope, scope_id, day, scope, seal, lock)

    def _write_scope(
        self, scope_id: str, day: str, scope: SpooledScope, seal: DaySeal | None, lock: TargetLock
    ) -> None:
        partition = partition_of(scope_id, day)
        fresh = LakeDay(
            scope=scope_id,
            day=day,
            timebase=self._request.definition.timebase,
            events=scope.digest.events,
            own_events=scope.own_events,
            digest=scope.digest.text(),
            files=[],
            seal=None if seal is None else seal.hash,
        )
        known = self._record(partition)
        if known is None or _is_other(known, fresh):
            self._replace(partition, fresh, scope, lock)
        elif known.events > fresh.events:
            self._summary.kept.append(partition)
        else:
            self._summary.unchanged += 1
            if known.seal != fresh.seal:
                sealed = msgspec.structs.replace(known, seal=fresh.seal)
                self._target.write(f"{partition}/{DAY_FILE}", encode(sealed))

    def _replace(self, partition: str, day: LakeDay, scope: SpooledScope, lock: TargetLock) -> None:
        """Write a partition anew. Until its record is there again it is unfinished, and the next
        run writes it.
        """
        present = self._partitions.setdefault(partition, {})
        if present.pop(DAY_FILE, None) is not None:
            self._target.remove(f"{partition}/{DAY_FILE}")
        files = []
        for _, one in sorted(scope.types.items()):
            lock.require()
            made = one.make()
            self._target.write_file(f"{partition}/{one.name}", made)
            files.append(LakeFile(name=one.name, events=one.events, bytes=made.stat().st_size))
            made.unlink()
        names = {file.name for file in files}
        for name in present.keys() - names:
            if name.endswith(PARQUET_ENDING):
                self._target.remove(f"{partition}/{name}")
        record = encode(msgspec.structs.replace(day, files=files))
        self._target.write(f"{partition}/{DAY_FILE}", record)
        self._partitions[partition] = {file.name: file.bytes for file in files} | {DAY_FILE: 0}
        self._summary.written += 1
        self._summary.events += day.events
        self._summary.bytes += sum(file.bytes for file in files)

    def _write_views(self) -> None:
        names = [name for sizes in self._partitions.values() for name in sizes]
        content = views_of(str(self._target), names)
        self._target.write(VIEWS_FILE, content)


def _is_other(known: LakeDay, fresh: LakeDay) -> bool:
    """Whether a day has other events now, and not fewer."""
    return known.digest != fresh.digest and known.events <= fresh.events


def _by_partition(sizes: Mapping[str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, size in sizes.items():
        partition, _, file = name.rpartition("/")
        if partition:
            found.setdefault(partition, {})[file] = size
    return found


def _days(from_ns: int, to_ns: int) -> int:
    return (to_ns - from_ns) // NS_PER_DAY
