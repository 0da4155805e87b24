"""The pending exports of a client's connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol import messages
from nova.sdk.protocol.error_codes import error_of
from nova.sdk.protocol.export import (
    ExportCancelled,
    ExportComplete,
    ExportEnd,
    ExportFailed,
    ExportProgress,
    ExportStarted,
)

OnProgress = Callable[[ExportProgress], None]


class PendingExports:
    """Queues of progress and completion messages, by exportId."""

    def __init__(self) -> None:
        self._queues: dict[
            str, asyncio.Queue[ExportProgress | ExportEnd | ConnectionLostError]
        ] = {}

    def __len__(self) -> int:
        return len(self._queues)

    def receive(self, reply: messages.Reply) -> None:
        """Queue a message of an export; messages may arrive before the caller waits for them."""
        match reply:
            case ExportStarted():
                self._queues[reply.export_id] = asyncio.Queue()
            case ExportProgress() | ExportComplete() | ExportFailed() | ExportCancelled():
                if reply.export_id in self._queues:
                    self._queues[reply.export_id].put_nowait(reply)
            case messages.Error(ref=None):
                # The edge lost its reader, which cancels the exports that the reader was making.
                self.fail_all(ConnectionLostError(reply.message))

    def fail_all(self, error: ConnectionLostError) -> None:
        for queue in self._queues.values():
            queue.put_nowait(error)

    async def wait_for(self, export_id: str, on_progress: OnProgress | None) -> ExportComplete:
        """Wait for the completion of an export; raises ProtocolError if it fails."""
        queue = self._queues[export_id]
        try:
            while True:
                match await queue.get():
                    case ExportProgress() as progress:
                        if on_progress is not None:
                            on_progress(progress)
                    case ExportComplete() as complete:
                        return complete
                    case ExportFailed() as failed:
                        raise error_of(failed.code, failed.message)
                    case ConnectionLostError() as lost:
                        raise lost
                    case _:
                        text = "export cancelled; partial files removed"
                        raise error_of("exportCancelled", text)
        finally:
            del self._queues[export_id]
