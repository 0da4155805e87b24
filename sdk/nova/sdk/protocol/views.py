"""Protocol messages of views: their state at a time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import Filters, Message, Timebase

STATES_LIMIT_DEFAULT = 1_000
STATES_LIMIT_MAX = 10_000


class GetUiState(Message, kw_only=True, tag="getUiState"):
    """The state at a time of every view that the filters select, page by page; `updates` includes
    the events it was computed from.
    """

    time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    limit: Annotated[int, Meta(ge=1, le=STATES_LIMIT_MAX)] = STATES_LIMIT_DEFAULT
    after_key: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    updates: bool = True


class CheckpointInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The state of a view strictly before a time, or before its first update at that time, which is
    then among the updates.
    """

    time: str
    data: msgspec.Raw


class UiStateInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One entity's view at a time: `state` is the checkpoint with the updates applied.

    `key_times` are the times of each key's last update, in the timebase of the request.
    """

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    view_id: str
    manifest_id: str
    manifest_version: str
    checkpoint: CheckpointInfo | None = None
    updates: list[msgspec.Raw] = msgspec.field(default_factory=list)
    state: msgspec.Raw
    last_time: str
    last_event_id: str
    key_times: dict[str, str]


class DescriptorInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """The capabilities of a producer, in effect since a time."""

    capabilities: list[str]
    schema_version: str
    effective_time: str


class SeriesInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A series of an entity, with its first and last event time up to the requested time; only the
    last one where what is new was asked for.
    """

    lane: Lane
    message_type: str = ""
    view_id: str = ""
    first_time: str = ""
    last_time: str


class EntityInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """An entity with its series, and its descriptor in effect if it has one."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    series: list[SeriesInfo]
    descriptor: DescriptorInfo | None = None


class UiStateResponse(Message, kw_only=True, tag="uiStateResponse"):
    """A page of views; `next_key` is absent on the last page."""

    time: str
    states: list[UiStateInfo]
    next_key: str | None = None
