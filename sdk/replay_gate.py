"""The replay gate of one connection: whether its client displays the present and may send commands.

The gate depends on the stream that the reader serves or served last, and on the cursor that the
client reported last, never on the request itself. Reader and edge have a gate each: the reader's is
exact; the edge's follows the reader's replies and survives the loss of a reader. If the position is
unknown, the gate assumes the past.
"""

from __future__ import annotations

from sdk.message import TimelineMode

SERVED_REPLAY = "its last stream is a REPLAY"
NOT_PRESENT = "its LIVE stream has not reached the present, or has ended"
READER_LOST = "the reader that served it was lost, and it still displays that stream"
STATED = "it reported its cursor at {}"
REFUSAL = "this connection displays the past and cannot submit ({}): start a LIVE stream first"


class ReplayGate:
    """The last stream of a connection, and the cursor reported since."""

    def __init__(self, reason: str | None = None) -> None:
        """A connection without a stream displays the present, unless there is a `reason`."""
        self._served = reason
        self._stated: str | None = None
        self._is_sure = True

    @property
    def reason(self) -> str | None:
        """Why the client displays the past; None if it displays the present."""
        return self._stated or self._served

    def serve(self, mode: TimelineMode, *, is_present: bool | None) -> None:
        """A stream was accepted, so the client displays it from now on; `is_present` is None if the
        progress of a LIVE stream is unknown here.
        """
        self._stated = None
        if mode == "REPLAY":
            self._served, self._is_sure = SERVED_REPLAY, True
        else:
            self.follow(is_present)

    def follow(self, is_present: bool | None) -> None:
        """Update whether the last accepted LIVE stream has reached the present."""
        self._served = NOT_PRESENT if is_present is False else None
        self._is_sure = is_present is not None

    def end(self) -> None:
        """The stream has ended; the client's clock stands still from now on."""
        if self._served is None:
            self._served = NOT_PRESENT

    def state(self, time: str | None) -> None:
        """The client reported its cursor; None means that it follows the present. That replaces its
        last report, but not the state of its last stream.
        """
        self._stated = None if time is None else STATED.format(time)

    def lose(self, *, is_streaming: bool) -> None:
        """The reader was lost, possibly during a stream."""
        if self._served is None and (is_streaming or not self._is_sure):
            self._served = READER_LOST
