"""Schedules of publishes and faults, each decided by a seed alone."""

from __future__ import annotations

import random
import signal
from typing import Literal, NamedTuple

from tests.faults import faulty_disk as disk
from tests.faults.faulty_disk import DiskFault

Kind = Literal["kills", "calls", "cuts", "merges"]
LIVES = 10
DAY_NS = 86_400 * 10**9
SIZES = (1, 20, 97, 150, 170, 170, 190)
LARGE = 1_400
MERGED_PAYLOAD_BYTES = 2_000
"""So that a few large batches fill the memtables, and tables are written and merged."""

PARTS = ("", "", ".log", ".sst", "MANIFEST", "CURRENT", "witness.json", "truth")


class Life(NamedTuple):
    """A writer's life: the batches that are published, and how it ends."""

    sizes: list[int]
    fault: DiskFault | None = None
    """Of the disk, from the start on or from a batch on."""

    fault_from: int = 0
    lasts_s: float | None = None
    """The writer is killed so long after the start or the batch `fault_from`."""

    signal: signal.Signals = signal.SIGKILL
    """How it ends after all batches, if it lives so long."""

    clock_step_ns: int = 0
    delay_us: int = 0
    cuts: int = 0
    """Power cuts that are tried at moments since the last one; the next life follows the last of
    them.
    """

    def __str__(self) -> str:
        ends = self.fault or (
            "" if self.lasts_s is None else f"killed after {1_000 * self.lasts_s:.1f} ms"
        )
        begin = f" from batch {self.fault_from}" if ends and self.fault_from else ""
        others = [
            f"clock {self.clock_step_ns / DAY_NS:+.1f} days" if self.clock_step_ns else "",
            f"syncs and writes slower by {self.delay_us} us" if self.delay_us else "",
            f"{self.cuts} power cuts" if self.cuts else "",
        ]
        said = [f"batches of {self.sizes}", f"{ends}{begin}", *others, f"then {self.signal.name}"]
        return ", ".join(part for part in said if part)


class Schedule(NamedTuple):
    """The lives of one archive's writers."""

    kind: Kind
    seed: int
    payload_bytes: int
    lives: list[Life]

    @property
    def has_cuts(self) -> bool:
        return any(life.cuts for life in self.lives)

    def __str__(self) -> str:
        lines = [f"{self.kind} of seed {self.seed}, payloads to {2 * self.payload_bytes} bytes"]
        return "\n".join(lines + [f"  {number}: {life}" for number, life in enumerate(self.lives)])


def schedule(kind: Kind, seed: int, lives: int = LIVES) -> Schedule:
    """The schedule of this seed."""
    dice = random.Random(f"{kind} {seed}")
    payload_bytes = MERGED_PAYLOAD_BYTES if kind == "merges" else dice.choice((20, 60, 60, 800))
    make = {"kills": _killed, "calls": _struck, "cuts": _cut, "merges": _merging}[kind]
    drawn = [_surrounded(dice, make(dice)) for _ in range(lives)]
    return Schedule(kind, seed, payload_bytes, drawn)


def _sizes(dice: random.Random, most: int) -> list[int]:
    sizes = [dice.choice(SIZES) for _ in range(dice.randint(most // 2, most))]
    if dice.random() < 0.08:
        sizes[dice.randrange(len(sizes))] = LARGE
    return sizes


def _surrounded(dice: random.Random, life: Life) -> Life:
    """The life with a step of the clock, and on a slow disk, or not."""
    step = dice.choice((0, 0, 0, 0, -3, 2, 40, -40)) * DAY_NS
    return life._replace(
        clock_step_ns=step, delay_us=dice.choice((0, 0, 0, 0, 0, 0, 0, 200, 200, 2_000))
    )


def _killed(dice: random.Random) -> Life:
    sizes = _sizes(dice, 24)
    begin = dice.choice((0, dice.randrange(len(sizes))))
    if dice.random() < 0.5:
        return Life(sizes, fault_from=begin, lasts_s=dice.uniform(0, 0.25))
    kind = dice.choice((disk.KILL_BEFORE, disk.KILL_AFTER, disk.SHORT_KILL))
    calls = (
        disk.WRITE
        if kind == disk.SHORT_KILL
        else dice.choice((disk.ANY_CALL, *disk.CALLS.values()))
    )
    after = dice.choice((0, dice.randrange(6), dice.randrange(40)))
    return Life(sizes, DiskFault(calls, kind, after), begin)


def _struck(dice: random.Random) -> Life:
    sizes = _sizes(dice, 8)
    begin = dice.choice((0, dice.randrange(len(sizes))))
    after = dice.choice((0, 0, dice.randrange(6), dice.randrange(40)))
    times = dice.choice((1, 1, 3, disk.FOREVER))
    kind, calls = dice.choice(
        (
            ("ENOSPC", disk.WRITE | disk.OPEN | disk.NAME),
            ("ENOSPC", disk.WRITE),
            ("EIO", disk.WRITE),
            ("EIO", disk.SYNC),
            ("EIO", disk.SYNC),
            ("EIO", disk.NAME | disk.TRUNCATE),
            ("EMFILE", disk.OPEN),
            ("EROFS", disk.WRITE | disk.OPEN | disk.NAME | disk.TRUNCATE),
            ("short write", disk.WRITE),
        )
    )
    fault = DiskFault(calls, disk.FAULTS[kind], after, times, dice.choice(PARTS))
    return Life(sizes, fault, begin, signal=_end(dice))


def _cut(dice: random.Random) -> Life:
    # Without a cut the next life reads what may not be durable, as after a kill.
    life = Life(_sizes(dice, 8), signal=_end(dice), cuts=dice.choice((0, 8)))
    if dice.random() < 0.25:
        fault = DiskFault(disk.SYNC, disk.FAULTS["EIO"], dice.randrange(8))
        return life._replace(fault=fault, fault_from=dice.randrange(len(life.sizes)))
    return life


def _merging(dice: random.Random) -> Life:
    """Tables are written and merged in this life, and the fault meets that."""
    life = Life([LARGE] * dice.randint(3, 6), signal=_end(dice))
    part = dice.choice((".sst", ".sst", "MANIFEST", ".log", ""))
    if dice.random() < 0.4:
        return life._replace(cuts=3)
    kind = dice.choice(("kill before", "kill after", "EIO", "ENOSPC"))
    calls = dice.choice((disk.ANY_CALL, disk.SYNC, disk.WRITE, disk.NAME))
    fault = DiskFault(calls, disk.FAULTS[kind], dice.randrange(12), 1, part)
    return life._replace(fault=fault, fault_from=dice.randrange(len(life.sizes)))


def _end(dice: random.Random) -> signal.Signals:
    return dice.choice((signal.SIGKILL, signal.SIGTERM))
