"""Which requests a client repeats by itself, and after which delays.

What was refused before anything was done is repeated whatever it is. After a failure in between,
only what is safe to repeat is: reads, and commands, whose requestId stays the same and which are
executed once. Chat and the like would be recorded twice.
"""

from __future__ import annotations

import asyncio
import random

from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol import account, admin, export, messages, timeline
from nova.sdk.protocol.alarm_messages import AlarmHistory, Alarms
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.drain import SHUTTING_DOWN
from nova.sdk.protocol.messages import Error, Message
from nova.sdk.protocol.submission import SubmitCommand

BUSY_LIMIT_S = 60.0
"""How long a request is repeated that the server has no room for, before that is an error."""

UNAVAILABLE_LIMIT_S = 10.0
"""How long a request is repeated that the server cannot serve. Not longer, since a command would
otherwise be executed long after it was given.
"""

PAUSE_S = 0.25
PAUSE_MAX_S = 8.0
CORE_UNAVAILABLE = "coreUnavailable"
"""The error code of an edge that lost its reader and with it all pending requests."""

REFUSED_CODES = ("busy", "rateLimited")
READS = (
    messages.Query,
    messages.Discover,
    messages.Latest,
    messages.GetUiState,
    messages.Rejects,
    messages.Status,
    messages.Links,
    timeline.Summary,
    timeline.Extent,
    timeline.Sample,
    timeline.Find,
    timeline.FindText,
    timeline.Recordings,
    Columns,
    Alarms,
    AlarmHistory,
    timeline.Fields,
    timeline.Neighbour,
    export.Drivers,
    account.ListSessions,
    admin.ListUsers,
    admin.ListUserSessions,
    admin.ListKeys,
)


class NoReplyError(ConnectionLostError):
    """The server is there, but did not reply in time or violates the protocol: another attempt
    would not help.
    """


class Backoff:
    """Growing delays: at least what the server asks for, with jitter so that clients do not retry
    in step, and limited in total.
    """

    def __init__(self, limit_s: float, pause_s: float = PAUSE_S) -> None:
        self._remaining_s = limit_s
        self._pause_s = pause_s

    async def wait(self, retry_after_s: float = 0.0) -> bool:
        """Wait before the next attempt; False if the total limit is exceeded."""
        pause_s = max(retry_after_s, self._pause_s) * random.uniform(0.75, 1.25)
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
        # The server's delay is never shortened: the request would be refused again.
        pause_s = max(pause_s, retry_after_s)
        self._remaining_s -= pause_s
        if self._remaining_s < 0:
            return False
        await asyncio.sleep(pause_s)
        return True


class Retries:
    """The attempts of one request."""

    def __init__(self, message: Message, busy_limit_s: float, unavailable_limit_s: float) -> None:
        self._is_safe = isinstance(message, (*READS, SubmitCommand))
        self._is_read = isinstance(message, READS)
        self._busy = Backoff(busy_limit_s)
        self._unavailable = Backoff(unavailable_limit_s)

    async def after_error(self, error: Error) -> bool:
        """Wait before the next attempt after an error; False if there is none."""
        if error.code == "busy" or (
            error.code in REFUSED_CODES and error.retry_after_ms is not None
        ):
            return await self._busy.wait((error.retry_after_ms or 0) / 1_000)
        if error.code == SHUTTING_DOWN or (error.code == CORE_UNAVAILABLE and self._is_safe):
            return await self._unavailable.wait()
        return False

    async def after_loss(self, lost: ConnectionLostError, *, is_closed: bool) -> bool:
        """Wait before the next attempt after the request was lost: with the connection
        (`is_closed`), or with the Core behind an edge. False if there is none.
        """
        may_repeat = self._is_read if is_closed else self._is_safe
        if not may_repeat or isinstance(lost, NoReplyError):
            return False
        return await self._unavailable.wait()
