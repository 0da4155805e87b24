"""`parquet`: one typed column per member, in row groups of a fixed number of events.

The first row group of a file determines its columns: double (which represents every number that
RFC 8785 allows in an envelope), bool or string. Members without a column, or of another type than
their column, are in the last column, `more`, as JSON. The bytes do not depend on when, or in how
many steps, the file was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, cast

import msgspec

from nova.sdk.drivers.driver import EventBlocks, SealedDriver, stem_of
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.events.arrow_times import timestamp_column
from nova.sdk.events.member_cells import Cell, JsonObject, as_json, flatten

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_EVENTS = 10_000
PARQUET_VERSION = "2.6"
COMPRESSION = "zstd"
TIMES = ("canonicalTruthTime", "sourceTruthTime")
TEXTS = ("eventId", "scopeId", "lane", "systemId", "containerId", "uniqueId", "messageType")
HEADER_COLUMNS = TIMES + TEXTS
MORE = "more"
ACCEPTED_TYPES: dict[type, frozenset[type]] = {
    float: frozenset({float, int, type(None)}),
    bool: frozenset({bool, type(None)}),
    str: frozenset({str, type(None)}),
}

Head = tuple[str, ...]
"""The values of the columns OWN of one event."""

_envelopes = msgspec.json.Decoder(JsonObject)


class Parquet(SealedDriver):
    """All lanes except raw, in typed columns."""

    driver_id = "parquet"
    lanes = frozenset({"metadata", "command", "ui", "parsed"})
    requires = ("pyarrow",)

    def __init__(self, row_group_events: int = ROW_GROUP_EVENTS) -> None:
        self._row_group_events = row_group_events

    def parts(self, stream: DriverStream) -> tuple[str, ...]:
        """One file per stream."""
        return (f"{stem_of(stream)}.parquet",)

    def make(self, blocks: EventBlocks, out: BinaryIO) -> None:
        """Write the file, one row group at a time."""
        import pyarrow.parquet as pq

        writer: pq.ParquetWriter | None = None
        table: _MemberColumns | None = None
        try:
            for events in _row_groups(blocks, self._row_group_events):
                heads, cells = _read(events)
                if table is None:
                    table = _MemberColumns(cells)
                    writer = pq.ParquetWriter(
                        out,
                        table.schema(),
                        version=PARQUET_VERSION,
                        compression=COMPRESSION,
                        use_dictionary=list(TEXTS[1:]),
                        write_statistics=True,
                        store_schema=False,
                    )
                assert writer is not None
                writer.write_batch(table.batch(heads, cells), len(heads))
        finally:
            if writer is not None:
                writer.close()


def _row_groups(blocks: EventBlocks, size: int) -> Iterator[list[bytes]]:
    """Regroup events into row groups of `size` events."""
    group: list[bytes] = []
    for event in chain.from_iterable(blocks):
        group.append(event)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _read(events: Sequence[bytes]) -> tuple[list[Head], list[dict[str, Cell]]]:
    """Per event, the header values and the flattened members; the envelopes are not retained."""
    heads, cells = [], []
    for stored in events:
        row = _envelopes.decode(stored)
        heads.append(cast("Head", tuple(map(row.get, HEADER_COLUMNS))))
        cells.append(flatten(row))
    return heads, cells


class _MemberColumns:
    """The member columns of a file, determined by its first row group."""

    def __init__(self, rows: Sequence[dict[str, Cell]]) -> None:
        self._kinds: dict[str, type] = {}
        for row in rows:
            for name, value in row.items():
                if value is not None and name not in self._kinds:
                    self._kinds[name] = _kind(value)

    def schema(self) -> pa.Schema:
        """The Arrow schema: times, header texts, member columns, `more`."""
        import pyarrow as pa

        time, text = pa.timestamp("ns", tz="UTC"), pa.string()
        kinds = {float: pa.float64(), bool: pa.bool_(), str: text}
        fields = [pa.field(name, time) for name in TIMES]
        fields += [pa.field(name, text) for name in TEXTS]
        fields += [
            pa.field(_member_column_name(name), kinds[kind]) for name, kind in self._kinds.items()
        ]
        return pa.schema([*fields, pa.field(MORE, text)])

    def batch(self, heads: Sequence[Head], cells: Sequence[dict[str, Cell]]) -> pa.RecordBatch:
        """Build one row group."""
        import pyarrow as pa

        schema = self.schema()
        own = list(zip(*heads, strict=True))
        arrays = [timestamp_column(texts) for texts in own[: len(TIMES)]]
        columns = chain(own[len(TIMES) :], self._typed(cells))
        fields = list(schema)[len(TIMES) :]
        arrays += [
            pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)
        ]
        return pa.record_batch(arrays, schema=schema)

    def _typed(self, cells: Sequence[dict[str, Cell]]) -> Iterator[Sequence[object]]:
        """The member columns, then `more`."""
        more: list[JsonObject | None] = [None] * len(cells)
        names = list(self._kinds)
        rows: list[Iterable[Cell]] = []
        for number, row in enumerate(cells):
            if list(row) == names:
                rows.append(row.values())
            else:
                extra = {name: value for name, value in row.items() if name not in self._kinds}
                more[number] = {**extra} or None
                rows.append([row.get(name) for name in names])
        for (name, kind), column in zip(self._kinds.items(), zip(*rows, strict=True), strict=True):
            is_plain = ACCEPTED_TYPES[kind].issuperset(map(type, column))
            yield column if is_plain else _fit_column(name, kind, column, more)
        yield [None if extra is None else as_json(extra).decode() for extra in more]


def _fit_column(
    name: str, kind: type, column: Sequence[Cell], more: list[JsonObject | None]
) -> list[Cell]:
    """Null out values of another type than the column's; they move to `more`."""
    fitting: list[Cell] = []
    for number, value in enumerate(column):
        fits = type(value) in ACCEPTED_TYPES[kind]
        fitting.append(value if fits else None)
        if not fits:
            more[number] = {**(more[number] or {}), name: value}
    return fitting


def _kind(value: Cell) -> type:
    """The column type of a value: bool, str or float."""
    if value is True or value is False:
        return bool
    return str if type(value) is str else float


def _member_column_name(name: str) -> str:
    """The column name of a member; a suffix avoids collisions with the fixed columns."""
    return f"{name}_" if name in (*TIMES, *TEXTS, MORE) else name
