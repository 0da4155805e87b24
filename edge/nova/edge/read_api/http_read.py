"""What a URL asks for: the message, the format, and whether for one page or for all of them."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from aiohttp import hdrs, web

from nova.edge.read_api.encoder import Encoder
from nova.edge.read_api.formats import accepted_format, encoder_of
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Message
from nova.sdk.reading.read_requests import PAGED, read_request

LIMIT, ALL, FORMAT, SHAPE = "limit", "all", "format", "shape"
OWN = (FORMAT, SHAPE)
"""Parameters of the answer, which the message does not have."""


class HttpRead(NamedTuple):
    """A request over HTTP. `is_all`: its pages are asked for one after the other."""

    message: Message
    encoder: Encoder
    is_all: bool


def http_read(request: web.Request, kind: type[Message]) -> HttpRead:
    """What a request asks for; raises ProtocolError."""
    texts = list(request.query.items())
    is_all = kind in PAGED and (LIMIT, ALL) in texts
    if is_all:
        texts = [(LIMIT, str(PAGED[kind])) if one == (LIMIT, ALL) else one for one in texts]
    message = read_request(kind, [one for one in texts if one[0] not in OWN], beside=OWN)
    shape = _single(SHAPE, texts)
    if shape == "annotations":
        message = _in_source_time(message)
    name = _single(FORMAT, texts) or accepted_format(request.headers.get(hdrs.ACCEPT, ""))
    encoder = encoder_of(name, shape, message, is_all=is_all)
    return HttpRead(message, encoder, is_all)


def _in_source_time(message: Message) -> Message:
    """The same in source time where it names no timebase: marks lie where their times say."""
    if getattr(message, "timebase", "source") is None:
        return msgspec.structs.replace(message, timebase="source")
    return message


def _single(name: str, texts: list[tuple[str, str]]) -> str | None:
    found = [text for one, text in texts if one == name]
    if len(found) > 1:
        raise ProtocolError("badRequest", f"parameter {name!r} is given twice: it has one value")
    return found[0] if found else None
