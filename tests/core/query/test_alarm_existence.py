"""Actions on alarms that do not exist are refused, once it is known that they do not."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.core.errors import RequestError
from nova.core.query.alarm_existence import require_alarm
from nova.sdk.protocol.alarm_messages import ActOnAlarm
from tests.core.query.test_alarm_queries import Asking


def action(unit: str, rule: str) -> ActOnAlarm:
    return ActOnAlarm(
        scope_id="sat",
        system_id="bus",
        container_id="eps",
        unique_id=unit,
        rule=rule,
        action="disable",
        timeline_mode="LIVE",
    )


async def test_unknown_alarms_are_refused_and_unjudged_ones_are_not(tmp_path: Path) -> None:
    with ExitStack() as stack:
        asking = Asking(stack, tmp_path / "scratch")
        snapshot = asking.archived.snapshot
        snapshot.watermark = asking.archived.committer.last_ns
        await require_alarm(asking.queries, snapshot, action("e", "volts"))
        for unit, rule in (("e", "amps"), ("f", "volts")):
            with pytest.raises(RequestError, match=f"{unit} has no alarm of rule '{rule}'"):
                await require_alarm(asking.queries, snapshot, action(unit, rule))
        snapshot.watermark += 1
        await require_alarm(asking.queries, snapshot, action("f", "volts"), wait_s=0)
