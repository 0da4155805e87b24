"""Keys of pages of alarms and of their transitions.

They carry the names of alarms and not their numbers, so they hold in every database of alarms: a
rebuild gives the numbers anew.
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode

import msgspec

from nova.core.errors import RequestError
from nova.core.query.alarm_view import NameOrder, TransitionPlace

_decoder = msgspec.msgpack.Decoder(NameOrder)


def alarm_key(order: NameOrder) -> str:
    """The key of an alarm."""
    return urlsafe_b64encode(msgspec.msgpack.encode(order)).decode().rstrip("=")


def alarm_of(key: str) -> NameOrder:
    """The alarm of a key; raises RequestError."""
    try:
        return _order_of(key)
    except ValueError:
        raise RequestError(
            "badKey", "afterKey is not the nextKey of an alarmsResponse: pass it unchanged"
        ) from None


def transition_key(place: TransitionPlace) -> str:
    """The key of a transition."""
    return f"{place.position.hex()}-{alarm_key(place.order)}"


def transition_of(key: str) -> TransitionPlace:
    """The place of a key; raises RequestError."""
    position, _, alarm = key.partition("-")
    try:
        return TransitionPlace(bytes.fromhex(position), _order_of(alarm))
    except ValueError:
        raise RequestError(
            "badKey", "afterKey is not the resumeKey of an alarmHistoryResponse: pass it unchanged"
        ) from None


def _order_of(key: str) -> NameOrder:
    """Raises ValueError."""
    padded = key + "=" * (-len(key) % 4)
    return _decoder.decode(b64decode(padded, altchars=b"-_", validate=True))
