"""What follows the archive makes passes soon where little comes, and few where much does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from nova.core.query.derived_writer import follow
from nova.core.query.pass_pace import PassPace
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import write_marker

WAIT_S = 60.0
NEVER_S = 1_000.0


async def test_a_pass_of_many_events_is_followed_by_the_longer_pause(
    archive: Archive, tmp_path: Path
) -> None:
    """The events of all steps of a pass count; a pass of fewer is followed by another at once."""
    write_marker(tmp_path, archive.holdings())
    steps, passes = iter([[], [4, 5], [5, 0, 5], [1]]), list[list[int]]()
    is_busy = asyncio.Event()

    def advance(_: int) -> Iterator[int]:
        passes.append(next(steps))
        if sum(passes[-1]) >= 10:
            is_busy.set()
        yield from passes[-1]

    pace = PassPace(idle_s=0.0, busy_s=NEVER_S, busy_events=10)
    work = asyncio.create_task(follow(tmp_path, "samples", advance, pace=pace))
    await asyncio.wait_for(is_busy.wait(), WAIT_S)
    for _ in range(100):
        await asyncio.sleep(0)
    assert passes == [[], [4, 5], [5, 0, 5]]
    work.cancel()
    await asyncio.wait((work,))
