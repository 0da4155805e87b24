"""What a gateway reads of a stored envelope."""

from __future__ import annotations

import msgspec

from nova.sdk import timestamps
from nova.sdk.events.series import Series
from nova.sdk.protocol.messages import Timebase


class StoredHead(msgspec.Struct, rename="camel"):
    """The series and the times of a stored envelope."""

    scope_id: str
    lane: str
    system_id: str
    container_id: str
    unique_id: str
    source_truth_time: str
    canonical_truth_time: str
    message_type: str = ""
    view_id: str = ""

    @property
    def series(self) -> Series:
        """Only ui has a view."""
        ids = (self.system_id, self.container_id, self.unique_id)
        view_id = self.view_id if self.lane == "ui" else ""
        return Series(self.scope_id, self.lane, *ids, self.message_type, view_id)

    def time_ns(self, timebase: Timebase) -> int:
        is_source = timebase == "source"
        return timestamps.parse_accepted(
            self.source_truth_time if is_source else self.canonical_truth_time
        )


_decoder = msgspec.json.Decoder(StoredHead)


def head_of(stored: bytes | memoryview | msgspec.Raw) -> StoredHead:
    return _decoder.decode(stored)
