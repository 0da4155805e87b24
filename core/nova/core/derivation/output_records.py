"""The records of derived values: a parsed event each, and an update of its view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, repeat

import numpy as np
import orjson
from numpy.typing import NDArray

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_manifest import manifest_of
from nova.core.store.column_codec import Integers
from nova.sdk.events.event import SECOND_CHARS
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.timestamps import NORMAL_CHARS, NS_PER_SECOND
from nova.sdk.transport.base import Record

Value = float | str | bool

Bytes = NDArray[np.uint8]
_MARK = b'"sourceTruthTime":"'


class OutputRecords:
    """Builds the records of a definition. Records of equal values at one time are equal, and so are
    their eventIds, which the Core computes from what they hold.
    """

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        series = definition.output.series
        self._entity = Entity(series.system_id, series.container_id, series.unique_id)
        self._observer = Observer(series.scope_id)
        self._templates: list[_OutputTemplate] | None = None

    def records(self, times: Integers, values: Sequence[Value]) -> list[Record]:
        """The records of values at source times in ns, those of one value together."""
        if not len(times):
            return []
        templates = self._templates
        if templates is None:
            templates = self._templates = self._learn(int(times[0]))
        texts, cells = _time_texts(times), self._cells(values)
        made = [template.fill(texts, cells) for template in templates]
        return made[0] if len(made) == 1 else list(chain.from_iterable(zip(*made, strict=True)))

    def _cells(self, values: Sequence[Value]) -> list[bytes]:
        """The JSON of each value."""
        if self._definition.output.kind == "text":
            return [orjson.dumps(value) for value in values]
        return orjson.dumps(values)[1:-1].split(b",")

    def _learn(self, at_ns: int) -> list[_OutputTemplate]:
        """The templates of a value's events, which are built and checked as any producer's."""
        found = []
        for record in self._first(at_ns):
            assert record.address is not None
            head, _, rest = record.value.partition(_MARK)
            behind = rest[rest.index(b'"') :]
            middle = behind[: -len(b"true}}")]
            begin = head.index(b'"scopeId":')  # Without the eventId, which is of one event.
            found.append(
                _OutputTemplate(record.address, b"{" + head[begin:] + _MARK, middle, b"}}")
            )
        return found

    def _first(self, at_ns: int) -> Iterator[Record]:
        definition, output = self._definition, self._definition.output
        at = self._observer.observe(self._entity, at_ns)
        payload = {output.field: True}
        yield record_of(at.parsed(output.type, payload, definition.version))
        if output.card:
            manifest = manifest_of(definition)
            names = manifest.manifest_id, manifest.manifest_version
            yield record_of(at.ui(definition.view_id, *names, payload))


class _OutputTemplate:
    """One of the events of a value: its address, and its text before the time, between time and
    value, and behind it. What is before a value is equally long in all records: these texts stay in
    memory, and only the times in them are written anew.
    """

    def __init__(self, address: str, head: bytes, middle: bytes, tail: bytes) -> None:
        self._address = address
        self._tail = tail
        self._time = slice(len(head), len(head) + NORMAL_CHARS)
        text = head + bytes(NORMAL_CHARS) + middle
        self._row: Bytes = np.frombuffer(text, np.uint8)
        self._rows: Bytes = self._row.reshape(1, -1).copy()

    def fill(self, times: Bytes, cells: Sequence[bytes]) -> list[Record]:
        """Its records with times and values."""
        count, width = len(times), len(self._row)
        if count > len(self._rows):
            self._rows = np.tile(self._row, (count, 1))
        self._rows[:count, self._time] = times
        joined, tail = self._rows[:count].tobytes(), self._tail
        starts = range(0, len(joined), width)
        filled = [
            joined[start : start + width] + cell + tail
            for start, cell in zip(starts, cells, strict=True)
        ]
        return list(map(Record, repeat(self._address), filled))


def _time_texts(times: Integers) -> Bytes:
    """The text of each time as a row of characters."""
    seconds, rest = np.divmod(times, NS_PER_SECOND)
    different, places = np.unique(seconds, return_inverse=True)
    heads = np.datetime_as_string(different.view("datetime64[s]")).astype(f"S{SECOND_CHARS}")
    texts = np.full((len(times), NORMAL_CHARS), ord("Z"), np.uint8)
    texts[:, :SECOND_CHARS] = heads.view(np.uint8).reshape(-1, SECOND_CHARS)[places]
    texts[:, SECOND_CHARS] = ord(".")
    for place in range(NORMAL_CHARS - 2, SECOND_CHARS, -1):
        rest, digits = np.divmod(rest, 10)
        texts[:, place] = digits + ord("0")
    return texts
