"""What has come of the exports that a client waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sdk import protocol
from sdk.errors import ConnectionLostError, ProtocolError
from sdk.export import (
    ExportCancelled,
    ExportComplete,
    ExportEnd,
    ExportFailed,
    ExportProgress,
    ExportStarted,
)

OnProgress = Callable[[ExportProgress], None]


class Exporting:
    """The exports of one connection, by their ids."""

    def __init__(self) -> None:
        self._told: dict[str, asyncio.Queue[ExportProgress | ExportEnd | ConnectionLostError]] = {}

    def note(self, reply: protocol.Reply) -> None:
        """Take in what is said of exports; what follows a start may come before anyone waits."""
        match reply:
            case ExportStarted():
                self._told[reply.export_id] = asyncio.Queue()
            case ExportProgress() | ExportComplete() | ExportFailed() | ExportCancelled():
                if reply.export_id in self._told:
                    self._told[reply.export_id].put_nowait(reply)
            case protocol.Error(ref=None):
                # An edge has lost its reader, with which the exports ended that it was making.
                self.lose(ConnectionLostError(reply.message))

    def lose(self, error: ConnectionLostError) -> None:
        """Nothing more will be said of any."""
        for told in self._told.values():
            told.put_nowait(error)

    async def end(self, export_id: str, on_progress: OnProgress | None) -> ExportComplete:
        """Wait until an export is complete; raises ProtocolError where it fails."""
        told = self._told[export_id]
        try:
            while True:
                match await told.get():
                    case ExportProgress() as progress:
                        if on_progress is not None:
                            on_progress(progress)
                    case ExportComplete() as complete:
                        return complete
                    case ExportFailed() as failed:
                        raise ProtocolError(failed.code, failed.message)
                    case ConnectionLostError() as lost:
                        raise lost
                    case _:
                        raise ProtocolError("exportCancelled", "the export was given up")
        finally:
            del self._told[export_id]
