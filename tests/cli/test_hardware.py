"""`nova hardware`: its description of a configuration, and its exit."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.testkit.running_nova import nova_command

CONFIG = """
scope = "sat1"
transports = ["local:///nowhere/nova"]
data = "{folder}"
[devices.satellite]
type = "simulator"
[devices.gps]
type = "line"
source = "tcp://127.0.0.1:2947"
commands = {{ "gps.restart" = "$PMTK101*32" }}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good configuration."""
    path = tmp_path / "hardware.toml"
    path.write_text(CONFIG.format(folder=tmp_path / "data"))
    return path


def test_help_teaches() -> None:
    """A configuration and the way on stand in it."""
    done = nova_command("hardware", "--help")
    assert done.returncode == 0
    for words in (b"[devices.gps]", b"--check", b"docs/hardware.md"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("processes", "words"),
    [("one", "all devices in one process"), ("device", "each device in a process of its own")],
)
def test_check_says_what_would_run(path: Path, processes: str, words: str) -> None:
    """Each device with its entities and capabilities, and nothing is connected to."""
    path.write_text(f'processes = "{processes}"\n{path.read_text()}')
    done = nova_command("hardware", "--config", str(path), "--check")
    assert (done.returncode, done.stderr) == (0, b"")
    said = done.stdout.decode()
    assert words in said
    assert "scope sat1, to local:///nowhere/nova" in said
    assert "  sat/thermal/temperature: telemetry:Temperatures, command:heater.set" in said
    assert "  hardware/device/gps: telemetry:lines, command:gps.restart" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to", "pigeon://x"], b"no transport for 'pigeon://x'"),
        (["--scope", "two words"], b"scope 'two words' is not"),
        (["--config", "/does/not/exist"], b"does not exist"),
    ],
)
def test_what_is_wrong_is_one_line(path: Path, arguments: list[str], words: bytes) -> None:
    """Without a traceback, and with an exit status that says so."""
    done = nova_command("hardware", "--config", str(path), *arguments)
    assert done.returncode != 0
    assert words in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_device_that_is_wrong_is_one_line(path: Path) -> None:
    """Named with its member."""
    path.write_text(path.read_text().replace("tcp://127.0.0.1:2947", "smoke://signal"))
    done = nova_command("hardware", "--config", str(path))
    assert done.returncode != 0
    assert b"devices.gps: 'smoke://signal' does not start with one of tcp://" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_written_is_one_line(path: Path, tmp_path: Path) -> None:
    """It names the folder, the reason and the way out."""
    (tmp_path / "file").write_text("")
    done = nova_command("hardware", "--config", str(path), "--data", str(tmp_path / "file/data"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    for words in (b"cannot write to", b"file/data", b"Not a directory", b"--data"):
        assert words in done.stderr
