"""Brings a snapshot's tail the commits that the writer publishes.

Nothing depends on it: while the writer is away, or its feed is behind, the archive is read instead.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import aiohttp
from aiohttp import WSMsgType

from nova.core import commit_feed
from nova.core.commit_feed import CommitFrame, CommittedEvent
from nova.core.errors import ArchiveError
from nova.core.query.commit_tail import CommitTail
from nova.sdk.channel import ChannelError
from nova.sdk.events.event import Series

RETRY_S = 1.0
HEARTBEAT_S = 10.0

log = logging.getLogger(__name__)


class FeedListener(Protocol):
    """A snapshot that is read beside a tail, or several."""

    tail: CommitTail | None

    def add_series(self, number: int, names: Series) -> None:
        """Add a series that the writer has just numbered."""

    def note_deletions(self, events: Sequence[CommittedEvent]) -> None:
        """Catch up with the archive soon if these events say that some were deleted."""


async def follow_feed(
    path: Path,
    snapshot: FeedListener,
    tail: CommitTail,
    retry_s: float = RETRY_S,
    *,
    pause_s: float = 0.0,
) -> None:
    """Apply the commits of the feed at a socket to the tail of a snapshot, whenever these are
    wanted, until cancelled. They come together after each pause.
    """
    snapshot.tail = tail
    while True:
        await tail.wanted.wait()
        try:
            async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
                await _follow_once(session, snapshot, tail, pause_s)
        except (OSError, aiohttp.ClientError, ArchiveError, ChannelError) as error:
            log.debug("no commit feed", extra={"context": {"error": str(error)}})
        finally:
            tail.forget()
        await asyncio.sleep(retry_s)


async def _follow_once(
    session: aiohttp.ClientSession, snapshot: FeedListener, tail: CommitTail, pause_s: float
) -> None:
    async with session.ws_connect(
        commit_feed.feed_url(pause_s),
        max_msg_size=commit_feed.FEED_FRAME_MAX_BYTES,
        heartbeat=HEARTBEAT_S,
    ) as socket:
        async for message in socket:
            if message.type is not WSMsgType.BINARY:
                return
            frame = commit_feed.FRAMES.decode(message.data)
            if isinstance(frame, CommitFrame):
                for number, names in frame.series:
                    snapshot.add_series(number, names)
                tail.apply(frame)
                snapshot.note_deletions(frame.events or ())
                if not tail.wanted.is_set():
                    return
