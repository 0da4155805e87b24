"""The state of an instance and of each of its processes, as its supervisor knows it.

Whatever reports it to others (a service manager, a page) subscribes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from nova.sdk.protocol.health import ProcessInfo, ProcessState

InstanceState = Literal["starting", "ready", "stopping"]


class InstanceHealth:
    """`state` is `ready` once every awaited process has been ready, and `stopping` from the first
    signal on.
    """

    def __init__(self, awaited: Iterable[str], others: Iterable[str] = ()) -> None:
        self._awaited = frozenset(awaited)
        self._processes = {name: ProcessInfo(name=name) for name in (*self._awaited, *others)}
        self._subscribers: list[Callable[[], None]] = []
        self.state: InstanceState = "starting"

    @property
    def is_healthy(self) -> bool:
        """Whether every awaited process is ready and answers."""
        return all(self._processes[name].state == "ready" for name in self._awaited)

    def processes(self) -> list[ProcessInfo]:
        """All processes, by name."""
        return [self._processes[name] for name in sorted(self._processes)]

    def state_of(self, name: str) -> ProcessState:
        return self._processes[name].state

    def subscribe(self, on_change: Callable[[], None]) -> None:
        """Call `on_change` after each change."""
        self._subscribers.append(on_change)

    def set_state(self, state: InstanceState) -> None:
        self.state = state
        self._emit()

    def set_process(
        self, name: str, state: ProcessState, *, restarts: int = 0, busy: str | None = None
    ) -> None:
        """Record the state of a process."""
        info = ProcessInfo(name=name, state=state, restarts=restarts, busy=busy)
        if info != self._processes.get(name):
            self._processes[name] = info
            self._emit()

    def _emit(self) -> None:
        for on_change in self._subscribers:
            on_change()
