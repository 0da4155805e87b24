"""Wrapping: what devices say as checked events, with the host's own words about itself (A-123)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sdk import timestamps
from sdk.envelope import JsonObject
from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event
from sdk.hardware.device import Metadata, Output, Parsed, Raw, Reading, Target, Ui
from sdk.observation import Entity, Observation, Observer, record_of
from sdk.transport.base import Record

SYSTEM_ID = "hardware"


@dataclass(slots=True)
class Wrapped:
    """Records of readings, and what could not be said of them."""

    records: list[Record] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Wrapper:
    """Makes the events of one host; each reading gets its source time here, once."""

    def __init__(self, scope_id: str, now_ns: Callable[[], int] = timestamps.now) -> None:
        self._observer = Observer(scope_id)
        self._now_ns = now_ns

    def readings(self, readings: Iterator[Reading] | list[Reading]) -> Wrapped:
        """All outputs of readings as records, in order; a bad one costs only itself.

        A device's own time is kept as it is, however far it lies from this host's clock.
        """
        wrapped = Wrapped()
        now_ns = self._now_ns()
        for reading in readings:
            self._wrap(reading, now_ns, wrapped)
        return wrapped

    def _wrap(self, reading: Reading, now_ns: int, wrapped: Wrapped) -> None:
        try:
            observation = (
                self._observer.stamp(reading.entity, now_ns)
                if reading.at_ns is None
                else self._observer.observe(reading.entity, reading.at_ns)
            )
        except TimestampError as error:
            wrapped.refused.append(str(error))
            return
        for output in reading.outputs:
            try:
                wrapped.records.append(record_of(_event(observation, output)))
            except EnvelopeError as error:
                wrapped.refused.append(str(error))

    def descriptor(self, target: Target) -> Record:
        """What a target can do, from its own beginning or from now on (A-098)."""
        observation = (
            self._observer.observe(target.entity, target.since_ns)
            if target.since_ns
            else self._observer.stamp(target.entity, self._now_ns())
        )
        return record_of(observation.descriptor(target.capabilities, target.schema_version))

    def note(self, entity: Entity, message_type: str, payload: JsonObject) -> Record:
        """A metadata event of the host itself."""
        observation = self._observer.stamp(entity, self._now_ns())
        return record_of(observation.metadata(message_type, payload))


def _event(observation: Observation, output: Output) -> Event:
    match output:
        case Raw(frame, connection_id, sequence):
            return observation.raw(frame, connection_id, sequence)
        case Parsed(message_type, payload, schema_version):
            return observation.parsed(message_type, payload, schema_version)
        case Ui(view_id, manifest_id, manifest_version, data):
            return observation.ui(view_id, manifest_id, manifest_version, data)
        case Metadata(message_type, payload, effective_time):
            return observation.metadata(message_type, payload, effective_time)
