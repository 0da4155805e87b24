"""The log file of a service that runs without `nova up`: another process writes to the file what
the service writes to stderr.

That process outlives a crash of the service, whose dump becomes a line too, and ends when nobody
writes any more.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence

from nova.cli.log_channel import KIND, LogChannel
from nova.cli.log_collector import file_of, open_log_file
from nova.cli.log_writer import LogWriter
from nova.sdk import logs, settings
from nova.sdk.errors import NovaError
from nova.sdk.lifecycle import SUPERVISOR_VARIABLE
from nova.sdk.log_handler import STDERR
from nova.sdk.settings import Settings

CORE_SERVICES = ("writer", "reader", "sampler", "alarms", "files", "derive", "backup", "notifier")
SERVICES: dict[tuple[str, ...], str] = {
    **{("core", name): name for name in CORE_SERVICES},
    **{(name,): name for name in ("edge", "hardware")},
}
"""Commands, and the processes that they run."""

LOG_VARIABLES = "NOVA_LOG_"
READ_BYTES = 64 * 1024


def collect_own_logs(arguments: Sequence[str]) -> None:
    """If a command is a service and NOVA_LOG_FILE is set, let this process's stderr be written to
    that file; raises NovaError.
    """
    process = service_of(arguments)
    if process is None or os.environ.get(SUPERVISOR_VARIABLE) == str(os.getppid()):
        return
    given = {name: text for name, text in os.environ.items() if name.startswith(LOG_VARIABLES)}
    # Of the other settings the defaults are valid on ground.
    chosen = settings.load(environment={**given, "NOVA_MODE": "ground"})
    if chosen.log_file is not None:
        _redirect(process, chosen)


def service_of(arguments: Sequence[str]) -> str | None:
    """The process that a command runs; None if it is no service."""
    if "--help" in arguments or "-h" in arguments:
        return None
    return SERVICES.get(tuple(arguments[:1])) or SERVICES.get(tuple(arguments[:2]))


def _redirect(process: str, chosen: Settings) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, KIND)
    problem, report = os.pipe()
    sys.stderr.flush()
    sys.stdout.flush()
    if os.fork() == 0:
        try:
            os.close(problem)
            _write_logs(process, chosen, (ours, theirs), report)
        except NovaError as error:
            os.write(report, str(error).encode())
        finally:
            os._exit(0)
    os.close(report)
    with open(problem, "rb") as reading, ours, theirs:
        error_text = reading.read(READ_BYTES).decode()
        if error_text:
            raise NovaError(error_text)
        os.dup2(theirs.fileno(), STDERR)


def _write_logs(
    process: str, chosen: Settings, sockets: tuple[socket.socket, socket.socket], report: int
) -> None:
    """Write until all that share the stderr have ended. `report` is closed once that has begun."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # The service may log until it has ended.
    writer = LogWriter(process, open_log_file(chosen, file_of(chosen, process)), STDERR)
    logs.configure(process, writer.offer)
    writer.start()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    channel = LogChannel(process, writer.put, sockets)
    sockets[1].close()
    os.close(report)
    channel.join()
    writer.close()
