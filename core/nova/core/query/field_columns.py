"""The fields of many events as columns: by the native part, or without it, and where it is not
sure, in Python. There events are decoded one by one, then handled shape by shape: events with the
same member names have their values in the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import msgspec
import numpy as np

from nova.core.query.accepted_times import accepted_times
from nova.core.store.column import Column
from nova.core.store.column_codec import Integers, Numbers
from nova.core.store.sample_store import FieldColumn
from nova.sdk.events.body_fields import DEPTH_MAX, JsonMembers
from nova.sdk.native import NativeField, native_part

NUMBER_TYPES = frozenset((float, int, bool))
TEXT_TYPES = frozenset((str,))
OBJECT_TYPES = frozenset((dict,))

Rows = Sequence[int]


class FieldValues(NamedTuple):
    """A field's values as a column; `texts` by position if they are texts."""

    column: Column
    texts: list[str] | None
    is_boolean: bool


class _EventBody(msgspec.Struct, rename="camel", gc=False):
    source_truth_time: str
    payload: JsonMembers | None = None
    data: JsonMembers | None = None


_decode = msgspec.json.Decoder(_EventBody).decode


FieldColumns = tuple[Integers, dict[FieldColumn, FieldValues]]
"""The source times of events in ns, and the columns of their fields."""


def field_columns(stored: Sequence[bytes]) -> FieldColumns:
    """The columns of events, by first event, then by path. If members of an event share a path, the
    last one wins.
    """
    part = native_part()
    found = None if part is None else part.field_columns(stored, DEPTH_MAX)
    if found is None:
        return _columns_in_python(stored)
    times, fields = found
    return np.frombuffer(times, np.int64), dict(map(_native_field, fields))


def _native_field(field: NativeField) -> tuple[FieldColumn, FieldValues]:
    path, is_text, values, rows, texts, is_boolean = field
    of_rows = None if rows is None else np.frombuffer(rows, np.int64)
    column = Column(np.frombuffer(values, np.float64), of_rows)
    return FieldColumn(path, is_text), FieldValues(column, texts, is_boolean)


def _columns_in_python(stored: Sequence[bytes]) -> FieldColumns:
    bodies = [_decode(envelope) for envelope in stored]
    times = accepted_times([body.source_truth_time for body in bodies])
    collected = _Collected()
    payloads = [body.payload or body.data or {} for body in bodies]
    collected.add_objects(range(len(stored)), payloads, "", DEPTH_MAX)
    return times, collected.columns(len(stored))


class Part(NamedTuple):
    """Some values of a field, and the rows of the events that have them."""

    rows: Rows
    values: Sequence[object]
    is_boolean: bool


class _Collected:
    """Values by field, in parts."""

    def __init__(self) -> None:
        self._parts: dict[FieldColumn, list[Part]] = {}

    def add_objects(
        self, rows: Rows, objects: Sequence[JsonMembers], head: str, depth: int
    ) -> None:
        shapes: dict[tuple[str, ...], list[int]] = {}
        for place, members in enumerate(objects):
            shapes.setdefault(tuple(members), []).append(place)
        for names, places in shapes.items():
            if len(shapes) == 1:
                of_shape, of_rows = objects, rows
            else:
                of_shape = [objects[place] for place in places]
                of_rows = [rows[place] for place in places]
            values = zip(*[members.values() for members in of_shape], strict=True)
            for name, column in zip(names, values, strict=True):
                self._add(of_rows, column, head + name, depth)

    def _add(self, rows: Rows, column: tuple[object, ...], path: str, depth: int) -> None:
        types = set(map(type, column))
        if types <= NUMBER_TYPES:
            self._put(FieldColumn(path, False), rows, column, types == {bool})
        elif types == TEXT_TYPES:
            self._put(FieldColumn(path, True), rows, column, False)
        elif types == OBJECT_TYPES:
            if depth:
                objects = cast("Sequence[JsonMembers]", column)
                self.add_objects(rows, objects, f"{path}.", depth - 1)
        elif len(types) > 1:
            self._add_mixed(rows, column, path, depth)

    def _add_mixed(self, rows: Rows, column: tuple[object, ...], path: str, depth: int) -> None:
        for wanted in (NUMBER_TYPES, TEXT_TYPES, OBJECT_TYPES):
            places = [place for place, value in enumerate(column) if type(value) in wanted]
            if places:
                values = tuple(column[place] for place in places)
                self._add([rows[place] for place in places], values, path, depth)

    def _put(self, field: FieldColumn, rows: Rows, values: Sequence[object], is_bool: bool) -> None:
        self._parts.setdefault(field, []).append(Part(rows, values, is_bool))

    def columns(self, events: int) -> dict[FieldColumn, FieldValues]:
        found = {field: _field_values(parts, events) for field, parts in self._parts.items()}
        return dict(sorted(found.items(), key=lambda one: (_first_row(one[1]), one[0])))


def _first_row(values: FieldValues) -> int:
    rows = values.column.rows
    return 0 if rows is None else int(rows[0])


def _field_values(parts: Sequence[Part], events: int) -> FieldValues:
    """The values of a field's parts; where parts overlap, the last one counts."""
    texts: dict[str, int] | None = {} if isinstance(parts[0].values[0], str) else None
    if len(parts) == 1 and len(parts[0].rows) == events:
        column = Column(_numbers(parts[0].values, texts))
    else:
        whole, has = np.zeros(events), np.zeros(events, np.bool_)
        for part in parts:
            places = np.array(part.rows, np.int64)
            whole[places], has[places] = _numbers(part.values, texts), True
        column = Column(whole[has], None if has.all() else np.flatnonzero(has))
    is_boolean = all(part.is_boolean for part in parts)
    return FieldValues(column, None if texts is None else list(texts), is_boolean)


def _numbers(values: Sequence[object], texts: dict[str, int] | None) -> Numbers:
    if texts is None:
        return np.array(values, np.float64)
    known = cast("Sequence[str]", values)
    return np.array([texts.setdefault(text, len(texts)) for text in known], np.float64)
