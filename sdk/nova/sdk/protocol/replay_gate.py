"""The replay gate of one connection: whether its client displays the present and may send commands.

The gate depends on the stream that the reader serves or served last, and on the cursor that the
client reported last, never on the request itself. Reader and edge have a gate each: the reader's is
exact; the edge's follows the reader's replies and survives the loss of a reader. If the position is
unknown, the gate assumes the past.
"""

from __future__ import annotations

from nova.sdk.protocol.message import TimelineMode

REASON_REPLAY = "its last stream is a REPLAY"
REASON_NOT_PRESENT = "its LIVE stream has not reached the present, or has ended"
REASON_READER_LOST = "the reader that served it was lost, and it still displays that stream"
REASON_CURSOR = "it reported its cursor at {}"
REFUSAL = "this connection displays the past and cannot submit ({}): start a LIVE stream first"


class ReplayGate:
    """The last stream of a connection, and the cursor reported since."""

    def __init__(self, reason: str | None = None) -> None:
        """A connection without a stream displays the present, unless there is a `reason`."""
        self._stream_reason = reason
        self._cursor_reason: str | None = None
        self._is_known = True

    @property
    def reason(self) -> str | None:
        """Why the client displays the past; None if it displays the present."""
        return self._cursor_reason or self._stream_reason

    def accept_stream(self, mode: TimelineMode, *, is_present: bool | None) -> None:
        """A stream was accepted, so the client displays it from now on; `is_present` is None if the
        progress of a LIVE stream is unknown here.
        """
        self._cursor_reason = None
        if mode == "REPLAY":
            self._stream_reason, self._is_known = REASON_REPLAY, True
        else:
            self.update_present(is_present)

    def update_present(self, is_present: bool | None) -> None:
        """Update whether the last accepted LIVE stream has reached the present."""
        self._stream_reason = REASON_NOT_PRESENT if is_present is False else None
        self._is_known = is_present is not None

    def end_stream(self) -> None:
        """The stream has ended; the client's clock stands still from now on."""
        if self._stream_reason is None:
            self._stream_reason = REASON_NOT_PRESENT

    def report_cursor(self, time: str | None) -> None:
        """The client reported its cursor; None means that it follows the present. That replaces its
        last report, but not the state of its last stream.
        """
        self._cursor_reason = None if time is None else REASON_CURSOR.format(time)

    def lose_reader(self, *, is_streaming: bool) -> None:
        """The reader was lost, possibly during a stream."""
        if self._stream_reason is None and (is_streaming or not self._is_known):
            self._stream_reason = REASON_READER_LOST
