"""Series: which timeline an event belongs to, from its envelope and the address that it came by."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from nova.sdk import address as addresses
from nova.sdk.address import SCOPE_TOKEN, Address
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.envelope import (
    ChatMessage,
    CommandProgress,
    CommandRequest,
    CommandResult,
    Envelope,
    UiUpdate,
)


class Series(NamedTuple):
    """The identity of a series; raw has no `message_type`, only ui has a `view_id`."""

    scope_id: str
    lane: str
    system_id: str
    container_id: str
    unique_id: str
    message_type: str
    view_id: str


def agreed_value(member: str, given: str | None, derived: str | None) -> str:
    """The value of a member, from the envelope or else the address; both must agree if present."""
    if given is None and derived is None:
        raise EnvelopeError(
            "missingMember", member, f"member {member!r} is missing in envelope and address"
        )
    if given is not None and derived is not None and given != derived:
        raise EnvelopeError(
            "idConflict",
            member,
            f"{member} {given[:64]!r} conflicts with {derived!r} in the address",
        )
    value = given if given is not None else derived
    assert value is not None
    return value


def resolve_series(envelope: Envelope, address: Address | None) -> Series:
    """Fill and check the ids of an envelope; returns its series."""
    scope_id = agreed_value("scopeId", envelope.scope_id, address.scope_id if address else None)
    lane = envelope.lane
    assert lane is not None
    ids = _scope_global(envelope, address) or _entity_ids(envelope, address)
    if address is not None and address.subject is not None:
        _check_subject(envelope, address.subject)
    envelope.scope_id = scope_id
    envelope.system_id, envelope.container_id, envelope.unique_id = ids
    message_type = getattr(envelope, "message_type", "")
    view_id = envelope.view_id if isinstance(envelope, UiUpdate) else ""
    return _series(scope_id, lane, *ids, message_type, view_id)


@lru_cache(maxsize=65_536)
def _series(
    scope_id: str,
    lane: str,
    system: str,
    container: str,
    unique: str,
    message_type: str,
    view_id: str,
) -> Series:
    for member, value in (
        ("scopeId", scope_id),
        ("systemId", system),
        ("containerId", container),
        ("uniqueId", unique),
    ):
        if not addresses.is_id(value):
            raise EnvelopeError(
                "badValue", member, f"{member} {value[:80]!r} is not [A-Za-z0-9_-]{{1,64}}"
            )
    return Series(scope_id, lane, system, container, unique, message_type, view_id)


def _scope_global(envelope: Envelope, address: Address | None) -> tuple[str, str, str] | None:
    """The ids of scope-global metadata, which are all `__scope__`; None for an entity's event."""
    derived = (address.system_id, address.container_id, address.unique_id) if address else ()
    given = (envelope.system_id, envelope.container_id, envelope.unique_id)
    present = {token for token in (*given, *derived) if token is not None}
    if SCOPE_TOKEN not in present:
        if isinstance(envelope, ChatMessage):
            raise EnvelopeError(
                "badValue", "uniqueId", f"the uniqueId of a ChatMessage must be {SCOPE_TOKEN}"
            )
        return None
    if envelope.lane != "metadata":
        raise EnvelopeError("badValue", "uniqueId", f"only the metadata lane may use {SCOPE_TOKEN}")
    if present != {SCOPE_TOKEN}:
        other = sorted(present - {SCOPE_TOKEN})[0]
        raise EnvelopeError(
            "idConflict", "uniqueId", f"{SCOPE_TOKEN} conflicts with the id {other[:64]!r}"
        )
    return (SCOPE_TOKEN, SCOPE_TOKEN, SCOPE_TOKEN)


def _entity_ids(envelope: Envelope, address: Address | None) -> tuple[str, str, str]:
    return (
        agreed_value("systemId", envelope.system_id, address.system_id if address else None),
        agreed_value(
            "containerId", envelope.container_id, address.container_id if address else None
        ),
        agreed_value("uniqueId", envelope.unique_id, address.unique_id if address else None),
    )


def _check_subject(envelope: Envelope, subject: str) -> None:
    """Check that token 4 of a command address agrees with the envelope."""
    if isinstance(envelope, CommandRequest):
        member, expected = "requestId", envelope.request_id
    elif isinstance(envelope, CommandProgress | CommandResult):
        member, expected = "commandId", f"{envelope.command_id}:{envelope.message_type}"
    else:
        raise EnvelopeError("idConflict", "lane", "a command address must carry a command event")
    if subject != expected:
        raise EnvelopeError(
            "idConflict", member, f"{expected!r} conflicts with {subject!r} in the address"
        )


def hashed_ids(series: Series) -> tuple[str, str, str]:
    """The three ids as hashed into the eventId; scope-global events hash the last one only."""
    if series.unique_id == SCOPE_TOKEN:
        return ("", "", SCOPE_TOKEN)
    return (series.system_id, series.container_id, series.unique_id)
