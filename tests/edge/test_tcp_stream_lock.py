"""One edge of an archive serves its streams; the others know which."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nova.edge.tcp_stream_lock import TcpStreamLock, lock_holder

HOLD = """
import sys
from pathlib import Path
from nova.edge.tcp_stream_lock import TcpStreamLock
assert TcpStreamLock(Path(sys.argv[1])).acquire("http://127.0.0.1:1")
print("held", flush=True)
sys.stdin.read()
"""


def test_one_has_it_and_says_who_it_is(tmp_path: Path) -> None:
    first, second = TcpStreamLock(tmp_path), TcpStreamLock(tmp_path)
    assert lock_holder(tmp_path) is None
    assert first.acquire("http://127.0.0.1:8800") and first.acquire("http://127.0.0.1:8800")
    assert not second.acquire("http://127.0.0.1:8801") and not second.is_held
    holder = lock_holder(tmp_path)
    assert holder is not None and str(holder) == f"http://127.0.0.1:8800 (process {os.getpid()})"
    first.release()
    assert lock_holder(tmp_path) is None
    assert second.acquire("http://127.0.0.1:8801") and not first.acquire("http://127.0.0.1:8800")
    second.release()


def test_a_killed_holder_has_it_no_more(tmp_path: Path) -> None:
    """The file still says who it was, which is not believed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        lock = TcpStreamLock(tmp_path)
        holder = lock_holder(tmp_path)
        assert holder is not None and holder.pid == other.pid and not lock.acquire("mine")
        other.kill()
    assert lock_holder(tmp_path) is None and lock.acquire("mine")
    lock.release()
