"""`nova alarms` shows texts of events as they are: nothing is markup or drives a terminal."""

from __future__ import annotations

from typing import Self

import pytest
from click.testing import CliRunner

from nova.cli.alarms_command import alarms
from nova.console.archive_options import ArchiveSource
from nova.sdk.protocol.alarm_messages import (
    AlarmHistoryResponse,
    AlarmInfo,
    AlarmsResponse,
    AlarmTransition,
)

TIME = "2026-01-01T00:00:00Z"
ALARM = AlarmInfo(
    rule="mode",
    scope_id="sat",
    lane="parsed",
    system_id="eps",
    container_id="a",
    unique_id="1",
    message_type="Power",
    field="mode",
    state="raised",
    severity="critical",
    value="[/red]\x1b]0;x\x07",
    comment="see [bold]\n\x9b2J",
)


class AlarmingClient:
    """A client of an instance with one alarm."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def alarms(self, _: object) -> AlarmsResponse:
        return AlarmsResponse(time=TIME, settled=TIME, alarms=[ALARM])

    async def alarm_history(self, _: object) -> AlarmHistoryResponse:
        found = [AlarmTransition(time=TIME, change="raised", alarm=ALARM)]
        return AlarmHistoryResponse(settled=TIME, transitions=found, resume_key="0")


async def connect(_: ArchiveSource) -> AlarmingClient:
    return AlarmingClient()


@pytest.mark.parametrize("arguments", [[], ["--history"]])
def test_texts_of_events_are_shown_as_they_are(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ArchiveSource, "connect", connect)
    shown = CliRunner().invoke(alarms, arguments, catch_exceptions=False).stdout
    assert "[/red]\\x1b]0;x\\x07" in shown
    assert "\x1b" not in shown and "\x9b" not in shown
    assert ("see [bold]\\n\\x9b2J" in shown) == (not arguments)
