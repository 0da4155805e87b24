"""Maintains alarms as the archive grows, up to the durability marker; rebuilds them on request.

The sampler does it while there are none, then a process of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.query import derived_writer
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.pass_pace import PassPace
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.query.tail_follower import SharedTail
from nova.core.store.alarm_store import ALARMS_FOLDER, AlarmStore
from nova.sdk import archive_id
from nova.sdk.alarms import own_process
from nova.sdk.alarms.alarm_rule import ALARM_RULE_PUBLISHED
from nova.sdk.archive_id import ArchiveIdentity

ALARM_PACE = PassPace(idle_s=0.1, busy_s=0.1)
"""People wait for alarms."""


class _FirstAlarmError(Exception):
    """There is an alarm to judge."""


@asynccontextmanager
async def open_alarm_maker(data: Path, own_scope: str) -> AsyncIterator[AlarmMaker]:
    """A maker with its archive snapshot and its database."""
    with derived_writer.open_for_writing(data, AlarmStore) as (snapshot, store):
        yield AlarmMaker(snapshot, store, own_scope)


async def maintain(
    data: Path,
    own_scope: str,
    opened: asyncio.Event,
    served: ArchiveIdentity,
    cursors: DerivedCursors | None = None,
    reserve: DiskReserve = NO_RESERVE,
    shared: SharedSnapshot | None = None,
    tail: SharedTail | None = None,
) -> None:
    """Maintain the alarms until cancelled, rebuilding them when needed or requested."""
    followed = tail or SharedTail()

    async def make(view: ArchiveSnapshot, store: AlarmStore) -> None:
        maker = AlarmMaker(view, store, own_scope)
        if cursors is not None:
            cursors.followed["alarms"] = lambda: maker.cursor_ns
        with followed.followed(lambda: maker.cursor_ns) as follower:
            await derived_writer.follow(
                *(data, ALARMS_FOLDER, maker.make, reserve), pace=ALARM_PACE, follower=follower
            )

    await derived_writer.maintain(data, AlarmStore, make, opened, served=served, shared=shared)


def has_rules(view: ArchiveSnapshot) -> bool:
    """Whether anybody has published a rule."""
    return any(series.message_type == ALARM_RULE_PUBLISHED for series in view.series.names)


async def maintain_until_needed(
    data: Path,
    own_scope: str,
    opened: asyncio.Event,
    served: ArchiveIdentity,
    cursors: DerivedCursors,
    reserve: DiskReserve = NO_RESERVE,
    shared: SharedSnapshot | None = None,
    tail: SharedTail | None = None,
) -> None:
    """Follow the archive until there is a rule or an alarm, for which their own process is."""

    async def make(view: ArchiveSnapshot, store: AlarmStore) -> None:
        maker = AlarmMaker(view, store, own_scope)

        def advance(watermark: int) -> Iterator[int]:
            if watermark > maker.cursor_ns:
                view.advance(watermark)
                view.held_in_memory(maker.cursor_ns + 1, watermark)
            steps = maker.make(watermark)
            while not maker.alarms and not has_rules(view):
                if (step := next(steps, None)) is None:
                    return
                yield step
            raise _FirstAlarmError

        cursors.followed["alarms"] = lambda: maker.cursor_ns
        with (tail or SharedTail()).followed(lambda: maker.cursor_ns) as follower:
            following = data, ALARMS_FOLDER, advance, reserve
            await derived_writer.follow(*following, pace=ALARM_PACE, follower=follower)

    if not own_process.is_needed(data):
        try:
            await derived_writer.maintain(
                data, AlarmStore, make, opened, served=served, shared=shared
            )
        except _FirstAlarmError:
            cursors.followed.pop("alarms")
            archive_id.require(data, served)
            own_process.request(data)
    opened.set()
