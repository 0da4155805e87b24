"""Events in memory as a table: a row for each, with its address, its times and its members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from nova.sdk.client.arrow_frames import ArrowFrames
from nova.sdk.client.column_table import ARROW_EXTRA, TEXT_ENDING, free_name
from nova.sdk.events.arrow_times import timestamp_column
from nova.sdk.events.member_cells import Cell, JsonObject, flatten
from nova.sdk.optional_imports import import_optional
from nova.sdk.protocol.timeline import FieldKind

if TYPE_CHECKING:
    import pyarrow as pa

TIMES = ("sourceTruthTime", "canonicalTruthTime")
TEXTS = (
    "eventId", "scopeId", "lane", "systemId", "containerId", "uniqueId", "messageType",
)  # fmt: skip
HEADER = (*TIMES, *TEXTS)

_envelopes = msgspec.json.Decoder(JsonObject)


class _MemberColumn(NamedTuple):
    """The values of one kind of a member; `member` is its path."""

    member: str
    kind: FieldKind


class EventTable(ArrowFrames):
    """Rows in the order of the events, which are stored envelopes: of a query, a page or a chunk.

    The columns are both times, the eventId, the ids, lane and messageType (null for a raw frame);
    then each member by its path, such as `payload.gps.lat`, in the order in which they first come.
    Numbers are float64, which has every number of an envelope, whether it is written as an integer
    or not. An array is one text, as JSON. A member that has texts in some events and numbers or
    booleans in others makes two columns, the second named `… (text)`; booleans among numbers are 0
    and 1.
    """

    def __init__(self, events: Iterable[bytes | msgspec.Raw]) -> None:
        self._heads: list[tuple[Any, ...]] = []
        self._cells: list[dict[str, Cell]] = []
        for stored in events:
            envelope = _envelopes.decode(stored)
            self._heads.append(tuple(map(envelope.get, HEADER)))
            self._cells.append(flatten(envelope))
        self._columns = _columns_of(self._cells)

    def __len__(self) -> int:
        return len(self._heads)

    @property
    def names(self) -> list[str]:
        """All columns in their order."""
        return [*HEADER, *self._columns]

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """The kind of the values of each member's column."""
        return {name: column.kind for name, column in self._columns.items()}

    def to_arrow(self) -> pa.Table:
        """An Arrow table; times are nanoseconds in UTC, and what a row does not have is null.
        Raises NovaError if pyarrow is not installed.
        """
        arrow = import_optional("pyarrow", ARROW_EXTRA)
        types = {"number": arrow.float64(), "boolean": arrow.bool_(), "string": arrow.string()}
        heads = list(zip(*self._heads, strict=True)) or [()] * len(HEADER)
        arrays = [timestamp_column(texts) for texts in heads[: len(TIMES)]]
        arrays += [arrow.array(texts, arrow.string()) for texts in heads[len(TIMES) :]]
        arrays += [
            arrow.array(self._values(column), types[column.kind])
            for column in self._columns.values()
        ]
        return arrow.table(arrays, names=self.names)

    def to_rows(self) -> Iterator[dict[str, object]]:
        """Each row by name, with times as they are stored, without what it does not have."""
        members = [self._values(column) for column in self._columns.values()]
        for place, head in enumerate(self._heads):
            values = (*head, *(column[place] for column in members))
            named = zip(self.names, values, strict=True)
            yield {name: value for name, value in named if value is not None}

    def _values(self, column: _MemberColumn) -> list[Cell]:
        cells = (row.get(column.member) for row in self._cells)
        if column.kind == "string":
            return [cell if type(cell) is str else None for cell in cells]
        if column.kind == "boolean":
            return [cell if type(cell) is bool else None for cell in cells]
        return [None if cell is None or type(cell) is str else float(cell) for cell in cells]


def _columns_of(rows: Sequence[dict[str, Cell]]) -> dict[str, _MemberColumn]:
    """The columns of members by name. A member that is null everywhere is a text."""
    kinds: dict[str, set[type]] = {}
    for row in rows:
        for member, cell in row.items():
            kinds.setdefault(member, set()).add(type(cell))
    taken = {*HEADER, *kinds}
    columns: dict[str, _MemberColumn] = {}
    for member, found in kinds.items():
        if plain := found & {bool, int, float}:
            columns[member] = _MemberColumn(member, "boolean" if plain == {bool} else "number")
        if str in found or not plain:
            name = free_name(member, TEXT_ENDING, taken) if plain else member
            columns[name] = _MemberColumn(member, "string")
    return columns
