"""An archive that is moved away under a running `nova up`, with and without a copy in its
place.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path

import pytest

from nova.sdk.archive_id import TRUTH_FOLDER
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.recorded_flight import SCOPE
from tests.e2e.test_up import ENVELOPE, alive, count, publish, refused_again_and_again, until

NOTICED_MAX_EVENTS = 50


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of truth."""
    return {path.name: path.read_bytes() for path in (folder / TRUTH_FOLDER).iterdir()}


def markers(folder: Path) -> dict[str, bytes]:
    """What lies beside truth and names it."""
    return {name: (folder / name).read_bytes() for name in ("archive.id", "witness.json")}


async def acknowledged_until_ended(nova: RunningNova, writer: int, first: int) -> int:
    """Publish over one connection until a writer has ended; returns how many it acknowledged."""
    transport, acknowledged = connect(nova.publish), 0
    with contextlib.suppress(NovaError):
        while alive(writer) and acknowledged < NOTICED_MAX_EVENTS:
            await transport.publish([Record(None, ENVELOPE % (first + acknowledged))])
            acknowledged += 1
            await asyncio.sleep(0.1)
    await transport.close()
    assert acknowledged < NOTICED_MAX_EVENTS, "the writer went on"
    await until(lambda: not alive(writer))
    return acknowledged


async def serves(nova: RunningNova, events: int) -> None:
    """Wait until a reader serves this many events; the test's timeout is the bound."""
    while await count(nova.data) != events:
        await asyncio.sleep(0.1)


def test_truth_that_is_moved_away_takes_nothing_more(nova: RunningNova) -> None:
    """Nobody makes it anew; what was acknowledged is there once it is back."""
    truth, away = nova.data / TRUTH_FOLDER, nova.data.with_name("away")
    asyncio.run(publish(nova.publish, 1))
    writer = nova.child("writer")
    truth.rename(away)
    late = asyncio.run(acknowledged_until_ended(nova, writer, 5))
    asyncio.run(refused_again_and_again(nova, writer))
    assert not truth.exists()
    away.rename(truth)
    asyncio.run(publish(nova.publish, 2))
    asyncio.run(serves(nova, 2 + late))


@pytest.mark.parametrize("name", ["*", "*.log"])
def test_files_that_are_removed_under_a_writer_end_it(nova: RunningNova, name: str) -> None:
    """It acknowledged into logs without a name, and all of that was lost when it ended."""
    asyncio.run(publish(nova.publish, 1))
    writer = nova.child("writer")
    for path in (nova.data / TRUTH_FOLDER).glob(name):
        path.unlink()
    asyncio.run(acknowledged_until_ended(nova, writer, 5))


@pytest.mark.slow
@pytest.mark.parametrize("is_killed", [False, True])
def test_a_copy_in_the_place_of_the_archive_is_refused(tmp_path: Path, is_killed: bool) -> None:
    """Its id is the same. Nothing is written into it, no marker either, until a person
    starts NOVA on it; the one that was moved is whole when it is back.
    """
    data, copy, away = tmp_path / "data", tmp_path / "copy", tmp_path / "away"
    with running_nova(data, "--scope", SCOPE) as nova:
        asyncio.run(publish(nova.publish, 1))
        nova.stop()
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock", "LOCK"))
    before = tree(copy), markers(copy)
    with running_nova(data, "--scope", SCOPE) as nova:
        asyncio.run(publish(nova.publish, 2))
        writer = nova.child("writer")
        if is_killed:
            os.kill(writer, signal.SIGKILL)
        data.rename(away)
        copy.rename(data)
        late = 0 if is_killed else asyncio.run(acknowledged_until_ended(nova, writer, 5))
        asyncio.run(refused_again_and_again(nova, writer))
        assert (tree(data), markers(data)) == before
        data.rename(copy)
        away.rename(data)
        asyncio.run(publish(nova.publish, 3))
        asyncio.run(serves(nova, 3 + late))
    data.rename(away)
    copy.rename(data)
    with running_nova(data, "--scope", SCOPE) as nova:
        asyncio.run(serves(nova, 1))
        nova.kill()
