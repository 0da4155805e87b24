"""What tests of the readers share: all of a recording, counted and with its ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from nova.recordings.field_units import FIELD_UNITS
from nova.recordings.recording import Step
from nova.sdk.events.envelope import MetadataEvent
from nova.sdk.events.event import Event, address_of, check


@dataclass
class Everything:
    """All that a recording gave; every event is checked as the Core would."""

    events: list[Event] = field(default_factory=list)
    lanes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    end_bytes: int = 0

    @property
    def ids(self) -> list[str]:
        """The eventIds in order."""
        return [event.event_id.hex() for event in self.events]


def everything(steps: Iterable[Step]) -> Everything:
    """Read to the end; offsets must only grow."""
    found = Everything()
    for step in steps:
        assert step.offset_bytes >= found.end_bytes
        found.end_bytes = step.offset_bytes
        if step.note is not None:
            found.notes[step.note] += 1
        if step.problem is not None:
            found.problems.append(f"{step.place}: {step.problem}")
        for record in step.records:
            event = check(record.value, address_of(record.address))
            found.events.append(event)
            found.lanes[event.series.lane] += 1
    return found


def units_of(events: Iterable[Event]) -> dict[str, dict[str, str]]:
    """The units of the fields of each message, as FieldUnits states them."""
    return {
        cast(str, one.envelope.payload["messageType"]): cast(
            "dict[str, str]", one.envelope.payload["units"]
        )
        for one in events
        if isinstance(one.envelope, MetadataEvent) and one.series.message_type == FIELD_UNITS
    }
