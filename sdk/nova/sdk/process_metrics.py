"""The metrics that every process of NOVA has of itself: time of the CPU, memory, open files."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time
from pathlib import Path

from nova.sdk.protocol.metric_messages import Metric, counter, gauge

STATM = Path("/proc/self/statm")
OPEN_FILES = Path("/proc/self/fd")
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024
"""The unit of `ru_maxrss`."""

started_s = time.time()
"""When this process was started, or began the command that it had waited for."""


def process_metrics(process: str) -> list[Metric]:
    """The metrics of the calling process, under its name in the instance."""
    cpu = counter("nova_process_cpu_seconds_total", "CPU time of a process, user and system")
    memory = gauge("nova_process_resident_memory_bytes", "Resident memory of a process")
    started = gauge("nova_process_start_time_seconds", "When a process was started, since 1970")
    found = [
        cpu.add(time.process_time(), process=process),
        memory.add(resident_bytes(), process=process),
        started.add(started_s, process=process),
    ]
    with contextlib.suppress(OSError):
        files = gauge("nova_process_open_fds", "Open files and sockets of a process")
        found.append(files.add(len(os.listdir(OPEN_FILES)), process=process))
    return found


def resident_bytes() -> int:
    """The resident memory of this process; where the system does not say, its peak."""
    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_BYTES
