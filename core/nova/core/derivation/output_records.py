"""The records of derived values: a parsed event each, and an update of its view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_manifest import manifest_of
from nova.sdk import timestamps
from nova.sdk.events.event import SECOND_CHARS
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

Value = float | str | bool

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
        self._templates: list[tuple[str, bytes, bytes, bytes]] | None = None

    def records(self, times: Sequence[int], values: Sequence[Value]) -> list[Record]:
        """The records of values at source times in ns, those of one value together."""
        if not len(times):
            return []
        templates = self._templates
        if templates is None:
            templates = self._templates = self._learn(times[0])
        texts, cells = _time_texts(times), self._cells(values)
        return [
            Record(address, b"%b%b%b%b%b" % (head, text, middle, cell, tail))
            for text, cell in zip(texts, cells, strict=True)
            for address, head, middle, tail in templates
        ]

    def _cells(self, values: Sequence[Value]) -> list[bytes]:
        """The JSON of each value."""
        if self._definition.output.kind == "text":
            return [orjson.dumps(value) for value in values]
        return orjson.dumps(values)[1:-1].split(b",")

    def _learn(self, at_ns: int) -> list[tuple[str, bytes, bytes, bytes]]:
        """Address, and texts before and behind the time and the value, of each event. Those of
        one value are built and checked as any producer's.
        """
        found = []
        for record in self._first(at_ns):
            assert record.address is not None
            head, _, rest = record.value.partition(_MARK)
            behind = rest[rest.index(b'"') :]
            middle = behind[: -len(b"true}}")]
            begin = head.index(b'"scopeId":')  # Without the eventId, which is of one event.
            found.append((record.address, b"{" + head[begin:] + _MARK, middle, b"}}"))
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


def _time_texts(times: Sequence[int]) -> list[bytes]:
    """The text of each time; neighbours mostly share their second."""
    texts: list[bytes] = []
    known, head = None, b""
    for seconds, nanosecond in (divmod(time, NS_PER_SECOND) for time in times):
        if seconds != known:
            known = seconds
            head = timestamps.text(seconds * NS_PER_SECOND)[: SECOND_CHARS + 1].encode()
        texts.append(b"%b%09dZ" % (head, nanosecond))
    return texts
