"""eventId: SHA-256 over the content of an event, so equal content has equal ids everywhere."""

from __future__ import annotations

from hashlib import sha256

SCHEME = "eidV1"


def hashed_head(
    scope_id: str, lane: str, identity: tuple[str, str, str], message_type: str
) -> bytes:
    """The hashed text before the time; all events of a series share it."""
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
    """The 32 bytes of an eventId; absent ids and messageType are hashed as empty texts."""
    begin = hashed_head(scope_id, lane, identity, message_type)
    return sha256(b"%b%b\n%b" % (begin, normal_time.encode(), canonical_payload)).digest()
