"""Measures for how long a process of the instance has been silent, from its heartbeats.

Time in which the process could not run does not count: neither what it waited for a processor, nor
what the supervisor itself was stopped. A step that the process has announced counts only while the
process uses no processor time.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.sdk.process_heartbeat import Heartbeat
from nova.sdk.timestamps import NS_PER_SECOND

HEARTBEAT_STARTS = (b'{"alive":', b'{"busy":')

RUNNABLE = "R"
"""The state of a process that runs or waits for a processor (proc_pid_stat(5))."""

_decoder = msgspec.json.Decoder(Heartbeat)


class ProcessorTime(NamedTuple):
    """The time that a process's main thread ran, and that it waited for a processor until it ran
    last, in ns; and whether it is running or waiting for a processor now.
    """

    ran_ns: int
    waited_ns: int
    is_runnable: bool


def processor_time(process_id: int) -> ProcessorTime | None:
    """The processor time of a process; None where the system does not provide it (not Linux)."""
    folder = Path(f"/proc/{process_id}")
    try:
        ran, waited, _ = (folder / "schedstat").read_text().split()
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return ProcessorTime(int(ran), int(waited), state == RUNNABLE) if int(ran) else None


class ChildMonitor:
    """The silence of one process, from its first heartbeat on."""

    def __init__(self, process_id: int) -> None:
        self._process_id = process_id
        self._time = processor_time(process_id)
        self._has_begun = False
        self.silence_s = 0.0
        self.busy: str | None = None
        """The step that the process has announced and not ended."""

    def receive(self, line: bytes) -> bool:
        """Apply a heartbeat; False if the line is none."""
        if not line.startswith(HEARTBEAT_STARTS):
            return False
        try:
            heartbeat = _decoder.decode(line)
        except msgspec.DecodeError:
            return False
        self._has_begun = True
        self.silence_s = 0.0
        self.busy = heartbeat.busy
        return True

    def add(self, elapsed_s: float) -> None:
        """Add a span of time in which nothing was received."""
        before, self._time = self._time, processor_time(self._process_id)
        if not self._has_begun:
            return
        if before is None or self._time is None:
            self.silence_s += 0.0 if self.busy else elapsed_s
            return
        has_run = self._time.ran_ns != before.ran_ns
        is_waiting = self._time.is_runnable and not has_run
        if not is_waiting and not (self.busy and has_run):
            waited_s = (self._time.waited_ns - before.waited_ns) / NS_PER_SECOND
            self.silence_s += max(0.0, elapsed_s - waited_s)
