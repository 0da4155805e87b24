"""Rule files that change beside a running writer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from nova.core.writer import writer_process
from nova.core.writer.file_reload import COMMIT_EVENTS, WriterWatches
from nova.core.writer.pipeline import Writer
from nova.core.writer.rule_events import last_published
from nova.sdk.alarms.alarm_rule_files import load_usable_rules
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.settings import Settings
from nova.sdk.watched_files import WatchedFiles
from tests.sdk.alarms.test_alarm_rule_files import SOUND, write_rules

SCOPE = "sat"
POLL_S = 0.05
WAIT_S = 60.0


@asynccontextmanager
async def following_writer(data: Path, folder: Path) -> AsyncIterator[Writer]:
    watched = WriterWatches(WatchedFiles(folder, POLL_S))
    settings = Settings(data=str(data), scope=SCOPE)
    rules = load_usable_rules(folder)
    async with writer_process.open_writer(settings, (), rules, watched) as (writer, transports):
        work = asyncio.create_task(writer.run(transports))
        try:
            yield writer
            assert not work.done(), work
        finally:
            work.cancel()
            await asyncio.wait((work,))
            writer.finish()


async def until(writer: Writer, holds: Callable[[ConfiguredFiles], bool]) -> ConfiguredFiles:
    async with asyncio.timeout(WAIT_S):
        while not holds(writer.reload.configured()[0]):
            await asyncio.sleep(POLL_S)
    return writer.reload.configured()[0]


def held(writer: Writer) -> set[str]:
    """The rules that the archive has."""
    found = last_published(writer.committer.archive, SCOPE)
    return {rule_id for rule_id, rule in found.items() if rule is not None}


async def test_more_rules_than_a_commit_has_come_and_go_with_the_folder(tmp_path: Path) -> None:
    """A folder that cannot be read, as on a disk that is not mounted, withdraws nothing."""
    folder = tmp_path / "rules"
    folder.mkdir()
    write_rules(folder, "one", SOUND)
    async with following_writer(tmp_path / "data", folder) as writer:
        assert held(writer) == {"voltage"}
        many = [{**SOUND, "ruleId": f"v{number}"} for number in range(COMMIT_EVENTS + 10)]
        write_rules(folder, "many", *many)
        await until(writer, lambda found: found.in_effect == len(many) + 1)
        assert len(held(writer)) == len(many) + 1
        folder.rename(tmp_path / "away")
        found = await until(writer, lambda found: bool(found.faults))
        assert "cannot read the rules" in found.faults[0]
        assert found.in_effect == len(many) + 1 == len(held(writer))
        (tmp_path / "away" / "many.json").unlink()
        (tmp_path / "away").rename(folder)
        await until(writer, lambda found: found.in_effect == 1 and not found.faults)
        assert held(writer) == {"voltage"}
