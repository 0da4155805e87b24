"""Worker processes, seen from the process that starts them: frames on stdin and stdout.

A worker ends when its stdin closes, and so with its parent, however that ends. What it started, as
users' functions may, ends with it if it has a session of its own. Its log goes to the parent's
stderr. `worker_channel.py` is the worker's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from typing import IO, Generic, Protocol, Self, TypeVar

from nova.sdk import pipe_buffer
from nova.sdk.channel import (
    FRAME_MAX_BYTES,
    AsyncFrameReader,
    ChannelError,
    FrameCodec,
    FrameReader,
    framed,
    write_frame,
)

ReplyT = TypeVar("ReplyT")

READ_MAX_BYTES = 4 * 1024 * 1024
"""Replies that are read ahead of the parent; beyond, the worker waits."""

EXIT_TIMEOUT_S = 5.0


class WorkerExitError(ChannelError):
    """A worker ended while replies were expected."""

    def __init__(self, name: str, status: int | None) -> None:
        super().__init__(f"{name} exited with status {status}")
        self.status = status


def module_command(*arguments: str) -> list[str]:
    """The command that runs a module; it never imports from the working folder."""
    return [sys.executable, "-P", "-m", *arguments]


class Endable(Protocol):
    """A process that can be waited for and killed."""

    async def wait(self) -> int: ...
    def kill(self) -> None: ...


async def end_process(process: Endable, timeout_s: float) -> bool:
    """Wait for a process that has been asked to end, and kill it after `timeout_s`; returns whether
    it was killed.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        _kill(process)
        await process.wait()
        return True
    return False


def _kill(process: Endable) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()


