"""Events on stdout: bytes for programs, a line for people."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

STORED = (
    b'{"eventId":"00","scopeId":"sat","lane":"raw","systemId":"a","containerId":"b","uniqueId":"c",'
    b'"sourceTruthTime":"2026-01-01T00:00:00Z","bytes":"AAEC",'
    b'"canonicalTruthTime":"2026-01-01T00:00:00.000000001Z"}'
)
PROGRAM = f"from nova.cli.event_lines import write_event; write_event({STORED!r}, False)"


def test_a_pipe_gets_the_stored_bytes() -> None:
    """What a script reads is what is stored, to the byte."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    assert done.stdout == STORED + b"\n"


def test_a_terminal_gets_a_summary() -> None:
    """A person sees time, lane, address and the frame in hex."""
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "COLUMNS": "200"}
        subprocess.run([sys.executable, "-c", PROGRAM], stdout=theirs, env=environment, check=True)
        line = os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)
    assert line.startswith(b"2026-01-01T00:00:00Z  raw")
    assert b"sat.a.b.c" in line and b"00 01 02" in line
