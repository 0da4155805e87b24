"""`nova rebuild checkpoints`: by the command itself, or by the process of a running instance."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import msgspec
from click.testing import CliRunner

from nova.core.derived import checkpoint_follower
from nova.core.derived.rebuild import rebuild
from nova.core.store.checkpoint_store import CHECKPOINTS_FOLDER
from nova.core.store.durability_marker import write_marker
from nova.core.store.rebuild_request import read_rebuild_record, rebuild_request_file
from nova.sdk.archive_id import ANY_ARCHIVE
from tests.core.derived.test_checkpoint_maker import Archived
from tests.core.viewing import Drawn

UPDATES = [Drawn(minute, "a", "1.0.0", (("x", minute),)) for minute in range(200)]


def filled(stack: ExitStack) -> Archived:
    """An archive with its durability marker."""
    archived = Archived(stack)
    archived.take(UPDATES)
    archived.archive.sync()
    write_marker(archived.data, archived.committer.marker())
    return archived


def test_the_command_makes_them_itself() -> None:
    """And says how many updates that took."""
    with ExitStack() as stack:
        archived = filled(stack)
        archived.make()
        before = archived.rows("source")
        arguments = ["checkpoints", "--data", str(archived.data), "--json"]
        done = CliRunner().invoke(rebuild, arguments, catch_exceptions=False)
        assert msgspec.json.decode(done.stdout)["updates"] == len(UPDATES)
        assert archived.rows("source") == before != {}


async def test_a_running_process_makes_them_and_the_command_waits() -> None:
    """The database is another process's, which is asked by a file."""
    with ExitStack() as stack:
        archived = filled(stack)
        opened = asyncio.Event()
        work = asyncio.create_task(checkpoint_follower.maintain(archived.data, opened, ANY_ARCHIVE))
        await opened.wait()
        arguments = ["checkpoints", "--data", str(archived.data)]
        done = await asyncio.to_thread(
            CliRunner().invoke, rebuild, arguments, catch_exceptions=False
        )
        work.cancel()
        await asyncio.wait((work,))
        assert "by the running NOVA" in done.stdout
        assert not rebuild_request_file(archived.data, CHECKPOINTS_FOLDER).exists()
        assert read_rebuild_record(archived.data).count == 0
        assert archived.rows("source")
