"""eventId: SHA-256 over what an event says, so equal content has equal ids everywhere
(A-063…A-075).
"""

from __future__ import annotations

from hashlib import sha256

SCHEME = "eidV1"


def head(scope_id: str, lane: str, identity: tuple[str, str, str], message_type: str) -> bytes:
    """The hashed text up to the time, which all events of a series share."""
    text = f"{SCHEME}\n{scope_id}\n{lane}\n{'|'.join(identity)}\n{message_type}\n"
    return text.encode()


def event_id(
    scope_id: str,
    lane: str,
    identity: tuple[str, str, str],
    message_type: str,
    normal_time: str,
    canonical_payload: bytes,
) -> bytes:
    """The 32 bytes of an eventId; absent ids and messageType are empty texts (nova.md §3)."""
    begin = head(scope_id, lane, identity, message_type)
    return sha256(b"%b%b\n%b" % (begin, normal_time.encode(), canonical_payload)).digest()
