"""What a stored envelope carries beside its address and times, as its own bytes."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from nova.sdk.events.envelope import STORED_HEADER

ABSENT = Raw(b"")

_members = msgspec.json.Decoder(dict[str, Raw])


class StoredBody(msgspec.Struct, rename="camel", kw_only=True):
    """The members of an envelope that may carry something; decode one as a kind of this."""

    lane: str
    frame: Raw = msgspec.field(name="bytes", default=ABSENT)
    payload: Raw = ABSENT
    data: Raw = ABSENT


def carried(stored: StoredBody, envelope: bytes | Raw) -> bytes | Raw:
    """The JSON that an event carries: a raw frame's base64, a view's data, the payload of the
    others. A command's payload means nothing without its type, so commands give all members of
    their body, as do events without a payload.
    """
    if stored.lane == "raw":
        return stored.frame
    if stored.lane == "ui":
        return stored.data
    if stored.lane == "command" or stored.payload is ABSENT:
        return _body(envelope)
    return stored.payload


def _body(envelope: bytes | Raw) -> bytes:
    """The members besides the header as an object. Names of members contain no character that JSON
    escapes.
    """
    members = _members.decode(envelope)
    own = ((name, value) for name, value in members.items() if name not in STORED_HEADER)
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in own) + b"}"
