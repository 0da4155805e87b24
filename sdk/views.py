"""The messages of views: what each shows at a time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sdk.message import Filters, Message, Timebase

STATES_LIMIT_DEFAULT = 1_000
STATES_LIMIT_MAX = 10_000


class GetUiState(Message, kw_only=True, tag="getUiState"):
    """What every view that the filters name shows at a time, page by page; without `updates` their
    states alone.
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
    """What a view showed strictly before a time, or before its first update at that time that is
    told with it.
    """

    time: str
    data: msgspec.Raw


class UiStateInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One view of one entity at a time: `state` is the checkpoint with the updates after it.

    `key_times` say when each value was last told, in the timebase of the request.
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
    """What a producer said that it can do, in effect since a time."""

    capabilities: list[str]
    schema_version: str
    effective_time: str


class UiStateResponse(Message, kw_only=True, tag="uiStateResponse"):
    """The views of the page; `next_key` is absent on the last."""

    time: str
    states: list[UiStateInfo]
    next_key: str | None = None
