"""Which format an answer has: the one that `?format=` names, else the first that `Accept` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, cast, get_args

from nova.edge.read_api.arrow_encoders import ArrowTableEncoder, require_arrow
from nova.edge.read_api.column_encoders import (
    ColumnArrowEncoder,
    ColumnCsvEncoder,
    ColumnLinesEncoder,
)
from nova.edge.read_api.encoder import Encoder, ItemLinesEncoder, JsonEncoder, LineEncoder
from nova.edge.read_api.gathered import GATHERED
from nova.edge.read_api.table_encoders import (
    CsvEncoder,
    CsvRowEncoder,
    RowLinesEncoder,
    RowsEncoder,
)
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.message import Message
from nova.sdk.reading.annotation_table import annotation_table
from nova.sdk.reading.read_requests import ITEMS
from nova.sdk.reading.reply_table import ReplyTable, table_of

Format = Literal["json", "ndjson", "csv", "arrow"]
Shape = Literal["reply", "rows", "annotations"]
FORMATS: tuple[Format, ...] = get_args(Format)
SHAPES: tuple[Shape, ...] = get_args(Shape)
ACCEPT_MAX_CHARS = 1_024

_TABLE_ENCODERS: Mapping[Format, Callable[[ReplyTable], Encoder]] = {
    "json": RowsEncoder,
    "ndjson": RowLinesEncoder,
    "csv": CsvEncoder,
    "arrow": ArrowTableEncoder,
}
_COLUMN_ENCODERS: Mapping[Format, Callable[[Columns], Encoder]] = {
    "ndjson": ColumnLinesEncoder,
    "csv": ColumnCsvEncoder,
    "arrow": ColumnArrowEncoder,
}
MEDIA_TYPES: Mapping[Format, str] = {
    "json": JsonEncoder.media_type,
    "ndjson": LineEncoder.media_type,
    "csv": CsvRowEncoder.media_type,
    "arrow": ArrowTableEncoder.media_type,
}
ACCEPTED: Mapping[str, Format] = {
    "*/*": "json",
    "application/*": "json",
    "application/json": "json",
    "application/jsonl": "ndjson",
    "application/ndjson": "ndjson",
    "application/vnd.apache.arrow.stream": "arrow",
    "application/x-ndjson": "ndjson",
    "text/*": "csv",
    "text/csv": "csv",
}


def encoder_of(name: str, shape: str | None, request: Message, *, is_all: bool) -> Encoder:
    """The encoder of a format and a shape; raises ProtocolError. `is_all`: of several pages."""
    chosen_format = cast(Format, _one_of("format", name, FORMATS))
    if chosen_format == "arrow":
        require_arrow()
    is_table = chosen_format in ("csv", "arrow") or (shape is not None and shape != "reply")
    chosen = _one_of("shape", shape or ("rows" if is_table else "reply"), SHAPES)
    if chosen == "reply" and is_table:
        raise ProtocolError("badRequest", f"shape reply is of json and ndjson, not of {name}")
    if isinstance(request, Columns):
        return _of_columns(chosen_format, chosen, request, is_all=is_all)
    if chosen == "annotations":
        return _TABLE_ENCODERS[chosen_format](annotation_table(request))
    if chosen == "rows":
        return _TABLE_ENCODERS[chosen_format](GATHERED.get(type(request)) or table_of(request))
    return (
        ItemLinesEncoder() if chosen_format == "ndjson" else JsonEncoder(ITEMS.get(type(request)))
    )


def _of_columns(name: Format, shape: str, request: Columns, *, is_all: bool) -> Encoder:
    """Of values, JSON is one page as the protocol has it; the other formats have rows."""
    make = _COLUMN_ENCODERS.get(name)
    if shape == "annotations" or (make is None and (is_all or shape == "rows")):
        raise ProtocolError(
            "badRequest", "columns are rows of ndjson, csv or arrow; json has one page as it is"
        )
    return JsonEncoder(None) if make is None else make(request)


def _one_of(parameter: str, text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ProtocolError(
            "badRequest", f"{parameter} {text[:64]!r} is not one of {', '.join(known)}"
        )
    return text


def accepted_format(accept: str) -> Format:
    """The format of an Accept header: the most wanted that there is. Raises ProtocolError."""
    if not accept.strip():
        return "json"
    wanted = sorted(map(_weighed, accept[:ACCEPT_MAX_CHARS].split(",")), key=lambda one: -one[1])
    for media_type, weight in wanted:
        if weight > 0 and media_type in ACCEPTED:
            return ACCEPTED[media_type]
    raise ProtocolError(
        "notAcceptable",
        f"Accept names no format that there is: use one of {', '.join(ACCEPTED)}, or the "
        f"parameter format with one of {', '.join(FORMATS)}",
    )


def _weighed(part: str) -> tuple[str, float]:
    media_type, *parameters = (one.strip().lower() for one in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_type, float(value)
            except ValueError:
                return media_type, 0.0
    return media_type, 1.0
