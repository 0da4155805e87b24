"""Whether there is an alarm that somebody wants to do something with."""

from __future__ import annotations

import asyncio

from nova.core.errors import RequestError
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.alarm_store import AlarmName
from nova.core.store.series_table import EntityIds
from nova.sdk.protocol.alarm_messages import ActOnAlarm

WAIT_S = 2.0
"""How long the events that are durable by now may take to be judged."""

POLL_S = 0.05


def entity_of_action(done: ActOnAlarm) -> EntityIds:
    return (done.scope_id, done.system_id, done.container_id, done.unique_id)


def is_of(name: AlarmName, entity: EntityIds, rule: str) -> bool:
    """Whether an alarm is that of an entity and a rule."""
    of = name.series
    ids = (of.scope_id, of.system_id, of.container_id, of.unique_id)
    return name.rule_id == rule and ids == entity


async def require_alarm(
    queries: AlarmQueries, snapshot: ArchiveSnapshot, done: ActOnAlarm, wait_s: float = WAIT_S
) -> None:
    """Raises RequestError unless the entity has an alarm of the rule. While that cannot be known,
    because judging is late or the alarms are being rebuilt, nothing is refused.
    """
    entity = entity_of_action(done)
    until_ns = snapshot.watermark
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        async with queries.judged() as judged:
            if judged is None:
                return
            if any(is_of(name, entity, done.rule) for name in judged.view.names):
                return
            is_known = judged.cursor_ns >= until_ns
        if is_known:
            break
        if asyncio.get_running_loop().time() > deadline:
            return
        await asyncio.sleep(POLL_S)
    where = "/".join(entity)
    raise RequestError(
        "unknownTarget",
        f"{where} has no alarm of rule {done.rule!r}: name one that `alarms` lists",
    )
