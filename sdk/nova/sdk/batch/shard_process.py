"""The shard processes of a replay, seen from the replay. They end with it, however it ends, because
it holds the other end of their pipes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from nova.sdk import pipe_buffer
from nova.sdk.batch.shard_messages import (
    SIZES,
    ShardFailure,
    ShardReply,
    ShardRequest,
    decode_reply,
    request_line,
)
from nova.sdk.errors import NovaError

EXIT_TIMEOUT_S = 5.0


class ShardProcess:
    """One shard process."""

    def __init__(self, data: Path, number: int) -> None:
        self.number = number
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "nova.cli", "core", "shard", "--data", str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C goes to the replay, which ends them.
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests, self._replies = self._process.stdin, self._process.stdout
        pipe_buffer.enlarge(self._replies)

    def fileno(self) -> int:
        """The descriptor that is readable when a reply arrives."""
        return self._replies.fileno()

    def send(self, request: ShardRequest) -> None:
        """Send a request; raises NovaError if the process has ended."""
        try:
            self._requests.write(request_line(request))
        except BrokenPipeError:
            raise self._exit_error() from None

    def reply(self) -> tuple[ShardReply, bytearray]:
        """The next reply with its body; raises NovaError if the shard failed or has ended."""
        head_bytes, body_bytes = SIZES.unpack(self._read(SIZES.size))
        reply = decode_reply(bytes(self._read(head_bytes)))
        if isinstance(reply, ShardFailure):
            raise NovaError(reply.reason)
        return reply, self._read(body_bytes)

    def close_pipes(self) -> None:
        """Close the pipes, which makes the process end."""
        self._requests.close()
        self._replies.close()

    def wait(self) -> None:
        """Wait for the process to end; kills it after EXIT_TIMEOUT_S."""
        try:
            self._process.wait(EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = self._replies.readinto(view)  # type: ignore[attr-defined]  # it is raw
            if not count:
                raise self._exit_error()
            view = view[count:]
        return data

    def _exit_error(self) -> NovaError:
        self.close_pipes()
        self.wait()
        return NovaError(
            f"shard {self.number} ended with status {self._process.returncode} before it had "
            "delivered all events; see its log above"
        )


@contextmanager
def running_shards(data: Path, count: int) -> Iterator[Sequence[ShardProcess]]:
    """Run `count` shard processes for the duration of the block."""
    shards: list[ShardProcess] = []
    try:
        for number in range(count):
            shards.append(ShardProcess(data, number))
        yield shards
    finally:
        for shard in shards:
            shard.close_pipes()
        for shard in shards:
            shard.wait()
