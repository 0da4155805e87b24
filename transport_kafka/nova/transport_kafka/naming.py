"""Maps addresses to topics and record keys, and back."""

from __future__ import annotations

import re
from functools import lru_cache

from nova.sdk import address as addresses
from nova.sdk.errors import AddressError, TransportError
from nova.sdk.transport.base import Subscription

KEY_MAX_BYTES = 256
"""Longer than the key of any valid address; a longer key is cut and is then no address."""

ADDRESS_CACHE_SIZE = 16_384
"""Size of the caches of parsed addresses."""

UNDECODABLE = "\N{REPLACEMENT CHARACTER}"
"""Replaces undecodable text in an address. It is not allowed in a token, so ingest rejects it."""

_TOPIC = re.compile(
    rf"nova\.(?P<scope>[^.]+)\.(?:{'|'.join(addresses.LANES)})\.{addresses.VERSION}", re.ASCII
)


def is_subscribed(topic: str, subscription: Subscription) -> bool:
    """Whether a topic carries a lane of the subscription's scope (of any scope, if it has none)."""
    match = _TOPIC.fullmatch(topic)
    if match is None:
        return False
    return subscription.scope_id is None or match["scope"] == subscription.scope_id


def command_topic(scope_id: str) -> str:
    return f"nova.{scope_id}.command.{addresses.VERSION}"


def scope_of(topic: str) -> str | None:
    """The scope of a NOVA topic; None for another topic."""
    match = _TOPIC.fullmatch(topic)
    return match["scope"] if match else None


@lru_cache(maxsize=ADDRESS_CACHE_SIZE)
def topic_and_key(address: str | None) -> tuple[str, str | None]:
    """Topic and key for an address; raises TransportError if it is not a valid address."""
    if address is None:
        raise TransportError("a record has no address; Kafka needs one to choose the topic")
    try:
        parsed = addresses.parse(address)
    except AddressError as error:
        raise TransportError(f"a record's address is invalid: {error}") from None
    return parsed.topic(), parsed.tail() or None


def address_of(topic: str, key: bytes | None) -> str:
    """The address of a consumed record; never raises, whatever the key holds."""
    if not key:
        return addresses.from_topic(topic, "")
    if len(key) > KEY_MAX_BYTES:
        return addresses.from_topic(topic, _text(key[:KEY_MAX_BYTES]) + UNDECODABLE)
    return _cached_address(topic, key)


@lru_cache(maxsize=ADDRESS_CACHE_SIZE)
def _cached_address(topic: str, key: bytes) -> str:
    return addresses.from_topic(topic, _text(key))


def _text(key: bytes) -> str:
    return key.decode("utf-8", errors="replace")


def stream_name(topic: str, partition: int) -> str:
    """A partition's name in the positions that the Core stores."""
    return f"{topic}/{partition}"
