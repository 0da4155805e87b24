"""Maps addresses to topics and back: the topic of a record is its address with `/` for `.`."""

from __future__ import annotations

from nova.sdk import address as addresses
from nova.sdk.errors import AddressError, TransportError

ALL_TOPICS = "nova/#"
OWN_PREFIX = "nova/"
"""Begins the topics of events."""

FOREIGN_PREFIX = "mqtt:"
"""Begins the address of a record whose topic is no address, so that it can be none."""


def topic_of(address: str | None) -> str:
    """The topic of a record; raises TransportError if its address is missing or invalid."""
    if address is None:
        raise TransportError("a record has no address; MQTT needs one as its topic")
    try:
        addresses.parse(address)
    except AddressError as error:
        raise TransportError(f"a record's address is invalid: {error}") from None
    return address.replace(".", "/")


def address_of(topic: str) -> str:
    """The address of a topic; of a topic that is none, a text that the Core rejects."""
    address = topic.replace("/", ".")
    try:
        addresses.parse(address)
    except AddressError:
        return foreign_address(topic)
    return address if "." not in topic else foreign_address(topic)


def foreign_address(topic: str) -> str:
    """What stands for the address of a record whose topic is no address."""
    return f"{FOREIGN_PREFIX}{topic}"


def topics_of(scope_id: str | None) -> str:
    """The filter of a scope's topics; of all scopes for None."""
    return ALL_TOPICS if scope_id is None else f"nova/{scope_id}/#"


def commands_of(scope_id: str) -> str:
    """The filter of a scope's commands and of their feedback."""
    return f"nova/{scope_id}/command/+/{addresses.VERSION}"
