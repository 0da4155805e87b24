"""Runs a schedule: real writers on a faulty disk, and the archive judged by the model."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
from collections import Counter
from pathlib import Path

from nova.sdk.errors import NovaError
from tests.faults.disk_journal import ACKNOWLEDGED, DurableFolder, acknowledgement, records_of
from tests.faults.faulty_disk import KILL_AFTER, KILL_BEFORE, SHORT_KILL, SYNC, WRITE, FaultyDisk
from tests.faults.forked_writers import ForkedWriter, WriterFork
from tests.faults.published_model import PublishedModel
from tests.faults.publishing import WriterEndedError, publish
from tests.faults.schedules import Life, Schedule

Figures = Counter[str]
SIGNAL_BITS = 0x7F
KILLS = (KILL_BEFORE, KILL_AFTER, SHORT_KILL)


class ScheduleRun:
    """One archive's life in a folder of its own. `faults` is what is wrong, with where."""

    def __init__(self, schedule: Schedule, folder: Path, fork: WriterFork) -> None:
        self.schedule, self._folder, self._fork = schedule, folder, fork
        self._dice = random.Random(f"run {schedule.seed}")
        self.model = PublishedModel(schedule.seed, schedule.payload_bytes)
        self.disk = FaultyDisk(folder, with_journal=schedule.has_cuts)
        self.log = folder / "log"
        self.root = folder / "disk"
        self.root.mkdir()
        self.faults: list[str] = []
        self.figures = Figures(schedules=1)
        self._durable: DurableFolder | None = None
        """The folder at the last power cut: what was written since may not be durable, also if
        writers have ended and read it again.
        """

    @property
    def data(self) -> Path:
        return self.root / "data"

    async def run(self) -> None:
        """All lives, then one without faults, then the judgement."""
        for number, life in enumerate(self.schedule.lives):
            try:
                await self._live(life)
            except TimeoutError:
                self.faults.append("the writer hangs")
            if number == len(self.schedule.lives) // 2 and not self.schedule.has_cuts:
                self._judge(self.data, self.model.acknowledged)
            if self.faults:
                self.faults = [f"life {number}: {fault}" for fault in self.faults]
                return
        await self._recover()
        self._judge(self.data, self.model.acknowledged)
        self.figures["acknowledged events"] += self.model.acknowledged

    async def _live(self, life: Life) -> None:
        if self.schedule.has_cuts and self._durable is None:
            self._durable = DurableFolder(self.root, self.model.acknowledged)
            self.disk.forget()
        self.disk.clock_offset_ns += life.clock_step_ns
        self.disk.delay_us, self.disk.delayed = life.delay_us, WRITE | SYNC
        self.disk.heal()
        writer = self._fork.start(self.data, self.log, self.disk)
        try:
            await self._publish(writer, life.sizes[: life.fault_from])
            await self._publish_under_fault(writer, life)
        except WriterEndedError:
            pass
        finally:
            if not writer.has_ended():
                writer.end(life.signal)
        self._count(life, writer)
        self.disk.heal()
        if life.cuts and self._durable is not None:
            self._cut(self._durable, life.cuts)

    async def _publish_under_fault(self, writer: ForkedWriter, life: Life) -> None:
        if life.fault is not None:
            self.disk.strike(life.fault)
        publishing = asyncio.create_task(self._publish(writer, life.sizes[life.fault_from :]))
        try:
            if life.lasts_s is not None:
                await asyncio.wait((publishing,), timeout=life.lasts_s)
                writer.end()
            await publishing
        finally:
            publishing.cancel()
            await asyncio.wait((publishing,))

    async def _publish(self, writer: ForkedWriter, sizes: list[int]) -> None:
        await publish(writer.has_ended, self.data, self.model, sizes, self._note_acknowledged)

    def _note_acknowledged(self) -> None:
        if self.disk.journal_name:
            with self.disk.journal.open("ab", buffering=0) as file:
                file.write(acknowledgement(self.model.acknowledged))

    def _count(self, life: Life, writer: ForkedWriter) -> None:
        assert writer.status is not None
        self.figures["kills"] += writer.status & SIGNAL_BITS == signal.SIGKILL
        if life.fault is not None and life.fault.fault not in KILLS:
            self.figures["call faults"] += self.disk.hits() > 0
            self.figures["call faults that no call met"] += self.disk.hits() == 0
        self.figures["clock steps"] += life.clock_step_ns != 0

    async def _recover(self) -> None:
        """A writer on a disk without faults takes up what is there, and what was not confirmed."""
        self.disk.delay_us = 0
        self.disk.heal()
        writer = self._fork.start(self.data, self.log, self.disk)
        try:
            await publish(writer.has_ended, self.data, self.model, [1])
        except WriterEndedError:
            self.faults.append(f"the writer does not start again: {self._last_of_log()}")
        finally:
            if not writer.has_ended():
                writer.end(signal.SIGTERM)

    def _judge(self, data: Path, acknowledged: int, *, with_counts: bool = True) -> None:
        if not data.exists() and not acknowledged:
            return
        self.figures["archives judged"] += 1
        try:
            self.faults += self.model.faults_of(data, acknowledged, with_counts=with_counts)
        except NovaError as error:
            self.faults.append(f"refused: {error}")

    # --- power cuts -----------------------------------------------------------------------------

    def _cut(self, durable: DurableFolder, cuts: int) -> None:
        """Try power cuts at moments since the last one; the last of these stays."""
        records = list(records_of(self.disk.journal.read_bytes()))
        if not records:
            return
        syncs = [number for number, one in enumerate(records) if one.kind in f"S{ACKNOWLEDGED}"]
        self._durable = None
        chosen = [self._dice.randrange(len(records) + 1) for _ in range(cuts - cuts // 2)]
        chosen += [self._dice.choice(syncs) + 1 for _ in range(cuts // 2) if syncs]
        played = 0
        for number in sorted(chosen):
            for record in records[played:number]:
                durable.play(record)
            played = number
            after = self._folder / "after"
            shutil.rmtree(after, ignore_errors=True)
            durable.after_cut(after, self._dice)
            kept = self._folder / "kept"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(after, kept)
            self.figures["power cuts"] += 1
            is_last = number == max(chosen)
            self._judge(after / "data", durable.acknowledged, with_counts=is_last)
            if self.faults:
                self.faults.append(f"cut at record {number} of {len(records)}")
                return
        shutil.rmtree(self.root)
        kept.rename(self.root)
        self.model.go_back(durable.acknowledged)

    def _last_of_log(self) -> str:
        with contextlib.suppress(OSError):
            return self.log.read_text()[-2_000:]
        return ""
