"""A process that was forked ahead and runs its command: what the supervisor needs of a process that
`asyncio` has started, for one that it has not.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Protocol, Self

from nova.cli.standby import ProcessOrder, StandbyProcess


class ChildInput(Protocol):
    """The stdin of a process."""

    def write(self, data: bytes) -> None: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...


class RunningProcess(Protocol):
    """A process of `asyncio`, or one that was forked."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def stdin(self) -> ChildInput | None: ...
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    async def wait(self) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class ForkedProcess:
    """A running process; its stdin and stdout are pipes."""

    def __init__(
        self, process_id: int, stdin: asyncio.WriteTransport, stdout: asyncio.StreamReader
    ) -> None:
        self.pid = process_id
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._watch = os.pidfd_open(process_id)
        self._loop.add_reader(self._watch, self._collect)

    @classmethod
    async def start(
        cls,
        standby: StandbyProcess,
        arguments: Sequence[str],
        environment: dict[str, str],
        stderr: int,
    ) -> Self:
        """Run a command of `nova` in a process that waits; raises OSError if it has ended."""
        loop = asyncio.get_running_loop()
        stdin, requests = os.pipe()
        replies, stdout = os.pipe()
        try:
            standby.begin(ProcessOrder(list(arguments), environment), stdin, stdout, stderr)
        except BaseException:
            os.close(requests)
            os.close(replies)
            raise
        finally:
            os.close(stdin)
            os.close(stdout)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(replies, "rb", buffering=0)
        )
        writer, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(requests, "wb", buffering=0)
        )
        return cls(standby.process_id, writer, reader)

    async def wait(self) -> int:
        """Wait until it has ended; returns its status, negative for a signal."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        """Send a signal; an id that is not collected yet belongs to no other process."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def _collect(self) -> None:
        self._loop.remove_reader(self._watch)
        os.close(self._watch)
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        self.stdin.close()
        self._ended.set()
