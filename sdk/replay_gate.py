"""The replay gate of one connection: whether its client looks at the present and may command it.

What counts is what the reader serves to the connection, or has served last, and the cursor that the
client has stated last; never what a request says of itself. Reader and edge keep a gate each: the
reader's is exact, the edge's follows the reader's answers and outlives the loss of a reader. Where
either does not know, it takes it for the past.
"""

from __future__ import annotations

from sdk.message import TimelineMode

SERVED_REPLAY = "what this connection was served last is a REPLAY"
NOT_PRESENT = "its LIVE stream has not come to the present, or has ended"
READER_LOST = "the reader that served it was lost, and it shows what was until then"
STATED = "it has stated that its cursor stands at {}"
REFUSAL = "nothing is submitted from the past, and {}: start a LIVE stream first"


class ReplayGate:
    """What a connection was served last, and the cursor that it has stated since."""

    def __init__(self, reason: str | None = None) -> None:
        """A connection that has been served nothing looks at the present, unless a reason says
        otherwise.
        """
        self._served = reason
        self._stated: str | None = None
        self._is_sure = True

    @property
    def reason(self) -> str | None:
        """Why the client looks at the past; None if it does not."""
        return self._stated or self._served

    def serve(self, mode: TimelineMode, *, is_present: bool | None) -> None:
        """A stream has been accepted, and is where the client looks from now on; `is_present` is
        None where nobody here can know how far a LIVE stream is.
        """
        self._stated = None
        if mode == "REPLAY":
            self._served, self._is_sure = SERVED_REPLAY, True
        else:
            self.follow(is_present)

    def follow(self, is_present: bool | None) -> None:
        """How far the LIVE stream is that was accepted last."""
        self._served = NOT_PRESENT if is_present is False else None
        self._is_sure = is_present is not None

    def end(self) -> None:
        """The stream has come to its end, where the client's clock stands still from now on."""
        if self._served is None:
            self._served = NOT_PRESENT

    def state(self, time: str | None) -> None:
        """The client has said where its cursor stands; None says that it follows the present.

        That takes back what it has stated, and nothing of what it was served.
        """
        self._stated = None if time is None else STATED.format(time)

    def lose(self, *, is_streaming: bool) -> None:
        """The reader is gone, maybe in the middle of a stream."""
        if self._served is None and (is_streaming or not self._is_sure):
            self._served = READER_LOST
