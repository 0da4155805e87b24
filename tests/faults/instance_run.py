"""A whole instance, `nova up`, whose processes are killed and whose disk fails for a while."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.archive import TRUTH_FOLDER
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Query
from nova.testkit.running_nova import RunningNova, running_nova
from tests.faults import faulty_disk as disk
from tests.faults.faulty_disk import DiskFault, FaultyDisk
from tests.faults.forked_writers import POLL_S, SETTINGS
from tests.faults.published_model import PublishedModel
from tests.faults.publishing import WriterEndedError, publish

PROCESSES = ("writer", "reader", "sampler", "files", "edge", "supervisor")
ANSWERS_S = 90.0


class Trouble(NamedTuple):
    """What happens while batches are published: a process is killed, or the disk fails."""

    sizes: list[int]
    after_s: float
    process: str = ""
    fault: DiskFault | None = None
    lasts_s: float = 0.0

    def __str__(self) -> str:
        what = f"SIGKILL to the {self.process}" if self.fault is None else str(self.fault)
        lasts = f" for {self.lasts_s:.1f} s" if self.fault else ""
        return f"batches of {self.sizes}, after {1_000 * self.after_s:.0f} ms {what}{lasts}"


def troubles(seed: int, count: int) -> list[Trouble]:
    """The schedule of this seed: every process in turn, and a failing disk after each round."""
    dice = random.Random(f"instance {seed}")
    order = [*dice.sample(PROCESSES, len(PROCESSES)), ""]
    return [_trouble(dice, order[number % len(order)]) for number in range(count)]


def _trouble(dice: random.Random, process: str) -> Trouble:
    sizes = [dice.choice((1, 60, 170, 190)) for _ in range(dice.randint(2, 8))]
    if process:
        return Trouble(sizes, dice.uniform(0, 0.3), process)
    calls = disk.WRITE | disk.OPEN | disk.NAME
    kind = disk.FAULTS[dice.choice(("ENOSPC", "EROFS", "EIO", "EMFILE"))]
    fault = DiskFault(calls, kind, 0, disk.FOREVER, "truth")
    return Trouble(sizes, dice.uniform(0, 0.1), "", fault, dice.uniform(0.2, 2))


class InstanceRun:
    """Runs troubles one after the other; `faults` is what is wrong."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.model = PublishedModel(seed)
        self.faults: list[str] = []
        self.figures = Counter[str](instances=1)
        self._disk = FaultyDisk(folder)
        self._data = folder / "data"
        self._data.mkdir()

    async def run(self, schedule: list[Trouble]) -> None:
        """An instance that is started again whenever it was killed as a whole."""
        left, is_finished = list(schedule), False
        while not is_finished:
            with self._instance() as nova:
                while left and nova.process.poll() is None:
                    await self._suffer(nova, left.pop(0))
                if nova.process.poll() is None:
                    await self._finish(nova)
                    is_finished = True
                nova.kill()
        self.figures["acknowledged events"] = self.model.acknowledged
        await _until_free(self._data)
        try:
            self.faults += self.model.faults_of(self._data, self.model.acknowledged)
        except NovaError as error:
            self.faults.append(f"refused: {error}")

    @contextlib.contextmanager
    def _instance(self) -> Iterator[RunningNova]:
        variables = {**SETTINGS, "NOVA_DRIVERS": "jsonl", **self._disk.environment(self._data)}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            with running_nova(self._data) as nova:
                yield nova

    async def _suffer(self, nova: RunningNova, trouble: Trouble) -> None:
        publishing = asyncio.create_task(self._publish(nova, trouble.sizes))
        await asyncio.sleep(trouble.after_s)
        if trouble.fault is not None:
            self._disk.strike(trouble.fault)
            await asyncio.sleep(trouble.lasts_s)
            self.figures["call faults"] += self._disk.hits() > 0
            self._disk.heal()
        elif trouble.process == "supervisor":
            nova.kill()
            self.figures["kills"] += 1
        else:
            os.kill(await _process(nova, trouble.process), signal.SIGKILL)
            self.figures["kills"] += 1
        with contextlib.suppress(WriterEndedError):
            await publishing

    async def _publish(self, nova: RunningNova, sizes: list[int]) -> None:
        await publish(lambda: nova.process.poll() is not None, self._data, self.model, sizes)

    async def _finish(self, nova: RunningNova) -> None:
        """Everything is acknowledged, and clients see it in both orders."""
        await self._publish(nova, [1])
        for timebase in TIMEBASES:
            self.faults += await self._answer_faults(timebase)

    async def _answer_faults(self, timebase: Timebase) -> list[str]:
        """What is wrong with an answer once readers have had time to follow the writer."""
        faults = ["there is no answer"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWERS_S):
                while faults:
                    answer = await self._answer(timebase)
                    faults = self.model.answer_faults(answer, timebase)
        return faults

    async def _answer(self, timebase: Timebase) -> list[bytes]:
        while True:
            try:
                async with await Client.to_core(self._data) as client:
                    return [event async for event in client.query(Query(timebase=timebase))]
            except NovaError:
                await asyncio.sleep(POLL_S)


async def _until_free(data: Path) -> None:
    """Wait for the end of a writer that was being started when its supervisor was killed."""
    async with asyncio.timeout(ANSWERS_S):
        with (data / TRUTH_FOLDER / "LOCK").open("ab") as lock:
            while True:
                with contextlib.suppress(OSError):
                    fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                await asyncio.sleep(POLL_S)


async def _process(nova: RunningNova, name: str) -> int:
    """The process id of a child, once it runs."""
    async with asyncio.timeout(ANSWERS_S):
        while True:
            with contextlib.suppress(NovaError, OSError):
                return nova.child(name)
            await asyncio.sleep(POLL_S)
