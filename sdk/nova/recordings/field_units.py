"""FieldUnits: the metadata of the units that a recording's format states for a message's fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation

FIELD_UNITS = "FieldUnits"


class FieldUnits:
    """Publishes the units of each message of an entity once, with its first event."""

    def __init__(self) -> None:
        self._seen: set[tuple[Entity, str]] = set()

    def first(
        self, observation: Observation, message_type: str, units: Mapping[str, str]
    ) -> Iterator[Event]:
        """The event, if the message has units and they were not published before."""
        key = (observation.entity, message_type)
        if key in self._seen:
            return
        self._seen.add(key)
        if units:
            payload = {"messageType": message_type, "units": dict(units)}
            yield observation.metadata(FIELD_UNITS, payload)
