"""Processes of an instance that are forked ahead and wait for their command.

An interpreter imports for half a second of processor time before it is a writer, a reader or an
edge, and each has a copy of all modules. `nova up` imports them once and forks: they start at once
and share the memory. Forking is sound while a process has one thread and nothing is open that must
not be shared, so it is done first of all and once for each process. A process that is restarted is
a new interpreter.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import msgspec

from nova.cli.standby_command import StandbyCommand
from nova.sdk import process_metrics

STANDARD_STREAMS = (0, 1, 2)
NO_ALGEBRA_THREADS = ("OPENBLAS_NUM_THREADS", "1")
"""numpy's library of linear algebra, which NOVA does not call, would start threads when it is
imported.
"""

READ_BYTES = 64 * 1024
THREADS = Path("/proc/self/task")
DESCRIPTORS = Path("/proc/self/fd")


class ProcessOrder(msgspec.Struct):
    """The command of a forked process, and its whole environment."""

    arguments: list[str]
    environment: dict[str, str]


class StandbyProcess:
    """A forked process as its parent sees it. It ends when it gets no command."""

    def __init__(self, process_id: int, orders: socket.socket) -> None:
        self.process_id = process_id
        self._orders = orders

    def begin(self, order: ProcessOrder, stdin: int, stdout: int, stderr: int) -> None:
        """Have it run a command with these descriptors; raises OSError if it has ended."""
        try:
            socket.send_fds(self._orders, [b"\0"], (stdin, stdout, stderr))
            self._orders.sendall(msgspec.json.encode(order))
        except OSError:
            self.dismiss()
            raise
        self._orders.close()

    def forget(self) -> None:
        """Close the connection to it."""
        self._orders.close()

    def dismiss(self) -> None:
        """End it, unless it has a command."""
        if self._orders.fileno() >= 0:
            self._orders.close()
            os.kill(self.process_id, signal.SIGKILL)
            os.waitpid(self.process_id, 0)


@contextmanager
def standby_processes(modules: Mapping[str, Sequence[str]]) -> Iterator[dict[str, StandbyProcess]]:
    """One forked process for each name, in which its modules and those of the others are imported;
    none where forking is not sound. Raises StandbyCommand in the forked processes.
    """
    with ExitStack() as stack:
        yield _forked(modules, stack) if _imported(modules) and _may_fork() else {}


def _imported(modules: Mapping[str, Sequence[str]]) -> bool:
    """Import all; returns whether that went well. Else the process that needs it says what is
    missing.
    """
    os.environ.setdefault(*NO_ALGEBRA_THREADS)
    if not sys.flags.safe_path:
        del sys.path[0]  # No process of an instance imports from the working folder.
    try:
        for name in dict.fromkeys(name for names in modules.values() for name in names):
            import_module(name)
    except ImportError:
        return False
    return True


def _may_fork() -> bool:
    """Whether this process has one thread, its standard streams, and a kernel that can fork it and
    watch its children.
    """
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
        streams_are_open = all((DESCRIPTORS / str(number)).exists() for number in STANDARD_STREAMS)
        return streams_are_open and len(os.listdir(THREADS)) == 1
    except OSError:
        return False


def _forked(modules: Mapping[str, Sequence[str]], stack: ExitStack) -> dict[str, StandbyProcess]:
    sys.stdout.flush()
    sys.stderr.flush()
    gc.collect()
    gc.freeze()  # A collection would write to all objects, and so copy the pages that are shared.
    forked: dict[str, StandbyProcess] = {}
    for name in modules:
        ours, theirs = socket.socketpair()
        process_id = os.fork()
        if not process_id:
            stack.pop_all()
            ours.close()
            for other in forked.values():
                other.forget()
            _wait_for_order(theirs)
        theirs.close()
        forked[name] = StandbyProcess(process_id, ours)
        stack.callback(forked[name].dismiss)
    return forked


def _wait_for_order(orders: socket.socket) -> NoReturn:
    """Wait in a forked process for its command, with nothing open but this socket."""
    os.setsid()  # Ctrl-C goes to the parent, which stops its processes in order.
    _close_all_but(orders.fileno())
    _, descriptors, _, _ = socket.recv_fds(orders, 1, len(STANDARD_STREAMS))
    if not descriptors:
        os._exit(0)
    for target, given in zip(STANDARD_STREAMS, descriptors, strict=True):
        os.dup2(given, target)
        os.close(given)
    with orders:
        order = msgspec.json.decode(_read_all(orders), type=ProcessOrder)
    process_metrics.started_s = time.time()
    _show_as(order.arguments)
    os.environ.clear()
    os.environ.update(order.environment)
    raise StandbyCommand(order.arguments)


def _close_all_but(kept: int) -> None:
    """Close what the parent had open, as an exec would; its stderr stays until there is another."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for target in STANDARD_STREAMS[:2]:
        os.dup2(nothing, target)
    for number in map(int, os.listdir(DESCRIPTORS)):
        if number != kept and number not in STANDARD_STREAMS:
            _close(number)


def _close(number: int) -> None:
    try:
        os.close(number)
    except OSError:
        return  # The listing's own.


def _read_all(orders: socket.socket) -> bytes:
    received = bytearray()
    while part := orders.recv(READ_BYTES):
        received += part
    return bytes(received)


def _show_as(arguments: Sequence[str]) -> None:
    """Show this command in lists of processes, and the parent's environment no more. It has to be
    done while the environment is that of the parent: its place takes the text.
    """
    from setproctitle import setproctitle

    sys.argv = ["nova", *arguments]
    setproctitle(" ".join(sys.argv))
