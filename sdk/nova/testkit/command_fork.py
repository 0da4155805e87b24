"""Processes that run `nova` commands, and start in a few milliseconds: `nova.cli.fork_server` forks
them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Protocol, Self

import msgspec

from nova.sdk.errors import NovaError
from nova.sdk.worker_process import StartedProcess, start_process

PROGRAM = "nova.cli"
FORK_SERVER = "nova.cli.fork_server"
ANSWER_BYTES = 64
OF_INTERPRETERS = ("PYTHON", "LD_", "LC_", "LANG", "TZ")
"""Environment variables that a process reads before it runs its command begin so."""

MS_PER_SECOND = 1000
STANDARD_ERROR = 2


def _of_interpreters(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(OF_INTERPRETERS)}


OF_THIS_PROCESS = _of_interpreters(os.environ)
"""Of these as they were when tests were collected; one of them may set others."""


prepared_by: list[str] = []
"""Files of programs that the process that forks commands runs before it forks any."""


class CommandProcess(StartedProcess, Protocol):
    """A running command: what tests need of a process, forked or not."""

    @property
    def stderr(self) -> IO[bytes] | None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
    def poll(self) -> int | None: ...
    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def start_command(
    *arguments: str,
    environment: Mapping[str, str],
    stderr: IO[bytes] | int | None = None,
    may_fork: bool = True,
) -> CommandProcess:
    """Run a `nova` command with pipes to its stdin and stdout; `stderr` as for `subprocess.Popen`.
    It is forked unless an interpreter of its own would differ, or it should have one.
    """
    if may_fork and (fork := _fork_for(environment)):
        return fork.start(arguments, environment, stderr)
    return subprocess.Popen(
        [sys.executable, "-m", PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env=environment,
    )


def start_worker(arguments: list[str], environment: Mapping[str, str]) -> StartedProcess:
    """`nova.sdk.worker_process.start_process`, which forks workers that are commands of `nova`."""
    if arguments[0] == PROGRAM and (fork := _fork_for(environment)):
        return fork.start(arguments[1:], environment, None, is_worker=True)
    return start_process(arguments, environment)


class ForkedCommand:
    """A running command that this process has not started itself."""

    def __init__(self, fork: CommandFork, pid: int, pipes: Sequence[IO[bytes] | None]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin, self.stdout, self.stderr = pipes
        self._fork = fork
        self._ended = os.pidfd_open(pid)
        self._collecting = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        for pipe in (self.stdout, self.stderr, self.stdin):
            if pipe is not None:
                pipe.close()
        self.wait()

    def poll(self) -> int | None:
        """Its status if it has ended, negative for a signal."""
        return self._collect(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its status when it has ended; raises subprocess.TimeoutExpired."""
        status = self._collect(None if timeout is None else timeout * MS_PER_SECOND)
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(PROGRAM, timeout)
        return status

    def communicate(
        self, input: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]:
        """Send it `input`; returns what it prints until it ends."""
        with ThreadPoolExecutor() as pool:
            texts = [pool.submit(_read, pipe) for pipe in (self.stdout, self.stderr)]
            pool.submit(self._feed, input or b"")
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return texts[0].result(), texts[1].result()

    def send_signal(self, sig: int) -> None:
        """Send a signal if it runs."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._ended, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _feed(self, data: bytes) -> None:
        assert self.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.stdin as stdin:
            stdin.write(data)

    def _collect(self, wait_ms: float | None) -> int | None:
        if self.returncode is None:
            poll = select.poll()
            poll.register(self._ended, select.POLLIN)
            if not poll.poll(wait_ms):
                return None
        with self._collecting:
            if self.returncode is None:
                self.returncode = os.waitstatus_to_exitcode(self._fork.ask(self.pid))
                os.close(self._ended)
        return self.returncode


class CommandFork:
    """The process that forks commands; it ends with this one."""

    def __init__(self) -> None:
        environment = dict(os.environ)
        for name in _of_interpreters(environment):
            del environment[name]
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._asking = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", FORK_SERVER, str(theirs.fileno()), *prepared_by],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environment | OF_THIS_PROCESS,
            )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        stderr: IO[bytes] | int | None,
        *,
        is_worker: bool = False,
    ) -> ForkedCommand:
        """Run a command with pipes to its stdin and stdout; a worker leads a process group."""
        umask = os.umask(0)
        os.umask(umask)
        order = {
            "arguments": arguments,
            "environment": dict(environment),
            "folder": os.getcwd(),
            "umask": umask,
            "is_worker": is_worker,
        }
        with ExitStack() as stack, ExitStack() as kept:
            ours, theirs = _pipes(stderr, stack, kept)
            pid = self.ask(order, theirs)
            kept.pop_all()
        return ForkedCommand(self, pid, ours)

    def ask(self, order: Mapping[str, object] | int, streams: Sequence[int] = ()) -> int:
        """The answer to an order; raises NovaError if the process has ended."""
        with self._asking:
            try:
                socket.send_fds(self._channel, [msgspec.json.encode(order)], streams)
                answer = self._channel.recv(ANSWER_BYTES)
            except OSError as error:
                raise NovaError(f"the process that forks commands has ended: {error}") from error
        if not answer:
            raise NovaError("the process that forks commands has ended")
        return msgspec.json.decode(answer, type=int)

    def close(self) -> None:
        self._channel.close()
        self._process.wait()


def _fork_for(environment: Mapping[str, str]) -> CommandFork | None:
    """What forks commands that have this environment; None where they need an interpreter of their
    own.
    """
    may_fork = sys.platform == "linux" and _of_interpreters(environment) == OF_THIS_PROCESS
    return _command_fork() if may_fork else None


@functools.cache
def _command_fork() -> CommandFork:
    fork = CommandFork()
    atexit.register(fork.close)
    return fork


def _pipes(
    stderr: IO[bytes] | int | None, given: ExitStack, kept: ExitStack
) -> tuple[list[IO[bytes] | None], list[int]]:
    """The ends of this process, closed with `kept`, and those of a command, closed with `given`."""
    read, write = _pipe(given, kept, ours=1), _pipe(given, kept, ours=0)
    ours: list[IO[bytes] | None] = [read[0], write[0], None]
    if stderr == subprocess.PIPE:
        ours[2], stderr = _pipe(given, kept, ours=0)
    elif stderr is None:
        stderr = STANDARD_ERROR
    return ours, [read[1], write[1], stderr if isinstance(stderr, int) else stderr.fileno()]


def _pipe(given: ExitStack, kept: ExitStack, ours: int) -> tuple[IO[bytes], int]:
    """Our end of a pipe, 0 to read or 1 to write, and the other."""
    ends = os.pipe()
    given.callback(os.close, ends[1 - ours])
    return kept.enter_context(os.fdopen(ends[ours], "wb" if ours else "rb")), ends[1 - ours]


def _read(pipe: IO[bytes] | None) -> bytes:
    return b"" if pipe is None else pipe.read()
