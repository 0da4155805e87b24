"""What a principal sees of TCP streams, as far as their definitions say it."""

from __future__ import annotations

from nova.edge.access import Access
from nova.edge.account_requests import seconds_text
from nova.edge.tcp_stream_rules import names_hidden
from nova.edge.tcp_stream_store import StoredStream
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import (
    MANIFEST_VERSION,
    SETUP_CONTAINER_ID,
    SETUP_ENTITY_TYPE,
    SETUP_MANIFEST_ID,
    SETUP_NAME,
    SETUP_UNIQUE_ID,
    STREAM_CONTAINER_ID,
    STREAM_ENTITY_TYPE,
    STREAM_MANIFEST_ID,
    STREAM_SYSTEM_ID,
    StreamSetup,
    TcpStreamInfo,
)

SELECTION_MAX_CHARS = 200
CHANGING_ROLES = frozenset({"operator", "admin"})


def may_see(access: Access, stream: StoredStream) -> bool:
    """Whether a stream is in a principal's list: an admin's has all, others have their own and
    the public ones, unless these name scopes or lanes that the principal may not see.
    """
    if _manages_all(access) or _is_own(access, stream):
        return True
    definition = stream.definition
    return definition.visibility == "public" and not names_hidden(definition, access)


def may_change(access: Access, stream: StoredStream) -> bool:
    """Whether a principal may change, tie and delete a stream."""
    if _manages_all(access):
        return True
    return access.role in CHANGING_ROLES and _is_own(access, stream)


def stream_info(access: Access, stream: StoredStream) -> TcpStreamInfo:
    """A stream as it is listed, without the state of one that runs."""
    return TcpStreamInfo(
        stream_id=stream.id,
        definition=stream.definition,
        created_by=stream.created_by,
        created=seconds_text(stream.created),
        enabled=stream.enabled,
        system_id=STREAM_SYSTEM_ID,
        container_id=STREAM_CONTAINER_ID,
        unique_id=stream.id,
        entity_type=STREAM_ENTITY_TYPE,
        manifest_id=STREAM_MANIFEST_ID,
        manifest_version=MANIFEST_VERSION,
        state="elsewhere" if stream.enabled else "stopped",
        selects=selection_text(stream.definition.filters),
        may_change=may_change(access, stream),
    )


def stream_setup(access: Access, streams: int, served_by: str | None = None) -> StreamSetup:
    """The entity by which streams are created, for a principal who sees this many."""
    return StreamSetup(
        system_id=STREAM_SYSTEM_ID,
        container_id=SETUP_CONTAINER_ID,
        unique_id=SETUP_UNIQUE_ID,
        entity_type=SETUP_ENTITY_TYPE,
        manifest_id=SETUP_MANIFEST_ID,
        manifest_version=MANIFEST_VERSION,
        name=SETUP_NAME,
        streams=streams,
        may_create=access.role in CHANGING_ROLES,
        served_by=served_by,
    )


def selection_text(filters: Filters) -> str:
    """The filters in a few words, such as `raw radio/rx/a`."""
    entity = (filters.system_id, filters.container_id, filters.unique_id)
    parts = [
        ",".join(filters.scope_ids or ()),
        ",".join(filters.lanes or ()),
        "/".join(part or "*" for part in entity) if any(entity) else "",
        ",".join(filters.message_types or ()),
        filters.view_id or "",
        filters.command_id or "",
    ]
    text = " ".join(filter(None, parts)) or "all"
    return text if len(text) <= SELECTION_MAX_CHARS else f"{text[: SELECTION_MAX_CHARS - 1]}…"


def _manages_all(access: Access) -> bool:
    """An admin who is limited manages the own streams, as an operator does."""
    return access.role == "admin" and not access.is_limited


def _is_own(access: Access, stream: StoredStream) -> bool:
    own = (access.kind, access.principal_id)
    return bool(access.principal_id) and own == (stream.creator_kind, stream.creator_id)
