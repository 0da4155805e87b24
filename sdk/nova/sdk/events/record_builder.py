"""Builds the records of raw and parsed events of known series without checking each as a whole.

The first record of a series is checked by `event.check`, which covers its ids and names. Further
ones differ in their time and content, so only these are checked. They carry no eventId: the Core
computes it anyway. What is not plain is left to `Observation`, which finds the same faults as ever.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from nova.sdk import timestamps
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, SECOND_CHARS, SEQUENCE_MAX
from nova.sdk.events.observation import Entity, Observation, record_of
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

SERIES_MAX = 65_536
"""Series that are known at a time; more begin again."""
PLAIN = frozenset({str, int, float, bool})
"""The types of values whose text needs no further check."""
_STRICT = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)

_SeriesKey = tuple[str, Entity, str | None, str]


class _RecordTemplate(NamedTuple):
    """What the records of a series share: an address, and the text before and behind the time."""

    address: str
    head: bytes
    tail: bytes


class RecordBuilder:
    """Builds the records of one observer's events."""

    def __init__(self, *, series_max: int = SERIES_MAX) -> None:
        self._series_max = series_max
        self._templates: dict[_SeriesKey, _RecordTemplate] = {}
        self._second = (0, _second_text(0))

    def raw(
        self,
        observation: Observation,
        frame: bytes,
        connection_id: str | None = None,
        sequence: int | None = None,
    ) -> Record:
        """Bytes as received; raises EnvelopeError as `Observation.raw` does."""
        key = ("raw", observation.entity, connection_id, "")
        template = self._templates.get(key)
        is_plain = sequence is None or (type(sequence) is int and 0 <= sequence <= SEQUENCE_MAX)
        if template is None or type(frame) is not bytes or not is_plain:
            record = record_of(observation.raw(frame, connection_id, sequence))
            return self._learn(key, record, b'","bytes":"')
        observation.claim_stamp("raw", None)
        number = b"" if sequence is None else b',"sequence":%d' % sequence
        link = b"" if connection_id is None else b',"connectionId":' + orjson.dumps(connection_id)
        text = (template.tail, binascii.b2a_base64(frame, newline=False), b'"', link, number)
        return self._record(observation, template, text) or record_of(
            observation.raw(frame, connection_id, sequence)
        )

    def parsed(
        self,
        observation: Observation,
        message_type: str,
        payload: Mapping[str, object],
        schema_version: str = "1",
    ) -> Record:
        """A decoded message; raises EnvelopeError as `Observation.parsed` does."""
        key = ("parsed", observation.entity, message_type, schema_version)
        template = self._templates.get(key)
        text = _plain_text(payload) if template is not None else None
        if template is None or text is None:
            record = record_of(observation.parsed(message_type, payload, schema_version))
            names = orjson.dumps(message_type), orjson.dumps(schema_version)
            tail = b'","messageType":%b,"schemaVersion":%b,"payload":' % names
            return self._learn(key, record, tail)
        observation.claim_stamp("parsed", message_type)
        return self._record(observation, template, (template.tail, text)) or record_of(
            observation.parsed(message_type, payload, schema_version)
        )

    def _learn(self, key: _SeriesKey, record: Record, tail: bytes) -> Record:
        """Remember the series of a record that was checked as a whole."""
        if key not in self._templates and record.address is not None:
            if len(self._templates) >= self._series_max:
                self._templates.clear()
            begin = record.value.index(b'"scopeId":')
            mark = b'"sourceTruthTime":"'
            end = record.value.index(mark) + len(mark)
            head = b"{" + record.value[begin:end]
            self._templates[key] = _RecordTemplate(record.address, head, tail)
        return record

    def _record(
        self, observation: Observation, template: _RecordTemplate, content: tuple[bytes, ...]
    ) -> Record | None:
        """The record of an event; None if it is too large."""
        seconds, nanosecond = divmod(observation.at_ns, NS_PER_SECOND)
        if seconds != self._second[0]:
            self._second = (seconds, _second_text(seconds))
        time = b"%b%09dZ" % (self._second[1], nanosecond)
        value = b"".join((template.head, time, *content, b"}"))
        return Record(template.address, value) if len(value) <= ENVELOPE_MAX_BYTES else None


def _second_text(seconds: int) -> bytes:
    """The text of all times in a second up to their nanoseconds."""
    return timestamps.text(seconds * NS_PER_SECOND)[: SECOND_CHARS + 1].encode()


def _plain_text(payload: Mapping[str, object]) -> bytes | None:
    """The text of a flat payload that has a canonical form; None if that is not certain.

    orjson writes NaN as null, as no plain value is.
    """
    if type(payload) is not dict or not PLAIN.issuperset(map(type, payload.values())):
        return None
    try:
        text = orjson.dumps(payload, option=_STRICT)
    except orjson.JSONEncodeError:
        return None
    return None if b"null" in text else text
