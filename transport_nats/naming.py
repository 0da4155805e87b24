"""How addresses become subjects and streams, and which streams hold what a subscription wants.

The subject of a record is its address (nova.md §2).
"""

from __future__ import annotations

from collections.abc import Iterable

from sdk import address as addresses
from sdk.address import Address
from sdk.errors import AddressError, TransportError
from sdk.transport.base import Subscription

ALL_SUBJECTS = "nova.>"
CREATED = "#created"
STORED = "#stored"


def parse(address: str | None) -> Address:
    """The parts of a record's address; raises TransportError if it has none."""
    if address is None:
        raise TransportError("a record has no address, and NATS needs one as its subject")
    try:
        return addresses.parse(address)
    except AddressError as error:
        raise TransportError(f"a record's address is none: {error}") from None


def stream_name(scope_id: str) -> str:
    """The stream that is made for a scope whose subjects no other stream takes."""
    return f"nova-{scope_id}"


def subjects_of(scope_id: str | None) -> str:
    """The subjects of a scope, or of all where it is None."""
    return ALL_SUBJECTS if scope_id is None else f"nova.{scope_id}.>"


def wanted(subscription: Subscription) -> str:
    """The subjects that a subscription reads."""
    return subjects_of(subscription.scope_id)


def commands_of(scope_id: str) -> str:
    """The subjects of a scope's commands, and of what is told of them."""
    return f"nova.{scope_id}.command.*.{addresses.VERSION}"


def is_within(subjects: Iterable[str], pattern: str) -> bool:
    """Whether all of these subjects belong to a pattern, such as one that ends in `.>`."""
    prefix = pattern.removesuffix(">")
    return all(subject.startswith(prefix) for subject in subjects)


def only_scope(subjects: Iterable[str]) -> str | None:
    """The one scope that these subjects belong to, or None if there may be several."""
    scopes = {_scope(subject) for subject in subjects}
    return scopes.pop() if len(scopes) == 1 else None


def _scope(subject: str) -> str | None:
    tokens = subject.split(".")
    if len(tokens) < 3 or tokens[0] != "nova" or not addresses.is_id(tokens[1]):
        return None
    return tokens[1]


def created_key(stream: str) -> str:
    """Where the positions keep when a stream was made: one of the same name may be another."""
    return f"{stream}{CREATED}"


def stored_key(stream: str) -> str:
    """Where the positions keep when the last read record was stored: it names that record."""
    return f"{stream}{STORED}"
