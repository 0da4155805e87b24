"""What a batch replay is asked for, and what it has delivered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from sdk import timestamps
from sdk.protocol import Filters, Timebase
from sdk.shards.messages import Job
from sdk.timestamps import NS_MAX, NS_MIN

Report = Callable[[int, int, int], None]
"""Takes about how many events have been passed by, of about how many, and the exact number of
events delivered; with filters many are passed by that are not delivered.
"""


class Summary(msgspec.Struct, kw_only=True):
    """What a replay delivered; where it went on with an interrupted one, events and bytes are those
    of the whole, the seconds its own.
    """

    events: int
    bytes: int
    seconds: float
    shards: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A range of an archive: times are texts, both ends included, None is the archive's own."""

    data: Path
    start: str | None = None
    stop: str | None = None
    timebase: Timebase = "canonical"
    filters: Filters = field(default_factory=Filters)

    def job(self, mark: int | None = None, after: str | None = None) -> Job:
        """The same as shards are told it; raises TimestampError for what is no time."""
        return Job(
            start_ns=NS_MIN if self.start is None else timestamps.parse(self.start),
            stop_ns=NS_MAX if self.stop is None else timestamps.parse(self.stop),
            timebase=self.timebase,
            filters=self.filters,
            after=after,
            mark=mark,
        )

    def asked(self, shards: int | None = None) -> dict[str, str | None]:
        """The same as a state remembers it; the number of shards only where the result shows it."""
        job = self.job()
        return {
            "data": str(self.data.resolve()),
            "from": None if self.start is None else timestamps.text(job.start_ns),
            "to": None if self.stop is None else timestamps.text(job.stop_ns),
            "timebase": self.timebase,
            "filters": msgspec.json.encode(self.filters).decode(),
            "shards": None if shards is None else str(shards),
        }
