"""Maps addresses to subjects and streams. The subject of a record is its address."""

from __future__ import annotations

from collections.abc import Iterable

from nova.sdk import address as addresses
from nova.sdk.address import Address
from nova.sdk.errors import AddressError, TransportError
from nova.sdk.transport.base import Subscription

ALL_SUBJECTS = "nova.>"
CREATED = "#created"
STORED = "#stored"


def parse_address(address: str | None) -> Address:
    """Parse a record's address; raises TransportError if it is missing or invalid."""
    if address is None:
        raise TransportError("a record has no address; NATS needs one as its subject")
    try:
        return addresses.parse(address)
    except AddressError as error:
        raise TransportError(f"a record's address is invalid: {error}") from None


def stream_name(scope_id: str) -> str:
    """The name of the stream that NOVA creates for a scope."""
    return f"nova-{scope_id}"


def subjects_of(scope_id: str | None) -> str:
    """The subjects of a scope; of all scopes for None."""
    return ALL_SUBJECTS if scope_id is None else f"nova.{scope_id}.>"


def subscribed_subjects(subscription: Subscription) -> str:
    return subjects_of(subscription.scope_id)


def commands_of(scope_id: str) -> str:
    """The subjects of a scope's commands and of their feedback."""
    return f"nova.{scope_id}.command.*.{addresses.VERSION}"


def is_within(subjects: Iterable[str], pattern: str) -> bool:
    """Whether all subjects fall under a pattern that ends in `.>`."""
    prefix = pattern.removesuffix(">")
    return all(subject.startswith(prefix) for subject in subjects)


def only_scope(subjects: Iterable[str]) -> str | None:
    """The scope that all subjects belong to; None if there may be several."""
    scopes = {_scope_of(subject) for subject in subjects}
    return scopes.pop() if len(scopes) == 1 else None


def _scope_of(subject: str) -> str | None:
    tokens = subject.split(".")
    if len(tokens) < 3 or tokens[0] != "nova" or not addresses.is_id(tokens[1]):
        return None
    return tokens[1]


def created_key(stream: str) -> str:
    """The position key for the stream's creation time, which identifies a recreated stream."""
    return f"{stream}{CREATED}"


def stored_key(stream: str) -> str:
    """The position key for the time of the last read record, which identifies that record."""
    return f"{stream}{STORED}"
