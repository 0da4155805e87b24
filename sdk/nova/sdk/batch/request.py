"""The request of a batch replay, and its summary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from nova.sdk import timestamps
from nova.sdk.batch.range_messages import RangeRequest
from nova.sdk.protocol.message import names_audit
from nova.sdk.protocol.messages import Filters, Timebase
from nova.sdk.timestamps import NS_MAX, NS_MIN

ReportCallback = Callable[[int, int, int], None]
"""Called with the estimated number of events read, the estimated total, and the exact number of
events delivered; with filters, many events are read that are not delivered.
"""


class ReplaySummary(msgspec.Struct, kw_only=True):
    """What a replay delivered. After a resume, events and bytes are those of the whole; the seconds
    are of this run.
    """

    events: int
    bytes: int
    seconds: float
    shards: int


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A range of an archive: times as texts, both ends included, None is the archive's own end."""

    data: Path
    start: str | None = None
    stop: str | None = None
    timebase: Timebase = "canonical"
    filters: Filters = field(default_factory=Filters)

    def to_range(
        self,
        watermark: int | None = None,
        after: str | None = None,
        given_back: int | None = None,
    ) -> RangeRequest:
        """The request as a worker's; raises TimestampError for an invalid time."""
        return RangeRequest(
            start_ns=NS_MIN if self.start is None else timestamps.parse(self.start),
            stop_ns=NS_MAX if self.stop is None else timestamps.parse(self.stop),
            timebase=self.timebase,
            filters=self.filters,
            after=after,
            watermark=watermark,
            given_back=given_back,
            with_audit=names_audit(self.filters),
        )

    def as_stored(self, shards: int | None = None) -> dict[str, str | None]:
        """The request as stored in a state; includes `shards` only if the output depends on it."""
        whole = self.to_range()
        return {
            "data": str(self.data.resolve()),
            "from": None if self.start is None else timestamps.text(whole.start_ns),
            "to": None if self.stop is None else timestamps.text(whole.stop_ns),
            "timebase": self.timebase,
            "filters": msgspec.json.encode(self.filters).decode(),
            "shards": None if shards is None else str(shards),
        }
