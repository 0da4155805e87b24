"""What the frames of CAN buses carry: a raw event each, and the messages that they make."""

from __future__ import annotations

from collections.abc import Iterator

from nova.recordings import view_cards
from nova.recordings.candump import CanFrame
from nova.recordings.dbc import DbcDefinition
from nova.recordings.equal_events import EqualEvents
from nova.recordings.field_units import FieldUnits
from nova.recordings.nmea2000 import Nmea2000Bus, NotDecodedError
from nova.recordings.recording import Step, event_step
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer
from nova.sdk.producer.view_updates import ViewUpdates

BUSES_MAX = 64
NOT_NMEA_2000 = "raw only: not an NMEA 2000 message that CANboat defines"
NOT_NMEA_2000_BUS = (
    "raw only: no message on this bus is specific to NMEA 2000; it may be J1939 or another protocol"
)
NOT_DECODED = "raw only: its data do not match CANboat's definition of the message"
NOT_IN_DBC = "raw only: --dbc defines no message of this id"
NOT_AS_IN_DBC = "raw only: its data do not match the message of --dbc"
TOO_SHORT = "raw only: the frame is too short for any signal of its message in --dbc"
PARTLY = "the frame is shorter than its message in --dbc: signals behind its end are left out"
INTERFACE_ERROR = "raw only: an error reported by the interface"
INCOMPLETE = (
    "the message before is incomplete: some of its frames are missing, so they are raw only"
)


class CanBuses:
    """The buses of a recording. Messages are those of `dbc` if given, else of NMEA 2000 on the
    buses on which `look` has seen it.
    """

    def __init__(
        self,
        observer: Observer,
        system_id: str,
        views: ViewUpdates | None = None,
        dbc: DbcDefinition | None = None,
    ) -> None:
        self._equal = EqualEvents(observer)
        self._system_id = system_id
        self._views = views
        self._dbc = dbc
        self._units = FieldUnits()
        self._buses: dict[str, Nmea2000Bus] = {}
        self._marine: set[str] = set()
        self._looking = Nmea2000Bus() if dbc is None else None

    def look(self, found: CanFrame) -> None:
        """Remember the bus of a frame that only NMEA 2000 has."""
        is_new = found.interface not in self._marine and len(self._marine) < BUSES_MAX
        if self._looking is not None and is_new and self._looking.is_specific(found):
            self._marine.add(found.interface)

    def step(self, end_bytes: int, place: str, found: CanFrame, at_ns: int, log_ns: int) -> Step:
        """The step of a frame; `log_ns` is its time on the log's own clock."""
        try:
            if self._dbc is not None:
                return self._defined_step(end_bytes, place, found, at_ns, self._dbc)
            known = self._bus(found).is_defined(found)
            is_read = known and found.interface in self._marine
            note = _raw_only_reason(found, known, is_read)
            return self._marine_step(end_bytes, place, found, at_ns, log_ns, is_read, note)
        except (EnvelopeError, TimestampError) as error:
            return Step(end_bytes, place, problem=str(error))

    def _defined_step(
        self, end_bytes: int, place: str, found: CanFrame, at_ns: int, dbc: DbcDefinition
    ) -> Step:
        """The frame's events, with its signals unless they cannot be decoded or published."""
        observation, raw = self._observe(found, at_ns)
        events = [raw]
        try:
            message = dbc.decode(found)
            if message is None:
                note = INTERFACE_ERROR if found.error else NOT_IN_DBC
                return event_step(end_bytes, place, events, note)
            if message.is_cut and not message.fields:
                return event_step(end_bytes, place, events, TOO_SHORT)
            parsed = observation.parsed(message.kind, message.fields)
            events += [*self._units.first(observation, message.kind, message.units), parsed]
        except (ValueError, EnvelopeError):
            return event_step(end_bytes, place, events, NOT_AS_IN_DBC)
        return event_step(end_bytes, place, events, PARTLY if message.is_cut else None)

    def _marine_step(
        self,
        end_bytes: int,
        place: str,
        found: CanFrame,
        at_ns: int,
        log_ns: int,
        is_read: bool,
        note: str | None,
    ) -> Step:
        """The frame's events, with its message unless that cannot be decoded or published."""
        observation, raw = self._observe(found, at_ns)
        events = [raw]
        try:
            message = self._bus(found).add_frame(found, log_ns) if is_read else None
            if self._bus(found).take_incomplete():
                note = INCOMPLETE
            if message is not None:
                parsed = list(self._message(observation, found, message.kind, message.fields))
                events += parsed
        except (NotDecodedError, EnvelopeError):
            note = NOT_DECODED
        return event_step(end_bytes, place, events, note)

    def _message(
        self, observation: Observation, found: CanFrame, kind: str, fields: dict[str, object]
    ) -> Iterator[Event]:
        yield observation.parsed(kind, fields)
        updates = view_cards.bus_cards(kind, fields, source=found.id[-2:])
        yield from view_cards.view_updates(self._views, observation, updates)

    def _observe(self, found: CanFrame, at_ns: int) -> tuple[Observation, Event]:
        """The frame at its time or, if that has an equal one, behind it; and its raw event."""
        entity, data = Entity(self._system_id, found.interface, found.id), found.packed()
        return self._equal.observe(
            entity, at_ns, lambda one: one.raw(data, connection_id=found.interface)
        )

    def _bus(self, found: CanFrame) -> Nmea2000Bus:
        bus = self._buses.get(found.interface)
        if bus is None:
            if len(self._buses) == BUSES_MAX:
                reason = f"more than {BUSES_MAX} interfaces in one log"
                raise EnvelopeError("badValue", "containerId", reason)
            bus = self._buses[found.interface] = Nmea2000Bus()
        return bus


def _raw_only_reason(found: CanFrame, known: bool, is_read: bool) -> str | None:
    """Why a frame is raw only; None if that needs no explanation."""
    if found.error:
        return INTERFACE_ERROR
    if known and not is_read:
        return NOT_NMEA_2000_BUS
    return NOT_NMEA_2000 if found.extended and not known else None
