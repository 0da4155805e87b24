"""The last outcome of each route: of a rule of the notification file to one of its targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nova.core.notifications.notice_ledger import NoticeLedger
from nova.core.notifications.notification_file import NotificationFile
from nova.sdk import timestamps
from nova.sdk.protocol.health import ConfiguredPart

READ_MESSAGES = 1_000
"""The newest messages of earlier processes that are looked at."""


class Route(NamedTuple):
    """A rule and a target of it."""

    rule: str
    target: str

    @property
    def name(self) -> str:
        return f"{self.rule}/{self.target}"


class RouteOutcome(NamedTuple):
    """How the last message over a route ended, or is going: `retrying`."""

    state: str
    time_ns: int
    error: str | None


def routes_of(file: NotificationFile) -> Iterator[Route]:
    """The routes of a file, those of escalations too, each once."""
    for rule in file.rules:
        escalated = rule.escalate.targets if rule.escalate is not None else []
        for target in dict.fromkeys((*rule.targets, *escalated)):
            yield Route(rule.name, target)


class RouteOutcomes:
    """What became of the last message of each route."""

    def __init__(self, ledger: NoticeLedger) -> None:
        self._last: dict[Route, RouteOutcome] = {}
        for message in ledger.newest_ended(READ_MESSAGES):
            route = Route(message.content.rule, message.content.target)
            outcome = RouteOutcome(message.state, message.ended_ns or 0, message.error)
            self._last.setdefault(route, outcome)

    def add(self, route: Route, state: str, error: str | None) -> None:
        self._last[route] = RouteOutcome(state, timestamps.now(), error)

    def parts(self, file: NotificationFile) -> list[ConfiguredPart]:
        """The routes of a file for the status."""
        return [_part(route, self._last.get(route)) for route in routes_of(file)]


def _part(route: Route, last: RouteOutcome | None) -> ConfiguredPart:
    if last is None:
        return ConfiguredPart(name=route.name, state="idle")
    time = timestamps.text(last.time_ns)
    return ConfiguredPart(name=route.name, state=last.state, time=time, reason=last.error)
