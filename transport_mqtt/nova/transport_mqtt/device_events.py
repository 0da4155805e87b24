"""Makes events of the messages of devices, by the mapping; a message that is none is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import msgspec

from nova.recordings.field_units import FieldUnits
from nova.sdk import address as addresses
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.observation import Entity, Observation, Observer, record_of
from nova.sdk.protocol.message import NUMBER_MAX
from nova.sdk.transport.base import Record
from nova.transport_mqtt import topic_filter
from nova.transport_mqtt.device_mapping import PLACE, DeviceMapping, DeviceSpec, TimeMember

NS_OF: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
SHOWN_CHARS: Final = 64
PAYLOAD_MAX_BYTES: Final = 1024 * 1024
"""No more fits into an event."""

AS_TEXT: Final = "publish it as a text"

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_MISSING: Final = object()


class DeviceRefusal(NamedTuple):
    """Why a message is no event: a code of the reject log, the place, and the reason."""

    code: str
    member: str
    reason: str


class DeviceEvents:
    """The records of devices' messages."""

    def __init__(self, mapping: DeviceMapping) -> None:
        self._specs = mapping.device
        self._observer = Observer(mapping.scope)
        self._units = FieldUnits()

    @property
    def filters(self) -> list[str]:
        """What to subscribe to."""
        return [spec.topic for spec in self._specs]

    def records(self, topic: str, payload: bytes, received_ns: int) -> list[Record] | DeviceRefusal:
        """The records of a message, or why there are none."""
        for spec in self._specs:
            levels = topic_filter.match(spec.topic, topic)
            if levels is not None:
                try:
                    return list(self._records(spec, levels, payload, received_ns))
                except EnvelopeError as error:
                    return DeviceRefusal(error.code, error.member, error.reason)
                except TimestampError as error:
                    return DeviceRefusal("badTime", "time", str(error))
        return DeviceRefusal("badAddress", "topic", "no device of the mapping has this topic")

    def _records(
        self, spec: DeviceSpec, levels: list[str], payload: bytes, received_ns: int
    ) -> Iterator[Record]:
        entity = _entity(spec, levels)
        members = _members(spec, payload)
        fields = _fields(spec, members)
        observation = self._observe(spec, entity, members, received_ns)
        event = observation.parsed(spec.message_type, fields)
        units = self._units.first(observation, spec.message_type, spec.units)
        yield from map(record_of, units)
        yield record_of(event)

    def _observe(
        self, spec: DeviceSpec, entity: Entity, members: dict[str, object], received_ns: int
    ) -> Observation:
        if isinstance(spec.time, TimeMember):
            return self._observer.observe(entity, _time_ns(spec.time, members))
        return self._observer.stamp(entity, received_ns)


def _entity(spec: DeviceSpec, levels: list[str]) -> Entity:
    ids = []
    for name, pattern in zip(Entity._fields, spec.entity.split("."), strict=True):
        one = PLACE.sub(lambda place: _level(spec, levels[int(place[1]) - 1]), pattern)
        if not addresses.is_id(one):
            raise EnvelopeError(
                "badValue",
                "topic",
                f"{one[:SHOWN_CHARS]!r} is no {name} ([A-Za-z0-9_-]{{1,64}}): give the level an id "
                "in names of the device",
            )
        ids.append(one)
    return Entity(*ids)


def _level(spec: DeviceSpec, level: str) -> str:
    return spec.names.get(level, level)


def _members(spec: DeviceSpec, payload: bytes) -> dict[str, object]:
    """The payload's members; a number or a text is one."""
    if len(payload) > PAYLOAD_MAX_BYTES:
        raise EnvelopeError("tooLarge", "payload", f"has more than {PAYLOAD_MAX_BYTES} bytes")
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise EnvelopeError("malformed", "payload", "is not UTF-8") from None
    if spec.payload == "json":
        return _object(payload)
    name = spec.field or ""
    if spec.payload == "text" or text.strip() in spec.values:
        return {name: text}
    return {name: _number(text.strip())}


def _object(payload: bytes) -> dict[str, object]:
    try:
        found = _JSON.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise EnvelopeError("malformed", "payload", f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise EnvelopeError("wrongType", "payload", "is JSON, but no object")
    return found


def _number(text: str) -> int | float:
    if _NUMBER.fullmatch(text) is None:
        raise EnvelopeError("badValue", "payload", f"{text[:SHOWN_CHARS]!r} is not a number")
    return int(text) if _WHOLE.fullmatch(text) else _float(text)


def _float(text: str) -> float:
    """The nearest number. Raises EnvelopeError for a whole one that would become another."""
    value = float(text)
    if not math.isfinite(value):
        raise EnvelopeError("badValue", "payload", f"{text[:SHOWN_CHARS]!r} is beyond any number")
    if abs(value) > NUMBER_MAX and Decimal(text) != Decimal(value):
        reason = f"{text[:SHOWN_CHARS]!r} is beyond 2^53, where numbers are not exact: {AS_TEXT}"
        raise EnvelopeError("badValue", "payload", reason)
    return value


_JSON: Final = msgspec.json.Decoder(float_hook=_float)


def _fields(spec: DeviceSpec, members: dict[str, object]) -> dict[str, object]:
    if not spec.fields:
        return {name: _value(spec, value) for name, value in members.items()}
    found = {name: _at(members, path) for name, path in spec.fields.items()}
    present = {name: _value(spec, value) for name, value in found.items() if value is not _MISSING}
    if not present:
        paths = ", ".join(spec.fields.values())
        raise EnvelopeError("missingMember", "fields", f"the payload has none of {paths}")
    return present


def _value(spec: DeviceSpec, value: object) -> object:
    return spec.values.get(value.strip(), value) if isinstance(value, str) else value


def _at(members: object, path: str) -> object:
    """What is at a path such as `ENERGY.Power` or `sensors.0.value`."""
    found = members
    for name in path.split("."):
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif (
            isinstance(found, list)
            and name.isascii()
            and name.isdigit()
            and (len(name) <= 9 and int(name) < len(found))
        ):
            found = found[int(name)]
        else:
            return _MISSING
    return found


def _time_ns(time: TimeMember, members: dict[str, object]) -> int:
    value = _at(members, time.member)
    if value is _MISSING:
        raise EnvelopeError("missingMember", time.member, "is missing, which holds the time")
    if time.unit == "iso":
        if not isinstance(value, str):
            raise EnvelopeError("badTime", time.member, "is no text, which an ISO 8601 time is")
        has_offset = value.endswith("Z") or re.search(r"[+-]\d\d:\d\d$", value) is not None
        return timestamps.parse(value if has_offset else value + (time.offset or ""))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EnvelopeError("badTime", time.member, f"is no number of {time.unit}")
    try:
        # The shortest decimal of a float: what the device has written.
        return int(Decimal(repr(value)) * NS_OF[time.unit])
    except (InvalidOperation, OverflowError, ValueError):
        raise EnvelopeError("badTime", time.member, f"{value} is no time") from None
