"""The logs of all processes in one file: whole lines of JSON, whoever writes and is killed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec

from nova.cli.log_collector import LogCollector, collected_logs, open_log_file
from nova.cli.log_file import LogFile
from nova.cli.log_writer import LogWriter
from nova.sdk import logs, settings

CHATTY = """
import logging, os, sys
from nova.sdk import logs
logs.configure(sys.argv[1])
log = logging.getLogger("chatty")
if sys.argv[2] == "endless":
    os.fork() or os.fork()
number = 0
while sys.argv[2] == "endless" or number < int(sys.argv[2]):
    context = {"n": number, "text": "x" * (number * 37 % 20_000)}
    log.debug("line", extra={"context": context})
    number += 1
    if number == 10:
        with open(sys.argv[3], "a") as mark:
            mark.write("ten")
"""
CRASH = """
import ctypes, os, sys
from nova.sdk import logs
logs.configure("crash")
os.write(2, b"a library prints\\nin two lines")
os.write(2, b" and ends late\\n")
ctypes.string_at(0)
"""


def read(path: Path) -> list[dict[str, object]]:
    """The lines of a file; each must be JSON."""
    return [
        msgspec.json.decode(line, type=dict[str, object]) for line in path.read_bytes().splitlines()
    ]


def start(collector: LogCollector, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A program of its own session with a channel as its stderr."""
    with collector.channel(name) as stderr:
        return subprocess.Popen(
            [sys.executable, "-c", *arguments],
            stderr=stderr,
            start_new_session=True,
            env={**os.environ, "NOVA_LOG_LEVEL": "debug"},
        )


def test_processes_that_are_killed_tear_no_line(tmp_path: Path) -> None:
    """Each has children that share its stderr, as workers do. Of a process that ends by itself no
    line is missing.
    """
    path = tmp_path / "logs" / "nova.log"
    logs.configure("up")
    chosen = settings.load(scope="sat1", log_file=str(path), log_file_max_mib=1, log_keep_mib=500)
    with collected_logs(chosen) as collector:
        marks = [tmp_path / name for name in ("k0", "k1", "counted")]
        killed = [
            start(collector, f"k{n}", CHATTY, f"k{n}", "endless", str(marks[n])) for n in range(2)
        ]
        counted = start(collector, "counted", CHATTY, "counted", "150", str(marks[2]))
        assert counted.wait(60) == 0
        for process, mark in zip(killed, marks, strict=False):
            wait_for(mark, b"ten")
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        logging.getLogger("nova.cli").warning("of the supervisor")
    found = read_all(tmp_path / "logs")
    assert [line["n"] for line in found if line["process"] == "counted"] == list(range(150))
    per_process = Counter(str(line["process"]) for line in found)
    assert per_process["k0"] > 9 and per_process["k1"] > 9 and per_process["up"] == 1
    assert {line["message"] for line in found} == {"line", "of the supervisor"}


def read_all(folder: Path) -> list[dict[str, object]]:
    """The lines of all files of a folder; those that are compressed are decompressed in place."""
    for path in sorted(folder.glob("*.gz")):
        subprocess.run(["gzip", "-d", str(path)], check=True)
    return [line for path in sorted(folder.glob("nova.log.*")) for line in read(path)] + read(
        folder / "nova.log"
    )


def test_what_is_no_json_becomes_a_line(tmp_path: Path) -> None:
    """Prints of libraries, and the interpreter's own dump of a crash, in all their lines."""
    path = tmp_path / "nova.log"
    logs.configure("up")
    with collected_logs(settings.load(scope="sat1", log_file=str(path))) as collector:
        crashed = start(collector, "crash", CRASH)
        assert crashed.wait(60) == -signal.SIGSEGV
        start(collector, "typo", "import sys\nraise ValueError('not\\nconfigured')").wait(60)
    found = read(path)
    texts = {str(line["process"]): str(line["message"]) for line in found}
    assert "a library prints\nin two lines and ends late" in texts["crash"]
    assert "Segmentation fault" in texts["crash"] and "ctypes" in texts["crash"]
    assert texts["typo"].startswith("Traceback") and texts["typo"].endswith("not\nconfigured")
    assert {line["level"] for line in found} == {"error"}
    assert len(found) == 2


def test_a_file_that_cannot_be_written_loses_no_line(tmp_path: Path) -> None:
    """Lines go to stderr, which says so once; they are in the file again when that is possible."""
    log = tmp_path / "logs" / "nova.log"
    logs.configure("up")
    with (tmp_path / "stderr").open("wb") as stderr:
        file = open_log_file_at(log)
        writer = LogWriter("up", file, stderr.fileno())
        writer.start()
        writer.put(b'{"n":1}\n')
        wait_for(log, b'{"n":1}\n')
        (log.parent).rename(tmp_path / "away")
        writer.put(b'{"n":2}\n')
        wait_for(tmp_path / "stderr", b'{"n":2}\n')
        (tmp_path / "away").rename(log.parent)
        writer.put(b'{"n":3}\n')
        writer.close()
    assert log.read_bytes() == b'{"n":1}\n{"n":3}\n'
    said = read(tmp_path / "stderr")
    assert said[0]["message"] == "the log file cannot be written; see stderr"
    assert said[1:] == [{"n": 2}]


def open_log_file_at(path: Path) -> LogFile:
    return open_log_file(settings.load(scope="sat1", log_file=str(path)), path)


def wait_for(path: Path, content: bytes) -> None:
    """Wait until a file contains something."""
    while not path.exists() or content not in path.read_bytes():
        time.sleep(0.01)


STUCK = """
import logging, sys, time
from nova.sdk import logs
logs.configure("stuck")
log = logging.getLogger("stuck")
for number in range(1_500):
    log.debug("line %d", number)
print("done", flush=True)
sys.stdin.readline()
log.info("after")
"""


async def test_a_supervisor_that_does_not_read_stops_no_process() -> None:
    """The process works on; once it is read again, the count of lost lines is said."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STUCK),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=theirs.fileno(),
        env={**os.environ, "NOVA_LOG_LEVEL": "debug"},
    )
    theirs.close()
    assert process.stdin is not None and process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"done\n"
    ours.setblocking(False)
    received = []
    try:
        while True:
            received.append(ours.recv(100_000))
    except BlockingIOError:
        process.stdin.write(b"\n")
    await process.wait()
    lost, after = (msgspec.json.decode(ours.recv(100_000)) for _ in range(2))
    assert lost["message"] == "log lines were lost" and after["message"] == "after"
    assert len(received) + lost["lines"] == 1_500
    ours.close()


def test_the_last_words_of_a_process_are_never_lost(tmp_path: Path) -> None:
    """Its last message and its end arrive together: a reader that waited was woken by the end, and
    found nothing, in one of three such processes.
    """
    log = tmp_path / "nova.log"
    logs.configure("up")
    with collected_logs(settings.load(scope="sat1", log_file=str(log))) as collector:
        for number in range(100):
            with collector.channel("brief") as stderr:
                code = f"raise ValueError({number})"
                process = subprocess.Popen([sys.executable, "-S", "-E", "-c", code], stderr=stderr)
            process.wait()
    last = [str(line["message"]).splitlines()[-1] for line in read(log)]
    assert sorted(last) == sorted(f"ValueError: {number}" for number in range(100))
