"""The logs of an instance: `nova up` collects what its processes write to stderr, and logs the
same way itself.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.cli.log_channel import LogChannel
from nova.cli.log_file import LogFile
from nova.cli.log_writer import LogWriter
from nova.cli.rotated_logs import LogRetention, RotatedLogs
from nova.sdk import logs
from nova.sdk.errors import NovaError
from nova.sdk.log_handler import STDERR
from nova.sdk.settings import MIB, Settings

CLOSE_TIMEOUT_S = 10.0
"""Wait for the last lines of processes that have ended; one that has not holds its channel."""

PROCESS_PLACE = "{process}"
"""In the name of the log file, where the name of the process stands."""

log = logging.getLogger(__name__)


class LogCollector:
    """Owns the log file. It gives each process a channel as its stderr."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._channels: list[LogChannel] = []

    @contextmanager
    def channel(self, process: str) -> Iterator[int]:
        """The descriptor that a process gets as its stderr; it is closed here afterwards."""
        channel = LogChannel(process, self._writer.put)
        self._channels = [one for one in self._channels if one.is_open()]
        self._channels.append(channel)
        with channel.theirs:
            yield channel.theirs.fileno()

    def close(self) -> None:
        """Write the last lines of processes that have ended."""
        end_s = time.monotonic() + CLOSE_TIMEOUT_S
        for channel in self._channels:
            channel.join(max(0.0, end_s - time.monotonic()))


@contextmanager
def collected_logs(chosen: Settings) -> Iterator[LogCollector]:
    """Collect logs into the file of the settings, or onto stderr; raises NovaError."""
    process = logs.configured_process() or "nova"
    file = None if chosen.log_file is None else open_log_file(chosen, file_of(chosen, process))
    stderr = os.dup(STDERR)
    writer = LogWriter(process, file, stderr)
    writer.start()
    logs.configure(process, writer.offer)
    collector = LogCollector(writer)
    try:
        yield collector
    except NovaError as error:
        if file is not None:  # The caller says it on stderr.
            log.critical("%s", error)
        raise
    finally:
        collector.close()
        logs.configure(process)
        writer.close()
        os.close(stderr)


def file_of(chosen: Settings, process: str) -> Path:
    """The file in which a process collects logs."""
    return Path((chosen.log_file or "").replace(PROCESS_PLACE, process))


def open_log_file(chosen: Settings, path: Path) -> LogFile:
    """The log file of an instance; raises NovaError."""
    retention = LogRetention(chosen.log_keep_days, chosen.log_keep_mib * MIB)
    return LogFile(path, chosen.log_file_max_mib * MIB, RotatedLogs(path, retention))
