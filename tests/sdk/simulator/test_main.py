"""The simulated satellite as a process, feeding a real NOVA, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sdk.testing.instance import Nova, nova_command, running_nova


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Nova]:
    """A NOVA for the satellite's scope."""
    with running_nova(tmp_path / "data", "--scope", "demo") as running:
        yield running


def satellite(nova: Nova, *arguments: str) -> subprocess.Popen[bytes]:
    """The simulator's process."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sdk.simulator",
            "--to",
            nova.publish,
            "--scope",
            "demo",
            *arguments,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def ready(process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Its first line; history is stored by then."""
    assert process.stdout is not None
    return msgspec.json.decode(process.stdout.readline(), type=dict[str, str])


@pytest.mark.parametrize("how", ["SIGTERM", "stdin"])
def test_publishes_until_told_to_stop(demo: Nova, how: str) -> None:
    """History is there when it says that it is ready; it ends cleanly, with nothing on stderr."""
    arguments = ["--history", "60"] + (["--exit-with-stdin"] if how == "stdin" else [])
    with satellite(demo, *arguments) as process:
        try:
            assert ready(process)["scope"] == "demo"
            span = ("--from", "2020-01-01T00:00:00Z", "--to", "now", "--types", "Position")
            found = nova_command("query", "--data", str(demo.data), *span, "--json")
            if how == "SIGTERM":
                process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert errors == b""
    assert len(found.stdout.splitlines()) >= 12


def test_transport_that_is_none_is_one_line() -> None:
    """An unknown scheme ends it at once, with the schemes that there are."""
    done = subprocess.run(
        [sys.executable, "-m", "sdk.simulator", "--to", "carrier-pigeon://x", "--scope", "s"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert b"kafka, local" in done.stderr
    assert b"Traceback" not in done.stderr
