"""The requests that an edge accepts: those of the Core, and its own about accounts."""

from __future__ import annotations

import msgspec

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.account import AccountRequest
from nova.sdk.protocol.admin import AdminRequest
from nova.sdk.protocol.messages import Auth, Request
from nova.sdk.protocol.submission import SubmitCommand, check_numbers

EdgeRequest = Auth | Request | AccountRequest | AdminRequest

_decoder: msgspec.json.Decoder[EdgeRequest] = msgspec.json.Decoder(EdgeRequest)


def decode_edge_request(frame: bytes | str) -> EdgeRequest:
    """Decode a request to an edge; raises ProtocolError as `messages.decode_request` does."""
    try:
        request = _decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badRequest", str(error)) from None
    if isinstance(request, SubmitCommand):
        check_numbers(request.payload)
    return request
