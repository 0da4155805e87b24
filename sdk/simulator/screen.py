"""The screen: which reports become updates of views, at most one a second from each unit.

Each is told whole. Then what is told is a function of time alone, as the history has to be that is
published again after a restart; and nearly all of it is measured, so another each second.
"""

from __future__ import annotations

from sdk.observation import Entity
from sdk.timestamps import NS_PER_SECOND

PERIOD_NS = NS_PER_SECOND


class Screen:
    """Remembers when each unit told last."""

    def __init__(self) -> None:
        self._told: dict[Entity, int] = {}

    def is_due(self, entity: Entity, at_ns: int) -> bool:
        """Whether a report is the first of its second; it counts as told then."""
        second = at_ns // PERIOD_NS
        if self._told.get(entity) == second:
            return False
        self._told[entity] = second
        return True
