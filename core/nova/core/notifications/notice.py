"""Notices: what one target is to be notified of, one alarm each. Several become one message."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from nova.sdk.alarms.alarm_rule import Severity

NoticeKind = Literal["raised", "escalated"]


class AlarmNotice(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """An alarm as messages and events show it."""

    alarm_id: str
    """Of the raising: the same in every message about it."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    rule_id: str
    field: str
    severity: Severity
    since: str
    """Source time of the first value that was out of limits."""

    raised_time: str
    """Canonical time of the raising."""

    title: str | None = None
    value: bool | float | int | str | None = None

    def line(self) -> str:
        """The alarm in one line."""
        entity = "/".join((self.scope_id, self.system_id, self.container_id, self.unique_id))
        value = "no value" if self.value is None else f"= {self.value}"
        what = f"{self.severity}: {self.title or self.rule_id} ({entity} {self.field} {value})"
        return f"{what}, since {self.since}"


class MessageContent(msgspec.Struct, kw_only=True, rename="camel"):
    """The content of a message; the body of a web hook."""

    message_id: str
    kind: NoticeKind | Literal["test"]
    target: str
    rule: str
    created: str
    alarms: list[AlarmNotice]

    def title(self) -> str:
        if self.kind == "test":
            return "NOVA: test message"
        worst = self.alarms[0].severity if len(self.alarms) == 1 else f"{len(self.alarms)} alarms"
        head = "not acknowledged: " if self.kind == "escalated" else ""
        first = self.alarms[0]
        return f"NOVA {first.scope_id}: {head}{worst} {first.title or first.rule_id}"

    def text(self) -> str:
        if self.kind == "test":
            return f"Target {self.target} receives the notifications of this NOVA."
        return "\n".join(alarm.line() for alarm in self.alarms)


def digest_id(*parts: object) -> str:
    """An id that is the same for the same parts."""
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]
