"""Reports an instance to its service manager: starting, ready, stopping, and a watchdog that is fed
while all processes that it needs are healthy.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from nova.cli.instance_health import InstanceHealth, InstanceState
from nova.cli.service_manager import ServiceManager

REPORT_INTERVAL_S = 10.0
WATCHDOG_PARTS = 3
"""How often the watchdog is fed within its time."""

START_EXTENSION_S = 60
"""How much longer the manager is asked to wait, at each report of a start. A start that makes no
progress ends by itself.
"""

STATE_VARIABLES: Mapping[InstanceState, Mapping[str, int]] = {
    "ready": {"READY": 1},
    "stopping": {"STOPPING": 1},
}


class ServiceReporter:
    """Sends the states of an instance, when they change and periodically."""

    def __init__(self, health: InstanceHealth, manager: ServiceManager) -> None:
        self._health = health
        self._manager = manager
        self._said_state: InstanceState = "starting"
        self._said_status = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Report from now on, if there is a manager."""
        if self._manager.is_there:
            self._health.subscribe(self._report_change)
            self._report_change()
            work = self._report_periodically(), self._extend_start()
            self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        """End; the last state remains."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _report_change(self) -> None:
        """Report what the manager does not know; what it does not receive is sent again later."""
        status = self._status()
        if status != self._said_status and self._manager.notify(STATUS=status):
            self._said_status = status
        state = self._health.state
        if state != self._said_state and self._manager.notify(**STATE_VARIABLES[state]):
            self._said_state = state

    async def _report_periodically(self) -> None:
        watchdog_s = self._manager.watchdog_s
        interval_s = REPORT_INTERVAL_S if watchdog_s is None else watchdog_s / WATCHDOG_PARTS
        while True:
            await asyncio.sleep(min(interval_s, REPORT_INTERVAL_S))
            self._report_change()
            if watchdog_s is not None and self._health.state == "ready" and self._health.is_healthy:
                self._manager.notify(WATCHDOG=1)

    async def _extend_start(self) -> None:
        while self._health.state == "starting":
            self._manager.notify(EXTEND_TIMEOUT_USEC=START_EXTENSION_S * 1_000_000)
            await asyncio.sleep(REPORT_INTERVAL_S)

    def _status(self) -> str:
        """One line for `systemctl status`: the state, and the processes that are not ready."""
        others = [f"{one.name} {one.state}" for one in self._health.processes()]
        faulty = [text for text in others if not text.endswith(" ready")]
        return f"{self._health.state}: {', '.join(faulty)}" if faulty else self._health.state
