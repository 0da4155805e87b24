"""How addresses become topics and record keys, and those become addresses (nova.md §2)."""

from __future__ import annotations

import re
from functools import lru_cache

from sdk import address as addresses
from sdk.errors import AddressError, TransportError
from sdk.transport.base import Subscription

KEY_MAX_BYTES = 256
"""Longer than any key of an address; what is beyond it is cut, and so is no address either."""

ADDRESSES_KEPT = 16_384
"""So many addresses are taken apart and put together once."""

BROKEN_KEY = "\N{REPLACEMENT CHARACTER}"
"""Stands in an address for what was no text; no token may hold it, so ingest refuses the record."""

_TOPIC = re.compile(
    rf"nova\.(?P<scope>[^.]+)\.(?:{'|'.join(addresses.LANES)})\.{addresses.VERSION}", re.ASCII
)


def is_subscribed(topic: str, subscription: Subscription) -> bool:
    """Whether a topic carries a lane of the scope that is named, or of any if none is."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return False
    return subscription.scope_id is None or match["scope"] == subscription.scope_id


def command_topic(scope_id: str) -> str:
    """The topic of a scope's commands."""
    return f"nova.{scope_id}.command.{addresses.VERSION}"


def scope_of(topic: str) -> str | None:
    """The scope whose lane a topic carries, None if it carries none."""
    match = _TOPIC.fullmatch(topic)
    return match["scope"] if match else None


@lru_cache(maxsize=ADDRESSES_KEPT)
def topic_and_key(address: str | None) -> tuple[str, str | None]:
    """Where a record of this address goes; raises TransportError if it is no address."""
    if address is None:
        raise TransportError("a record has no address, and Kafka needs one to find its topic")
    try:
        parsed = addresses.parse(address)
    except AddressError as error:
        raise TransportError(f"a record's address is none: {error}") from None
    return parsed.topic(), parsed.tail() or None


def address_of(topic: str, key: bytes | None) -> str:
    """The address text of a consumed record; never raises, however the key looks."""
    if not key:
        return addresses.from_topic(topic, "")
    if len(key) > KEY_MAX_BYTES:
        return addresses.from_topic(topic, _text(key[:KEY_MAX_BYTES]) + BROKEN_KEY)
    return _cached_address(topic, key)


@lru_cache(maxsize=ADDRESSES_KEPT)
def _cached_address(topic: str, key: bytes) -> str:
    return addresses.from_topic(topic, _text(key))


def _text(key: bytes) -> str:
    return key.decode("utf-8", errors="replace")


def stream(topic: str, partition: int) -> str:
    """The name of a partition among the positions that the Core stores."""
    return f"{topic}/{partition}"
