"""A service that runs without `nova up` has a log file too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.cli.own_logs import service_of
from nova.testkit.running_nova import PASSWORD

WAIT_S = 60


@contextmanager
def edge(
    data: Path, log_file: Path, *options: str, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """An edge without a reader."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nova.cli"),
            *("edge", "--data", str(data)),
            "--listen",
            ":0",
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "NOVA_LOG_FILE": str(log_file),
            "NOVA_ADMIN_PASSWORD": PASSWORD,
            **variables,
        },
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def lines_of(path: Path) -> list[dict[str, object]]:
    """The lines of a log, each of which is one JSON object with what all have."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    for line in lines:
        assert {"time", "level", "process", "logger", "message"} <= line.keys()
    return lines


def test_an_edge_logs_to_a_file_of_its_own_until_it_crashes(tmp_path: Path) -> None:
    """The dump of the crash is a line too; a second process may not write the same file, and the
    place of the process in the name keeps them apart.
    """
    log_file = tmp_path / "logs" / "{process}.log"
    with edge(tmp_path / "data", log_file, NOVA_LOG_LEVEL="debug") as process:
        assert process.stdout is not None and process.stderr is not None
        assert json.loads(process.stdout.readline())["ready"] == "edge"
        with edge(tmp_path / "other", tmp_path / "logs" / "edge.log") as second:
            _, said = second.communicate(timeout=WAIT_S)
        assert second.returncode == 1 and b"another process writes" in said
        process.send_signal(signal.SIGSEGV)
        assert process.wait(WAIT_S) == -signal.SIGSEGV
        assert process.stderr.read() == b"", "it ends when the log is written"
    lines = lines_of(tmp_path / "logs" / "edge.log")
    assert {line["process"] for line in lines} == {"edge"}
    (crash,) = [line for line in lines if line["logger"] == "stderr"]
    assert "Segmentation fault" in str(crash["message"])
    assert len(lines) > 1


def test_an_error_before_logs_are_configured_is_a_line_too(tmp_path: Path) -> None:
    """What concerns the log itself is said on stderr."""
    log_file = tmp_path / "edge.log"
    with edge(tmp_path / "data", log_file, "--listen", "nowhere") as process:
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1 and said == b""
    assert "'nowhere' is not HOST:PORT" in str(lines_of(log_file)[-1]["message"])
    with edge(tmp_path / "data", log_file, NOVA_LOG_LEVEL="loud") as process:
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1 and b"is not debug, info, warning or error" in said


@pytest.mark.parametrize(
    ("arguments", "process"),
    [
        ("core writer --data d", "writer"),
        ("core reader", "reader"),
        ("edge --data d", "edge"),
        ("hardware --config c", "hardware"),
        ("edge --help", None),
        ("core check-worker --data d", None),
        ("up", None),
        ("query", None),
        ("", None),
    ],
)
def test_services_have_own_logs_and_commands_for_people_none(
    arguments: str, process: str | None
) -> None:
    """`nova up` collects those of all its processes."""
    assert service_of(arguments.split()) == process
