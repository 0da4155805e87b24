"""Keeps equal events of one time apart: as one event they would be stored once."""

from __future__ import annotations

from collections.abc import Callable

from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer

REMEMBERED_MAX = 65_536
"""Events whose repetitions are counted, in about 10 MB; equal ones of a time lie close together."""


class EqualEvents:
    """Observes at the first free nanosecond from a time on. The same recording gets the same
    times; a part of it that begins among equal events has other times for these.
    """

    def __init__(self, observer: Observer, remembered_max: int = REMEMBERED_MAX) -> None:
        self._observer = observer
        self._remembered_max = remembered_max
        self._times_seen: dict[bytes, int] = {}

    def observe(
        self, entity: Entity, at_ns: int, first: Callable[[Observation], Event]
    ) -> tuple[Observation, Event]:
        """An observation whose `first` event no earlier one equals, and that event."""
        while True:
            observation = self._observer.observe(entity, at_ns)
            event = first(observation)
            earlier = self._times_seen.pop(event.event_id, 0)
            self._times_seen[event.event_id] = earlier + 1
            if len(self._times_seen) > self._remembered_max:
                del self._times_seen[next(iter(self._times_seen))]
            if not earlier:
                return observation, event
            at_ns += earlier
