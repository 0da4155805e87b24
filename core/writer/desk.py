"""The desk: where submissions come in, whoever brought them, and are refused or taken.

The edge has asked the same questions before. The writer asks again, for it answers for the truth.
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
    "nothing is submitted from the past: what this connection was served last, or the cursor that "
    "it has stated, is not the present; start a LIVE stream first, and wait until it is there"
)

log = logging.getLogger(__name__)


class Desk:
    """Answers submissions of all kinds."""

    def __init__(
        self, scope_id: str | None, commands: Commands, remarks: Remarks, imports: Imports
    ) -> None:
        self._scope_id = scope_id
        self._commands = commands
        self._remarks = remarks
        self._imports = imports

    async def take(self, asker: Asker, what: Submission, since_s: float) -> Message:
        """The answer to a submission of that time; raises QueryError where it is refused."""
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
            raise QueryError("forbidden", f"the role {asker.role} may not submit this")
        if asker.is_replaying or what.timeline_mode != "LIVE":
            log.warning(
                "submission refused in replay",
                extra={"context": {"user": asker.user, "connection": asker.connection}},
            )
            raise QueryError("replayRefused", FROM_THE_PAST)
        if isinstance(what, ImportEvents):
            return  # Each of its events says its scope itself, and is checked for it.
        if self._scope_id not in (None, what.scope_id):
            raise QueryError(
                "unknownScope", f"scope {what.scope_id!r} is not {self._scope_id!r}, taken here"
            )
