"""Converts device readings to valid events, and builds the host's own events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nova.hardware.device import Metadata, Output, Parsed, Raw, Reading, Target, Ui
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.observation import Entity, Observation, Observer, record_of
from nova.sdk.events.record_builder import RecordBuilder
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

SYSTEM_ID = "hardware"


@dataclass(slots=True)
class BuiltRecords:
    """Records of readings, and the reasons of outputs that were refused."""

    records: list[Record] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class EventBuilder:
    """Builds the events of one host; each reading gets its source time here, once."""

    def __init__(self, scope_id: str, now_ns: Callable[[], int] = timestamps.now) -> None:
        self._observer = Observer(scope_id)
        self._now_ns = now_ns
        self._records = RecordBuilder()

    def readings(self, readings: Iterator[Reading] | list[Reading]) -> BuiltRecords:
        """All outputs of readings as records, in order; an invalid one affects only itself.

        A device's own time is kept, however far it is from this host's clock.
        """
        built = BuiltRecords()
        now_ns = self._now_ns()
        for reading in readings:
            self._build(reading, now_ns, built)
        return built

    def _build(self, reading: Reading, now_ns: int, built: BuiltRecords) -> None:
        try:
            observation = (
                self._observer.stamp(reading.entity, now_ns)
                if reading.at_ns is None
                else self._observer.observe(reading.entity, reading.at_ns)
            )
        except TimestampError as error:
            built.refused.append(str(error))
            return
        for output in reading.outputs:
            try:
                built.records.append(self._record(observation, output))
            except EnvelopeError as error:
                built.refused.append(str(error))

    def _record(self, observation: Observation, output: Output) -> Record:
        match output:
            case Raw():
                return self._records.raw(
                    observation, output.frame, output.connection_id, output.sequence
                )
            case Parsed():
                return self._records.parsed(
                    observation, output.message_type, output.payload, output.schema_version
                )
            case Ui(view_id, manifest_id, manifest_version, data):
                return record_of(observation.ui(view_id, manifest_id, manifest_version, data))
            case Metadata(message_type, payload, effective_time):
                return record_of(observation.metadata(message_type, payload, effective_time))

    def descriptor(self, target: Target) -> Record:
        """The descriptor of a target, in effect from its `since_ns` or from now on."""
        observation = (
            self._observer.observe(target.entity, target.since_ns)
            if target.since_ns
            else self._observer.stamp(target.entity, self._now_ns())
        )
        return record_of(observation.descriptor(target.capabilities, target.schema_version))

    def host_event(self, entity: Entity, message_type: str, payload: JsonObject) -> Record:
        """A metadata event about the host or a device."""
        observation = self._observer.stamp(entity, self._now_ns())
        return record_of(observation.metadata(message_type, payload))
