"""eventId: SHA-256 over what an event says, so equal content has equal ids everywhere
(A-063…A-075).
"""

from __future__ import annotations

from hashlib import sha256

SCHEME = "eidV1"


def event_id(
    scope_id: str,
    lane: str,
    identity: tuple[str, str, str],
    message_type: str,
    normal_time: str,
    canonical_payload: bytes,
) -> bytes:
    """The 32 bytes of an eventId; absent ids and messageType are empty texts (nova.md §3)."""
    header = (
        f"{SCHEME}\n{scope_id}\n{lane}\n{identity[0]}|{identity[1]}|{identity[2]}\n"
        f"{message_type}\n{normal_time}\n"
    )
    return sha256(header.encode() + canonical_payload).digest()
