"""`nova up` as a service with a watchdog: the manager knows how it is."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from nova.testkit.running_nova import running_nova
from tests.cli.notify_socket import NotifySocket

WAIT_S = 60.0
WATCHDOG_S = 0.6
FED = "WATCHDOG=1"


def test_the_watchdog_is_fed_while_all_processes_are_healthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that hangs is named in the status, and no longer fed for; the end is announced."""
    manager = NotifySocket()
    monkeypatch.setenv("NOTIFY_SOCKET", manager.variable)
    monkeypatch.setenv("WATCHDOG_USEC", str(round(WATCHDOG_S * 1e6)))
    with closing(manager), running_nova(tmp_path / "data", "--scope", "sat") as nova:
        start = manager.until("READY=1", WAIT_S)
        assert FED not in start and any("EXTEND_TIMEOUT_USEC=" in line for line in start)
        assert any(line.startswith("STATUS=starting: ") for line in start)
        manager.until(FED, WAIT_S)
        reader = nova.child("reader")
        os.kill(reader, signal.SIGSTOP)
        manager.until("reader hung", WAIT_S)
        with pytest.raises(TimeoutError):
            manager.until(FED, 3 * WATCHDOG_S)
        os.kill(reader, signal.SIGCONT)
        manager.until(FED, WAIT_S)
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{reader}/environ").read_bytes()
        nova.process.send_signal(signal.SIGTERM)
        manager.until("STOPPING=1", WAIT_S)