class ProcessGroup:
    """A process with a session of its own, and all that it started there."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def wait(self) -> int:
        return await self._process.wait()

    def kill(self) -> None:
        kill_group(self._process.pid)


def kill_group(leader: int) -> None:
    """Kill a process group, also one whose leader has ended; the kernel gives the leader's number
    to nobody while the group has processes.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class WorkerProcess(Generic[ReplyT]):
    """A worker of an event loop."""

    def __init__(
        self,
        name: str,
        process: Process,
        requests: asyncio.WriteTransport,
        replies: FrameCodec[ReplyT],
        frame_max_bytes: int,
        ended_with: Endable,
    ) -> None:
        assert process.stdout is not None
        self._name = name
        self._process = process
        self._ended_with: Endable | None = ended_with
        self._requests = requests
        self._codec = replies
        self._replies = AsyncFrameReader(process.stdout, frame_max_bytes)

    @classmethod
    async def start(
        cls,
        name: str,
        arguments: list[str],
        replies: FrameCodec[ReplyT],
        *,
        frame_max_bytes: int = FRAME_MAX_BYTES,
        has_own_session: bool = True,
    ) -> Self:
        """Start `python -m` with these arguments. A worker without a session of its own also gets
        the Ctrl-C of the parent's terminal.
        """
        # An explicit pipe: asyncio would use a socket, which buffers only part of a request.
        theirs, ours = os.pipe()
        pipe_buffer.enlarge(ours)
        requests, _ = await asyncio.get_running_loop().connect_write_pipe(
            asyncio.BaseProtocol, os.fdopen(ours, "wb", buffering=0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *module_command(*arguments),
                stdin=theirs,
                stdout=PIPE,
                limit=READ_MAX_BYTES,
                start_new_session=has_own_session,
            )
        except BaseException:
            requests.abort()
            raise
        finally:
            os.close(theirs)
        ended_with = ProcessGroup(process) if has_own_session else process
        return cls(name, process, requests, replies, frame_max_bytes, ended_with)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def send(self, head: bytes) -> None:
        """Queue a request; that the worker has ended says `receive`."""
        self._requests.write(framed(head))

    async def receive(self) -> ReplyT:
        """The next reply; raises ChannelError if the worker has ended or sends garbage. It may be
        cancelled, as by a deadline, and called again.
        """
        try:
            frame = await self._replies.read()
            if frame is not None:
                return self._codec.decode(frame.head)
        except ChannelError as error:
            raise ChannelError(f"{self._name}: {error}") from None
        await self.stop()
        raise WorkerExitError(self._name, self._process.returncode)

    async def stop(self, timeout_s: float = EXIT_TIMEOUT_S) -> None:
        """Close its stdin, at which it ends, and kill it after `timeout_s` or if this is cancelled;
        what it started is killed. Requests that it has not read are lost.
        """
        self._close_requests()
        try:
            await end_process(self._ended_with or self._process, timeout_s)
        finally:
            self._kill_once()

    async def kill(self) -> None:
        """End it at once, in the middle of any work, and what it started."""
        self._close_requests()
        self._kill_once()
        await self._process.wait()

    def _kill_once(self) -> None:
        """Later its number may be another process's."""
        ended_with, self._ended_with = self._ended_with, None
        if ended_with is not None:
            _kill(ended_with)

    def _close_requests(self) -> None:
        if not self._requests.is_closing():
            self._requests.abort()


class StartedProcess(Protocol):
    """A process with pipes: what a blocking worker needs of `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def stdin(self) -> IO[bytes] | None: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    def wait(self, timeout: float | None = None) -> int: ...


def start_process(arguments: list[str], environment: Mapping[str, str]) -> StartedProcess:
    """Run `python -m` with these arguments, in a session of its own."""
    return subprocess.Popen(
        module_command(*arguments),
        stdin=PIPE,
        stdout=PIPE,
        bufsize=0,
        env=environment,
        start_new_session=True,  # Ctrl-C goes to the parent, which ends the worker.
    )


class BlockingWorker(Generic[ReplyT]):
    """A worker of a program without an event loop. Replies may have a body. `variables` are added
    to its environment.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        replies: FrameCodec[ReplyT],
        frame_max_bytes: int = FRAME_MAX_BYTES,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._codec = replies
        self._process = start_process(arguments, {**os.environ, **(variables or {})})
        assert self._process.stdin is not None and self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        pipe_buffer.enlarge(self._stdout)
        self._replies = FrameReader(self._stdout.fileno(), frame_max_bytes)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """The descriptor that is readable when a reply arrives."""
        return self._stdout.fileno()

    def send(self, head: bytes) -> None:
        """Send a request; raises WorkerExitError if the worker has ended."""
        self._require_open()
        try:
            write_frame(self._stdin.fileno(), head)
        except BrokenPipeError:
            raise self._exit_error() from None

    def receive(self) -> tuple[ReplyT, bytes | bytearray]:
        """The next reply and its body; raises ChannelError if the worker has ended or sends
        garbage.
        """
        self._require_open()
        try:
            frame = self._replies.read()
            if frame is not None:
                return self._codec.decode(frame.head), frame.body
        except ChannelError as error:
            raise ChannelError(f"{self._name}: {error}") from None
        raise self._exit_error()

    def close_pipes(self) -> None:
        """Close the pipes, at which the worker ends."""
        self._stdin.close()
        self._stdout.close()

    def stop(self, timeout_s: float = EXIT_TIMEOUT_S) -> None:
        """Close the pipes and wait for the worker's end; kill it after `timeout_s`."""
        self.close_pipes()
        if self._process.returncode is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        kill_group(self._process.pid)
        self._process.wait()

    def kill(self) -> None:
        """End it at once, and what it started; another thread that waits for a reply gets a
        WorkerExitError.
        """
        if self._process.returncode is None:
            kill_group(self._process.pid)

    def _require_open(self) -> None:
        if self._stdin.closed:  # Another file may have its descriptor by now.
            raise self._exit_error()

    def _exit_error(self) -> WorkerExitError:
        self.stop()
        return WorkerExitError(self._name, self._process.returncode)
