"""Protocol messages of columns: the values of fields of a series, event by event, as arrays."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.protocol.message import Message, Timebase
from nova.sdk.protocol.timeline import FieldKind, FieldPath

COLUMNS_MAX = 64
ROWS_LIMIT_DEFAULT = 100_000
ROWS_LIMIT_MAX = 1_000_000


class Columns(Message, kw_only=True, tag="columns"):
    """The values of a series' fields, a row for each event of the span that has one of them."""

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: Literal["ui", "parsed"]
    message_type: str
    view_id: str = ""
    fields: Annotated[list[FieldPath], Meta(min_length=1, max_length=COLUMNS_MAX)]
    limit: Annotated[int, Meta(ge=1, le=ROWS_LIMIT_MAX)] = ROWS_LIMIT_DEFAULT
    after_key: str | None = None


class ColumnValues(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One column of a page: `values` has a value for each row, little-endian: float64 of numbers,
    a byte of booleans, and of texts the position in `texts` as uint32. `present` has a bit for each
    row, the lowest first, which is 0 where the event has no such value; empty: each has one.
    """

    field: str
    kind: FieldKind
    values: bytes
    texts: list[str] = msgspec.field(default_factory=list)
    present: bytes = b""


class ColumnsResponse(Message, kw_only=True, tag="columnsResponse"):
    """A page of rows; `times` are int64 ns since 1970, little-endian. `next_key` if there may be
    more. `behind` if the newest events are missing: those received after `complete_until`.
    `unknown_series` and `unknown_fields` as in a SampleResponse.
    """

    timebase: Timebase
    rows: int
    times: bytes
    columns: list[ColumnValues]
    next_key: str | None = None
    behind: bool = False
    complete_until: str | None = None
    unknown_series: bool = False
    unknown_fields: list[str] = msgspec.field(default_factory=list)
