"""Messages between `nova verify` and its worker processes. The body of an EventsChecked is the
leaves of the sealed days, 32 bytes each, and behind them the series bytes of the same events.
"""

from __future__ import annotations

import msgspec

from nova.core.store.given_back import Deletions
from nova.sdk.channel import FrameCodec


class CheckEvents(msgspec.Struct, kw_only=True, tag="events"):
    """Check the events of a range of `canonical`. Leaves are sent of those up to `sealed_ns`."""

    lower: bytes
    upper: bytes
    until_ns: int
    sealed_ns: int


class CheckIndex(msgspec.Struct, kw_only=True, tag="index"):
    """Sum up the rows of an index family in a range."""

    family: str
    lower: bytes
    upper: bytes
    until_ns: int


class CheckRollups(msgspec.Struct, kw_only=True, tag="rollups"):
    """Sum up the rollups as of `until_ns`."""

    until_ns: int


CheckRequest = CheckEvents | CheckIndex | CheckRollups


class FaultyEvent(msgspec.Struct, array_like=True):
    """A row of `canonical` that is no event of this archive."""

    event_key: bytes
    event_id: bytes
    reason: str


class StoredRequest(msgspec.Struct, array_like=True):
    """What the catalog must have of a CommandRequest."""

    scope_id: str
    request_id: str
    command_id: str
    order_key: bytes


class ArchiveOpened(msgspec.Struct, kw_only=True, tag="opened"):
    """The worker's archive, with its last canonical time in ns, and how far deletions are in it."""

    last_ns: int
    deletions: Deletions


class EventsChecked(msgspec.Struct, kw_only=True, tag="eventsChecked"):
    """The events of a range: their number, by day in order, and what must be elsewhere for them.
    Sums are decimal, because MessagePack has no such integers.
    """

    events: int
    days: list[tuple[str, int]]
    sums: dict[str, str]
    faults: list[FaultyEvent]
    requests: list[StoredRequest]


class RowsChecked(msgspec.Struct, kw_only=True, tag="rowsChecked"):
    """The rows of a range, or of the rollups."""

    rows: int
    sum: str


class CheckFailure(msgspec.Struct, kw_only=True, tag="failure"):
    """The worker cannot read its archive."""

    reason: str


CheckReply = ArchiveOpened | EventsChecked | RowsChecked | CheckFailure

REQUESTS: FrameCodec[CheckRequest] = FrameCodec(CheckRequest)
REPLIES: FrameCodec[CheckReply] = FrameCodec(CheckReply)
