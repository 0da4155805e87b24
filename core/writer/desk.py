"""The submission handler: checks who may submit what, and passes it to the handler of its kind.

The edge makes the same checks earlier. The writer repeats them, because it alone is responsible for
the archive and the edge may be bypassed.
"""

from __future__ import annotations

import logging

from core.errors import QueryError
from core.submission import Asker
from core.writer.commands import Commands
from core.writer.imports import Imports
from core.writer.remarks import Remarks
from sdk.protocol import Message
from sdk.submission import (
    AcknowledgeAlarm,
    ImportEvents,
    Submission,
    SubmitChat,
    SubmitCommand,
    roles_for,
)

FROM_THE_PAST = (
    "submissions are refused in REPLAY: the events last served on this connection, or its cursor, "
    "are in the past; start a LIVE stream first, and wait until it has reached the present"
)

log = logging.getLogger(__name__)


class Desk:
    """Handles submissions of all kinds."""

    def __init__(
        self, scope_id: str | None, commands: Commands, remarks: Remarks, imports: Imports
    ) -> None:
        self._scope_id = scope_id
        self._commands = commands
        self._remarks = remarks
        self._imports = imports

    async def take(self, asker: Asker, what: Submission, since_s: float) -> Message:
        """The reply to a submission that a reader received at `since_s` (`time.monotonic`); raises
        QueryError if it is refused.
        """
        self._admit(asker, what)
        log.info(
            "submission",
            extra={"context": {"user": asker.user, "kind": str(what.__struct_config__.tag)}},
        )
        match what:
            case SubmitCommand():
                return await self._commands.submit(what, since_s)
            case SubmitChat():
                return await self._remarks.chat(asker, what)
            case AcknowledgeAlarm():
                return await self._remarks.acknowledge(asker, what)
            case ImportEvents():
                return await self._imports.bring(what)

    def _admit(self, asker: Asker, what: Submission) -> None:
        if asker.role not in roles_for(what):
            kind = what.__struct_config__.tag
            raise QueryError("forbidden", f"your role ({asker.role}) cannot send {kind}")
        if asker.is_replaying or what.timeline_mode != "LIVE":
            log.warning(
                "submission refused in replay",
                extra={"context": {"user": asker.user, "connection": asker.connection}},
            )
            raise QueryError("replayRefused", FROM_THE_PAST)
        if isinstance(what, ImportEvents):
            return  # Each of its events names its scope and is checked for it.
        if self._scope_id not in (None, what.scope_id):
            raise QueryError(
                "unknownScope",
                f"this instance accepts scope {self._scope_id!r}, not {what.scope_id!r}",
            )
