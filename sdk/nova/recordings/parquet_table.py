"""Parquet tables: a parsed event per row, with the time from one of the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nova.recordings.cell_time import TimeColumn, iso_ns
from nova.recordings.json_form import fields_of
from nova.recordings.recording import RecordingError, Step, event_step
from nova.recordings.table_reader import ENTITY, MESSAGE_TYPE, RowTimes
from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.observation import Entity, Observer
from nova.sdk.optional_imports import import_optional
from nova.sdk.producer.view_updates import ViewUpdates

PARQUET_MAGIC = b"PAR1"
BATCH_ROWS = 4096
UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(kw_only=True, slots=True)
class ParquetTable:
    """Reads a table batch by batch. Columns of timestamps with a zone are exact times; those
    without one are of the time column's zone; numbers and texts are read as in a CSV.
    """

    path: Path = field(kw_only=False)
    observer: Observer = field(kw_only=False)
    time: TimeColumn
    entity: Entity = ENTITY
    message_type: str = MESSAGE_TYPE
    views: ViewUpdates | None = None
    view_id: str | None = None
    _row_times: RowTimes = field(default_factory=RowTimes, init=False)

    def steps(self) -> Iterator[Step]:
        """A step per row; what is behind damage is one problem."""
        library: Any = import_optional("pyarrow.parquet", "recordings")
        try:
            file = library.ParquetFile(str(self.path))
        except Exception as error:  # The library raises various errors for damaged files.
            reason = " ".join(str(error).split())[:200]
            raise RecordingError(f"{self.path} is not a whole Parquet file: {reason}") from error
        with file:
            yield from self._row_steps(file)

    def _row_steps(self, file: Any) -> Iterator[Step]:
        names = file.schema_arrow.names
        times = self._time_names(names)
        end_bytes, number = self.path.stat().st_size, 0
        try:
            for batch in file.iter_batches(BATCH_ROWS):
                columns = [_values(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    number += 1
                    # Where in the file a row is, as a column of each lies apart, is only a share.
                    offset_bytes = end_bytes * number // file.metadata.num_rows
                    row = dict(zip(names, values, strict=True))
                    yield self._step(offset_bytes, f"row {number}", row, times)
        except Exception as error:  # As above.
            reason = " ".join(str(error).split())[:200]
            yield Step(end_bytes, f"row {number + 1}", problem=f"the rest: {reason}")

    def _time_names(self, names: Sequence[str]) -> Sequence[str]:
        found = self.time.columns(names)
        if found is None:
            what = (
                "no --time-column is given"
                if self.time.name is None
                else (f"there is no column {self.time.name!r}")
            )
            raise RecordingError(f"{self.path}: {what}; columns are {', '.join(names[:20])}")
        return found

    def _step(
        self, end_bytes: int, place: str, row: dict[str, object], times: Sequence[str]
    ) -> Step:
        try:
            at_ns = self._row_times.next(self._ns([row[name] for name in times]))
            observation = self.observer.observe(self.entity, at_ns)
            payload = fields_of(row)
            events = [observation.parsed(self.message_type, payload)]
            if self.views is not None and self.view_id is not None:
                data = {name: one for name, one in payload.items() if name not in times}
                events += self.views.update(observation, self.view_id, data)
            return event_step(end_bytes, place, events)
        except (EnvelopeError, TimestampError) as error:
            return Step(end_bytes, place, problem=str(error))

    def _ns(self, cells: Sequence[object]) -> int:
        """The time of a row; a column of timestamps needs no unit."""
        if len(cells) == 1 and isinstance(cells[0], _Timestamp):
            return iso_ns(cells[0], self.time.zone)
        return self.time.time_ns(" ".join("" if one is None else str(one) for one in cells))


class _Timestamp(str):
    """The ISO text of a timestamp, with Z if its column has a zone: Parquet stores UTC then."""

    __slots__ = ()


def _values(column: Any) -> list[object]:
    """The values of a column; timestamps in full, which Python's own would cut to microseconds."""
    types: Any = import_optional("pyarrow", "recordings").types
    if types.is_time(column.type) or types.is_duration(column.type):
        count_type = "int32" if types.is_time32(column.type) else "int64"
        unit_ns = UNIT_NS[column.type.unit]
        return [_seconds(count, unit_ns) for count in column.view(count_type).to_pylist()]
    if not types.is_timestamp(column.type):
        values: list[object] = column.to_pylist()
        return values
    unit_ns, has_zone = UNIT_NS[column.type.unit], column.type.tz is not None
    return [_iso(count, unit_ns, has_zone) for count in column.view("int64").to_pylist()]


def _seconds(count: int | None, unit_ns: int) -> float | None:
    """Seconds since midnight, or of a duration: the nearest number."""
    return None if count is None else count * unit_ns / timestamps.NS_PER_SECOND


def _iso(count: int | None, unit_ns: int, has_zone: bool) -> str | None:
    if count is None:
        return None
    ns = count * unit_ns
    if not timestamps.NS_MIN <= ns <= timestamps.NS_MAX:
        return f"{ns} ns, outside 1677 to 2262"
    text = timestamps.text(ns)
    return _Timestamp(text if has_zone else text.removesuffix("Z"))
