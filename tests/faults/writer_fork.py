"""Starts writers quickly: a process that has imported everything, and forks for each.

    python -m tests.faults.writer_fork

Each request is a line of JSON. `{"data": …, "log": …, "disk": [root, control, journal]}` starts the
command `nova core writer` and is answered with its process id; `{"wait": id, "block": …}` is
answered with its status, as of waitpid(2), or null while it runs. The writers end with this
process.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any

from nova.cli import entry
from nova.core import cli
from nova.core.writer import writer_process
from nova.sdk.lifecycle import PR_SET_PDEATHSIG

IMPORTED = (cli, writer_process)


def serve() -> None:
    """Answer requests until stdin closes."""
    for line in sys.stdin:
        request = json.loads(line)
        found = waited(request) if "wait" in request else forked(request)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def waited(request: dict[str, Any]) -> int | None:
    """The status of a writer, if it has ended."""
    pid, status = os.waitpid(request["wait"], 0 if request["block"] else os.WNOHANG)
    return status if pid else None


def forked(request: dict[str, Any]) -> int:
    """The process id of a new writer."""
    if pid := os.fork():
        return pid
    try:
        become_writer(request)
    finally:
        os._exit(1)


def become_writer(request: dict[str, Any]) -> None:
    """Run a writer with its own log and disk, to its end."""
    library = ctypes.CDLL(None)
    library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for target, source in enumerate((nothing, nothing, log)):
        os.dup2(source, target)
    root, control, journal = request["disk"]
    os.environ |= {"FAULTY_DISK": root, "FAULTY_DISK_CONTROL": control}
    os.environ["FAULTY_DISK_JOURNAL"] = journal
    library.disk_begin(root.encode(), control.encode(), journal.encode())
    sys.argv = ["nova", "core", "writer", "--data", request["data"]]
    status = 0
    try:
        entry.main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    os._exit(status)


if __name__ == "__main__":
    serve()
