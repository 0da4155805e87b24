"""The screen: what of the telemetry becomes updates of views, at most once a second.

Every five seconds of the clock all keys are told, in between those that changed. The grid is that
of the history, so what a simulator tells of the past is a function of time alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sdk.observation import Entity
from sdk.timestamps import NS_PER_SECOND

PERIOD_NS = NS_PER_SECOND
WHOLE_PERIOD_NS = 5 * NS_PER_SECOND


class _Told(NamedTuple):
    at_ns: int
    payload: Mapping[str, object]


class Screen:
    """Remembers what each unit told last."""

    def __init__(self) -> None:
        self._told: dict[Entity, _Told] = {}

    def update(
        self, entity: Entity, at_ns: int, payload: Mapping[str, object]
    ) -> Mapping[str, object]:
        """What of a report is to be told; empty where it is nothing or too soon."""
        told = self._told.get(entity)
        if told is not None and at_ns // PERIOD_NS == told.at_ns // PERIOD_NS:
            return {}
        self._told[entity] = _Told(at_ns, payload)
        if told is None or at_ns // WHOLE_PERIOD_NS != told.at_ns // WHOLE_PERIOD_NS:
            return payload
        return {key: value for key, value in payload.items() if told.payload.get(key) != value}
