"""Which format an answer has: the one that `?format=` names, else the first that `Accept` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nova.edge.read_api.encoder import Encoder, JsonEncoder, LinesEncoder
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Message
from nova.sdk.reading.read_requests import ITEMS

DEFAULT = "json"

_ENCODERS: Mapping[str, Callable[[Message], Encoder]] = {
    "json": lambda request: JsonEncoder(ITEMS.get(type(request))),
    "ndjson": lambda _: LinesEncoder(),
}
_MEDIA_TYPES: Mapping[str, str] = {
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}
ACCEPT_MAX_CHARS = 1_024


def encoder_of(name: str, request: Message, *, is_all: bool) -> Encoder:
    """The encoder of a format; raises ProtocolError. `is_all`: of more than one page."""
    make = _ENCODERS.get(name)
    if make is None:
        raise ProtocolError(
            "badRequest", f"format {name[:64]!r} is not one of {', '.join(_ENCODERS)}"
        )
    if is_all and name == "json" and type(request) not in ITEMS:
        raise ProtocolError(
            "badRequest", "columns have no JSON of more than one page: use ndjson, csv or arrow"
        )
    return make(request)


def accepted_format(accept: str) -> str:
    """The format of an Accept header: the most wanted that there is. Raises ProtocolError."""
    wanted = sorted(map(_weighed, accept[:ACCEPT_MAX_CHARS].split(",")), key=lambda one: -one[1])
    for media_type, weight in wanted:
        if weight > 0 and media_type in _MEDIA_TYPES:
            return _MEDIA_TYPES[media_type]
    if not accept.strip():
        return DEFAULT
    raise ProtocolError(
        "notAcceptable",
        f"Accept names no format of this route: use one of {', '.join(_ENCODERS)}, "
        "or the parameter format",
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
