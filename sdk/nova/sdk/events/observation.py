"""Observations: events of one entity that share an instant.

The time of a record is never changed: equal content at one time is one event, whichever way it
arrived, and different content shares the time. Only times that this host assigns grow strictly, so
that two events stay two when the clock stands still.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from nova.sdk import address as addresses
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event, check
from nova.sdk.transport.base import Record


class Entity(NamedTuple):
    """What is observed, by three ids of 1 to 64 letters, digits, _ and -; unique in its scope."""

    system_id: str
    container_id: str
    unique_id: str


class Observer:
    """Creates the events of one scope."""

    def __init__(self, scope_id: str) -> None:
        if not addresses.is_id(scope_id):
            raise EnvelopeError(
                "badValue", "scopeId", f"scopeId {scope_id[:80]!r} is not [A-Za-z0-9_-]{{1,64}}"
            )
        self.scope_id = scope_id
        self._last_stamp_ns: dict[Entity, int] = {}

    def observe(self, entity: Entity, at_ns: int | None = None) -> Observation:
        """An instant of an entity: the given time, or else a stamp of this host."""
        if at_ns is None:
            return self.stamp(entity, timestamps.now())
        return Observation(self, entity, _in_range(at_ns), is_stamped=False)

    def stamp(self, entity: Entity, earliest_ns: int) -> Observation:
        """An instant with a time of this host: `earliest_ns`, or 1 ns after the last stamp."""
        return Observation(self, entity, self.next_stamp(entity, earliest_ns), is_stamped=True)

    def next_stamp(self, entity: Entity, earliest_ns: int) -> int:
        """Reserve the first free nanosecond of an entity's stamps from `earliest_ns` on."""
        last_ns = self._last_stamp_ns.get(entity)
        at_ns = _in_range(earliest_ns if last_ns is None else max(earliest_ns, last_ns + 1))
        self._last_stamp_ns[entity] = at_ns
        return at_ns


def _in_range(at_ns: int) -> int:
    if not timestamps.NS_MIN <= at_ns <= timestamps.NS_MAX:
        raise TimestampError(f"{at_ns} ns is outside 1677-09-21 to 2262-04-11")
    return at_ns


