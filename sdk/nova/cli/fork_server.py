"""Starts `nova` commands quickly, for tests: a process that has imported everything, and forks for
each.

    python -m nova.cli.fork_server DESCRIPTOR [FILE]...

The Unix socket DESCRIPTOR brings an order with the descriptors of its standard streams, which is
answered with a process id; or such an id, which is answered with the status of that command when it
has ended. The process ends when the socket closes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import runpy
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import import_module

import msgspec

from nova.cli import command_table, local_instance
from nova.cli.standby import NO_ALGEBRA_THREADS, STANDARD_STREAMS

MESSAGE_BYTES = 128 * 1024
PROGRAM = "nova.cli"
CTRL_C = (signal.SIGINT,)
RANKINGS = ("zxcvbn",)
"""What an edge imports when it has a new password."""


class CommandOrder(msgspec.Struct):
    """A command of `nova`, and what it takes over from the process that starts it."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    umask: int
    is_worker: bool
    """Whether it leads a process group, and never imports from its folder."""


def main(channel: socket.socket, prepared_by: Sequence[str]) -> None:
    """Answer orders until whoever sends them has ended, or in a forked process run its command.
    Before, programs are run that prepare all of these for tests.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, CTRL_C)  # It goes to the commands too.
    _import_all()
    for program in prepared_by:
        runpy.run_path(program)
    gc.collect()
    gc.freeze()  # A collection would write to all objects, and so copy the pages that are shared.
    order = _serve(channel)
    if order is not None:
        _run(order)


def _serve(channel: socket.socket) -> CommandOrder | None:
    """The order of a forked process; None when there are no more."""
    with channel:
        while True:
            message, streams, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, len(STANDARD_STREAMS))
            if not message:
                return None
            if streams:
                order = msgspec.json.decode(message, type=CommandOrder)
                if not (answer := os.fork()):
                    _take_over(streams)
                    return order
                if order.is_worker:
                    os.setpgid(answer, answer)  # Before anybody knows its id.
            else:
                _, answer = os.waitpid(msgspec.json.decode(message, type=int), 0)
            for stream in streams:
                os.close(stream)
            channel.send(msgspec.json.encode(answer))


def _take_over(streams: list[int]) -> None:
    for target, given in zip(STANDARD_STREAMS, streams, strict=True):
        os.dup2(given, target)
        os.close(given)


def _run(order: CommandOrder) -> None:
    """Run a command to its end, as `python -m nova.cli` does in such an environment."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, CTRL_C)
    _show_as(order.arguments)
    os.environ.clear()
    os.environ.update(order.environment)
    os.umask(order.umask)
    os.chdir(order.folder)
    if not sys.flags.safe_path:
        sys.path[:1] = [] if order.is_worker else [order.folder]
    sys.argv[1:] = order.arguments
    runpy.run_module(PROGRAM, run_name="__main__", alter_sys=True)


def _show_as(arguments: list[str]) -> None:
    """Show the command in lists of processes. It has to be done while the environment is that of
    the parent: its place takes the text.
    """
    from setproctitle import setproctitle

    setproctitle(" ".join(("nova", *arguments)))


def _import_all() -> None:
    """Import what commands and processes of an instance import, as far as it is installed."""
    os.environ.setdefault(*NO_ALGEBRA_THREADS)
    commands = (command.target.partition(":")[0] for command in command_table.COMMANDS.values())
    processes = (module for modules in local_instance.MODULES.values() for module in modules)
    for name in (*commands, *processes, *RANKINGS):
        with contextlib.suppress(ImportError):
            import_module(name)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
