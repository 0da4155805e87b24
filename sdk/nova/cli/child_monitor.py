"""Measures for how long a process of the instance has been silent, from its heartbeats.

Time in which the process could not run does not count: neither what it waited for a processor, nor
what the supervisor itself was stopped. A step that the process has announced counts only while the
process uses no processor time and does not wait for a disk, and so does its start: it may open a
large archive. Before its first heartbeat a process counts as silent only while it is stopped.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.sdk.process_heartbeat import Heartbeat
from nova.sdk.timestamps import NS_PER_SECOND

HEARTBEAT_STARTS = (b'{"alive":', b'{"busy":')

RUNNABLE, DISK_WAIT = "R", "D"
"""States of a process that runs or waits for a processor, and that waits for a disk
(proc_pid_stat(5)).
"""
STOPPED = ("T", "t")

_decoder = msgspec.json.Decoder(Heartbeat)


class ProcessorTime(NamedTuple):
    """The time that a process's main thread ran, and that it waited for a processor until it ran
    last, in ns; and its state now.
    """

    ran_ns: int
    waited_ns: int
    state: str


def processor_time(process_id: int) -> ProcessorTime | None:
    """The processor time of a process; None where the system does not provide it (not Linux)."""
    folder = Path(f"/proc/{process_id}")
    try:
        ran, waited, _ = (folder / "schedstat").read_text().split()
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return ProcessorTime(int(ran), int(waited), state) if int(ran) else None


class ChildMonitor:
    """The silence of one process. `is_starting` until it is ready."""

    def __init__(self, process_id: int, *, is_starting: bool = False) -> None:
        self.is_starting = is_starting
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
        if not self._has_begun and not self._is_stopped_at_start():
            return
        may_work = self.is_starting or self.busy is not None
        if before is None or self._time is None:
            self.silence_s += 0.0 if may_work else elapsed_s
            return
        has_run = self._time.ran_ns != before.ran_ns
        waits = (RUNNABLE, DISK_WAIT) if may_work else (RUNNABLE,)
        is_waiting = self._time.state in waits and not has_run
        if not is_waiting and not (may_work and has_run):
            waited_s = (self._time.waited_ns - before.waited_ns) / NS_PER_SECOND
            self.silence_s += max(0.0, elapsed_s - waited_s)

    def _is_stopped_at_start(self) -> bool:
        """A plug-in's process may send no heartbeat; one that is stopped cannot."""
        return self.is_starting and self._time is not None and self._time.state in STOPPED