class Observation:
    """Events that share an instant; if stamped, a second event of a series gets a new stamp."""

    def __init__(self, observer: Observer, entity: Entity, at_ns: int, *, is_stamped: bool) -> None:
        self.entity = entity
        self.at_ns = at_ns
        self._observer = observer
        self._is_stamped = is_stamped
        self._series: set[tuple[str, str | None, str]] = set()

    def raw(
        self, frame: bytes, connection_id: str | None = None, sequence: int | None = None
    ) -> Event:
        """Bytes as received."""
        body = {"bytes": base64.b64encode(frame).decode()}
        return self._event(
            "raw", None, "", {**body, "connectionId": connection_id, "sequence": sequence}
        )

    def parsed(
        self, message_type: str, payload: Mapping[str, object], schema_version: str = "1"
    ) -> Event:
        """A decoded message; `payload` is JSON, with integers up to 2^53 - 1 and no NaN."""
        body = {"schemaVersion": schema_version, "payload": payload}
        return self._event("parsed", message_type, "", body)

    def ui(
        self, view_id: str, manifest_id: str, manifest_version: str, data: Mapping[str, object]
    ) -> Event:
        """A partial upsert of a view's data."""
        body = {
            "viewId": view_id,
            "manifestId": manifest_id,
            "manifestVersion": manifest_version,
            "data": data,
        }
        return self._event("ui", "UiUpdate", view_id, body)

    def metadata(
        self,
        message_type: str,
        payload: Mapping[str, object],
        effective_time: str | None = None,
    ) -> Event:
        """Metadata of a type that has a payload."""
        body = {"payload": payload, "effectiveTime": effective_time}
        return self._event("metadata", message_type, "", body)

    def descriptor(
        self, capabilities: Sequence[str], schema_version: str, effective_time: str | None = None
    ) -> Event:
        """The capabilities of this producer, in effect from the given time or from now on."""
        body = {
            "capabilities": list(capabilities),
            "schemaVersion": schema_version,
            "effectiveTime": effective_time or timestamps.text(self.at_ns),
        }
        return self._event("metadata", "ProducerDescriptor", "", body)

    def command_progress(
        self,
        command_id: str,
        target_id: str,
        command_type: str,
        percent: float,
        message: str | None = None,
    ) -> Event:
        """The progress of a command, from 0 to 100."""
        body = {
            "commandId": command_id,
            "targetId": target_id,
            "commandType": command_type,
            "progressPercent": percent,
            "message": message,
        }
        return self._event("command", "CommandProgress", "", body)

    def command_result(
        self,
        command_id: str,
        target_id: str,
        command_type: str,
        status: Literal["success", "failure"],
        result: Mapping[str, object] | None = None,
        error_message: str | None = None,
    ) -> Event:
        """The end of a command; `error_message` is the reason of a failure."""
        body = {
            "commandId": command_id,
            "targetId": target_id,
            "commandType": command_type,
            "status": status,
            "result": result,
            "errorMessage": error_message,
        }
        return self._event("command", "CommandResult", "", body)

    def _event(
        self, lane: str, message_type: str | None, view_id: str, body: Mapping[str, object]
    ) -> Event:
        self.claim_stamp(lane, message_type, view_id)
        system_id, container_id, unique_id = self.entity
        header = {
            "scopeId": self._observer.scope_id,
            "lane": lane,
            "systemId": system_id,
            "containerId": container_id,
            "uniqueId": unique_id,
            "sourceTruthTime": timestamps.text(self.at_ns),
            "messageType": message_type,
        }
        present = {name: value for name, value in body.items() if value is not None}
        if message_type is None:
            del header["messageType"]
        return check(_encode({**header, **present}))

    def claim_stamp(self, lane: str, message_type: str | None, view_id: str = "") -> None:
        """Take a new stamp for a second event of a series: equal ones would be one event."""
        if not self._is_stamped:
            return
        series = (lane, message_type, view_id)
        if series in self._series:
            self.at_ns = self._observer.next_stamp(self.entity, self.at_ns)
            self._series.clear()
        self._series.add(series)


def record_of(event: Event) -> Record:
    """The record that carries an event, with its entity's address."""
    series = event.series
    address = addresses.entity(
        series.scope_id, series.lane, series.system_id, series.container_id, series.unique_id
    )
    return Record(str(address), event.body)


def _encode(envelope: dict[str, object]) -> bytes:
    """JSON bytes, by the standard encoder because others turn NaN into null silently."""
    try:
        return json.dumps(
            envelope, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    except (TypeError, ValueError, RecursionError) as error:
        found = _unencodable(envelope, "", 0)
        if found is None:
            raise EnvelopeError("notCanonical", "", f"no JSON form: {error}") from None
        path, reason = found
        raise EnvelopeError("notCanonical", path, f"{path} {reason}") from None


DEPTH_MAX = 128


def _unencodable(value: object, path: str, depth: int) -> tuple[str, str] | None:
    """The path of the first value that has no JSON form, and why."""
    if depth > DEPTH_MAX:
        return path, f"is nested deeper than {DEPTH_MAX}"
    if isinstance(value, Mapping):
        members = [(f"{path}.{name}" if path else str(name), item) for name, item in value.items()]
    elif isinstance(value, list | tuple):
        members = [(f"{path}[{index}]", item) for index, item in enumerate(value)]
    else:
        reason = _why_unencodable(value)
        return None if reason is None else (path, reason)
    found = (_unencodable(item, name, depth + 1) for name, item in members)
    return next((problem for problem in found if problem is not None), None)


def _why_unencodable(value: object) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value}, which has no JSON form"
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "holds a lone surrogate, which has no UTF-8 form"
        return None
    if value is None or isinstance(value, bool | int):
        return None
    return f"is a {type(value).__name__}, which has no JSON form"
