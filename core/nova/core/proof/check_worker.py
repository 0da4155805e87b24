"""The worker process of `nova verify`: opens a secondary of its own and checks the pieces that it
is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nova.core.proof.check_messages import (
    REPLIES,
    REQUESTS,
    ArchiveOpened,
    CheckFailure,
    CheckReply,
)
from nova.core.proof.piece_check import PieceCheck
from nova.core.scratch import scratch_folder
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import lifecycle
from nova.sdk.channel import write_frame
from nova.sdk.errors import NovaError
from nova.sdk.worker_channel import WorkerChannel

MEMORY_BYTES = 64 * 1024 * 1024


def serve(data: Path) -> None:
    """Reply to requests until stdin closes."""
    lifecycle.prepare_for_batches()
    lifecycle.ignore_interrupt()
    channel = WorkerChannel()

    def send(reply: CheckReply, leaves: Sequence[bytes] = (), series: Sequence[bytes] = ()) -> None:
        body = b"".join([*leaves, *series])
        write_frame(channel.descriptor, REPLIES.encode(reply), body)

    try:
        with (
            scratch_folder("verify") as scratch,
            open_secondary_archive(data, scratch, MEMORY_BYTES) as archive,
        ):
            pieces = PieceCheck(archive)
            send(ArchiveOpened(last_ns=pieces.last_ns, deletions=archive.given_back.deletions()))
            while (head := channel.receive()) is not None:
                send(*pieces.check(REQUESTS.decode(head)))
    except BrokenPipeError:
        pass  # The parent has ended.
    except (NovaError, OSError) as error:
        send(CheckFailure(reason=str(error)))
