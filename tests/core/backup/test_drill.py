"""A drill: an archive is backed up while it is fed, lost, and restored, and catches up."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from nova.core.backup.folder_target import FolderTarget
from nova.sdk.settings import Settings
from nova.testkit.nats_server import NatsServer
from tests.core.backup.backing_up import backed_up, restored
from tests.core.backup.numbered_feed import NumberedFeed
from tests.core.running import running_core


async def test_a_restored_archive_catches_up(
    data: Path, target: FolderTarget, nats_server: NatsServer
) -> None:
    """A-299: what was published after the backup comes from the broker, and nothing twice. The
    writer has flushed, so that the backup has no log to copy.
    """
    feed = NumberedFeed(nats_server.url)
    settings = Settings(data=str(data), scope=feed.scope, transports=(nats_server.url,))
    async with running_core(settings):
        await feed.publish(4)
        await feed.arrived(data)
        made = await asyncio.to_thread(backed_up, data, target)
        assert made.events == feed.published
        log = max((data / "truth").glob("*.log"))
        assert log.stat().st_size == 0
        await feed.publish(2)
        await feed.arrived(data)
    shutil.rmtree(data)
    await feed.publish(2)
    back = await asyncio.to_thread(restored, target, data)
    assert back.events == made.events
    async with running_core(settings):
        await feed.arrived(data)
