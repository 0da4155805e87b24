"""Selection of the reports that become view updates: at most one a second per unit.

Each update holds all values. So updates depend on time only, which a history that is published
again after a restart requires; and nearly all values are measured and change every second anyway.
"""

from __future__ import annotations

from nova.sdk.events.observation import Entity
from nova.sdk.timestamps import NS_PER_SECOND

PERIOD_NS = NS_PER_SECOND


class ViewRateLimit:
    """The second of each unit's last update."""

    def __init__(self) -> None:
        self._last_seconds: dict[Entity, int] = {}

    def is_due(self, entity: Entity, at_ns: int) -> bool:
        """Whether a report is the first of its second; if so, the second is recorded."""
        second = at_ns // PERIOD_NS
        if self._last_seconds.get(entity) == second:
            return False
        self._last_seconds[entity] = second
        return True
