"""What a service manager receives, at sockets of both kinds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.cli.service_manager import ServiceManager
from tests.cli.notify_socket import NotifySocket


@pytest.fixture(params=["path", "abstract"])
def notified(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NotifySocket]:
    made = NotifySocket(tmp_path / "notify" if request.param == "path" else None)
    yield made
    made.close()


def test_a_notification_is_one_datagram(notified: NotifySocket) -> None:
    """The variables are for this process, and not for those that it starts."""
    environment = {"NOTIFY_SOCKET": notified.variable, "WATCHDOG_USEC": "500000", "HOME": "/"}
    manager = ServiceManager.of_environment(environment)
    assert environment == {"HOME": "/"}
    assert manager.watchdog_s == 0.5
    manager.notify(READY=1, STATUS="ready")
    assert notified.received() == ["READY=1", "STATUS=ready"]


def test_a_watchdog_of_another_process_is_not_fed(notified: NotifySocket) -> None:
    environment = {"NOTIFY_SOCKET": notified.variable, "WATCHDOG_USEC": "500000"}
    own = {**environment, "WATCHDOG_PID": str(os.getpid())}
    assert ServiceManager.of_environment(own).watchdog_s == 0.5
    other = {**environment, "WATCHDOG_PID": "1"}
    assert ServiceManager.of_environment(other).watchdog_s is None
    assert ServiceManager.of_environment({"WATCHDOG_USEC": "500000"}).watchdog_s is None


def test_a_manager_that_is_not_there_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing waits, and the log says so."""
    ServiceManager.of_environment({}).notify(READY=1)
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        ServiceManager(str(tmp_path / "nobody")).notify(READY=1)
        assert not ServiceManager.of_environment({"NOTIFY_SOCKET": "vsock:2:1"}).is_there
    assert len(caplog.records) == 2


def test_a_manager_that_does_not_read_is_not_waited_for(notified: NotifySocket) -> None:
    """Its queue is full after some hundred datagrams."""
    manager = ServiceManager(notified.variable)
    for _ in range(3_000):
        manager.notify(WATCHDOG=1)
    assert set(notified.received()) == {"WATCHDOG=1"}
