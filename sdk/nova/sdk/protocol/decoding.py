"""Decodes requests, for a Core and for an edge, which accepts more kinds of them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from nova.sdk.errors import ProtocolError
from nova.sdk.pattern_words import in_words
from nova.sdk.protocol.submission import SubmitCommand, check_numbers

RequestT = TypeVar("RequestT")


def decode_with(decoder: msgspec.json.Decoder[RequestT], frame: bytes | str) -> RequestT:
    """Decode a request; raises ProtocolError that names the invalid member, with `badArguments` if
    it is in the payload of a command, else `badRequest`.
    """
    try:
        request = decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badRequest", in_words(str(error))) from None
    if isinstance(request, SubmitCommand):
        check_numbers(request.payload)
    return request
