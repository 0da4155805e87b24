"""The requests that an edge accepts: those of the Core, and its own."""

from __future__ import annotations

import msgspec

from nova.sdk.protocol.account import AccountRequest
from nova.sdk.protocol.admin import AdminRequest
from nova.sdk.protocol.decoding import decode_with
from nova.sdk.protocol.displays import DisplayRequest
from nova.sdk.protocol.messages import Auth, Request
from nova.sdk.protocol.tcp_streams import TcpStreamRequest

EdgeRequest = Auth | Request | AccountRequest | AdminRequest | TcpStreamRequest | DisplayRequest

_decoder: msgspec.json.Decoder[EdgeRequest] = msgspec.json.Decoder(EdgeRequest)


def decode_edge_request(frame: bytes | str) -> EdgeRequest:
    """Decode a request to an edge; raises ProtocolError as `decode_with` does."""
    return decode_with(_decoder, frame)
