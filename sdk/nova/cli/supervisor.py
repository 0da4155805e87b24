"""Supervises NOVA's processes: starts them in order, restarts them, stops them in reverse order.

NOVA is ready when every awaited child is. The others, which keep derived data, start beside them;
one that fails is logged and restarted while NOVA serves. A child whose heartbeat is missing hangs:
that is logged, passed to the children that report it, and after a set time the child is killed and
restarted.

Children hold the other end of a pipe on stdin and exit when it closes. They also know this
process's id, with which the kernel kills them (`nova.sdk.lifecycle`). So no child outlives this
process, however it ends and whatever the child is doing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping, Sequence

from nova.cli.child_monitor import ChildMonitor
from nova.cli.child_process import CUT_TIMEOUT_S, ChildProcess
from nova.cli.instance_health import InstanceHealth
from nova.cli.log_collector import LogCollector
from nova.sdk.archive_id import FOLDER_VARIABLE
from nova.sdk.errors import NovaError
from nova.sdk.process_states import encode_line
from nova.sdk.protocol.health import ProcessState
from nova.sdk.settings import DRAIN_S

LAST_DRAIN_MIN_S = 2.0
"""Time for the children that stop last, also when the others have used all of it."""

AWAITED_INTERVAL_S = 2.0
"""How often a stop says whom it waits for."""

SHARED_FACTS = {"archive": "NOVA_ARCHIVE", "folder": FOLDER_VARIABLE}
"""Facts that a ready child reports, and the variables that pass them to children started later: a
restarted child then refuses an empty folder or a copy of the archive.
"""

HUNG_AFTER_S = 3.0
"""A child whose heartbeat has been missing for this long hangs."""

HUNG_RESTART_S = 30.0
CHECK_INTERVAL_S = 0.25
NEEDED_INTERVAL_S = 0.5
"""How often it looks whether a child that needs a file can be started."""

CHECK_COUNTED_MAX_S = 1.0
"""Of the time between two checks, at most this counts as a child's silence: if it was longer, this
process or the whole machine was stopped meanwhile.
"""

RESTART_DELAY_S = 0.5
RESTART_DELAY_MAX_S = 10.0

log = logging.getLogger(__name__)


class Supervisor:
    """The processes of one instance, and their health."""

    def __init__(
        self,
        children: Sequence[ChildProcess],
        *,
        hung_after_s: float = HUNG_AFTER_S,
        hung_restart_s: float = HUNG_RESTART_S,
        logs: LogCollector | None = None,
        drain_s: float = DRAIN_S,
    ) -> None:
        """A hung child is restarted after `hung_restart_s`; never if that is 0. Without a collector
        the children log to this process's stderr.
        """
        self.children = list(children)
        for child in self.children:
            child.logs = logs
        self._hung_after_s = hung_after_s
        self._hung_restart_s = hung_restart_s
        self._drain_s = drain_s
        awaited = [child.name for child in self.children if child.is_awaited]
        others = [one.name for one in self.children if not one.is_awaited and one.is_needed]
        self.health = InstanceHealth(awaited, others)
        self.health.subscribe(self._publish_states)
        self._checking: asyncio.Task[None] | None = None
        self._watching: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start all in order; if an awaited one fails, stop those already started. A child is
        watched from when it is ready, and restarted whenever it exits.
        """
        self._checking = asyncio.create_task(self._check_heartbeats())
        try:
            for child in self.children:
                if child.is_awaited:
                    await self._start_first(child)
                    self._share(child.facts)
                else:
                    child.starting = asyncio.create_task(self._start_needed(child))
                self._watching.append(asyncio.create_task(self._keep_running(child)))
        except BaseException:
            await self._give_up()
            raise
        self.health.set_state("ready")

    async def _give_up(self) -> None:
        """Cut all: of a start that has failed nothing is worth waiting for."""
        cut = asyncio.Event()
        cut.set()
        await self.stop(cut)

    async def _start_first(self, child: ChildProcess) -> None:
        """Start an awaited child, again if it hung or one that it may need was away meanwhile;
        raises NovaError if it fails otherwise.
        """
        needed = [one for one in self.children[: self.children.index(child)] if one.is_awaited]
        pause_s = RESTART_DELAY_S
        while True:
            child.has_hung = False
            restarts = [one.restarts for one in needed]
            try:
                return await self._start(child)
            except NovaError as error:
                are_ready = all(self.health.state_of(one.name) == "ready" for one in needed)
                were_ready = are_ready and restarts == [one.restarts for one in needed]
                if not child.has_hung and were_ready:
                    raise
                log.error(str(error))
            await child.stop()  # It may be alive and never get ready.
            child.restarts += 1
            self._set_state(child, "restarting")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESTART_DELAY_MAX_S)

    async def _start_needed(self, child: ChildProcess) -> None:
        """Start a child once it has what it needs."""
        while not child.is_needed:
            await asyncio.sleep(NEEDED_INTERVAL_S)
        await self._start(child)

    async def _start(self, child: ChildProcess) -> None:
        """Start a child and wait until it is ready; raises NovaError."""
        self._set_state(child, "starting")
        await child.start()
        self._set_state(child, "ready")

    def _set_state(self, child: ChildProcess, state: ProcessState) -> None:
        monitor = child.monitor if state in ("ready", "hung") else None
        busy = None if monitor is None else monitor.busy
        self.health.set_process(child.name, state, restarts=child.restarts, busy=busy)

    def _publish_states(self) -> None:
        line = encode_line(self.health.processes())
        for child in self.children:
            if child.reports_health:
                child.write_line(line)

    def _share(self, facts: Mapping[str, str]) -> None:
        shared = {SHARED_FACTS[name]: facts[name] for name in SHARED_FACTS.keys() & facts.keys()}
        for child in self.children:
            child.environment = {**child.environment, **shared}

    async def _check_heartbeats(self) -> None:
        checked_at = time.monotonic()
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            await asyncio.sleep(0)  # Heartbeats that have arrived meanwhile are read first.
            now = time.monotonic()
            elapsed_s, checked_at = min(now - checked_at, CHECK_COUNTED_MAX_S), now
            for child in self.children:
                if child.monitor is not None:
                    child.monitor.add(elapsed_s)
                    self._check(child, child.monitor)

    def _check(self, child: ChildProcess, monitor: ChildMonitor) -> None:
        """Report a child that hangs, and one that no longer does; kill one that has hung for too
        long.
        """
        state = self.health.state_of(child.name)
        if state not in ("starting", "ready", "hung"):
            return
        working: ProcessState = "starting" if monitor.is_starting else "ready"
        is_hung = monitor.silence_s >= self._hung_after_s
        context = {"child": child.name, "silentS": round(monitor.silence_s, 1)}
        if is_hung and state != "hung":
            log.error("a process hangs: it sends no heartbeat", extra={"context": context})
        elif state == "hung" and not is_hung:
            log.warning("a process that hung continues", extra={"context": context})
        self._set_state(child, "hung" if is_hung else working)
        if 0 < self._hung_restart_s <= monitor.silence_s:
            log.error("killing a process that hangs", extra={"context": context})
            self._set_state(child, "restarting")
            child.has_hung = True
            child.kill()

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set; from then on children are no longer restarted."""
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait(
                [stopped, *self._watching], return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            stopped.cancel()
            await self._end_watching()

    async def _end_watching(self) -> None:
        """From now on no child is restarted."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        self._watching = []

    async def _keep_running(self, child: ChildProcess) -> None:
        """Restart a child whenever it exits, with growing pauses while its start fails."""
        pause_s = RESTART_DELAY_S
        is_ready = child.starting is None or await self._succeeds(child, child.starting)
        while True:
            if is_ready:
                assert child.process is not None
                code = await child.process.wait()
                log.error("restarting", extra={"context": {"child": child.name, "status": code}})
            child.restarts += 1
            self._set_state(child, "restarting")
            await asyncio.sleep(pause_s)
            is_ready = await self._succeeds(child, self._start(child))
            pause_s = RESTART_DELAY_S if is_ready else min(pause_s * 2, RESTART_DELAY_MAX_S)

    async def _succeeds(self, child: ChildProcess, start: Awaitable[None]) -> bool:
        """Whether a start succeeds; a child whose start fails is stopped."""
        try:
            await start
        except NovaError as error:
            log.error(str(error))
            await child.stop()  # It may be alive and never get ready.
            return False
        return True

    async def stop(self, cut: asyncio.Event | None = None) -> None:
        """Let all finish their work within `drain_s` together, or until `cut`, and end; one that
        hangs is killed.
        """
        self.health.set_state("stopping")
        if self._checking is not None:
            self._checking.cancel()
        await self._end_watching()
        deadline = time.monotonic() + self._drain_s
        await self._stop_all([one for one in self.children if not one.stops_last], cut, deadline)
        deadline = max(deadline, time.monotonic() + LAST_DRAIN_MIN_S)
        await self._stop_all([one for one in self.children if one.stops_last], cut, deadline)

    async def _stop_all(
        self, children: Sequence[ChildProcess], cut: asyncio.Event | None, deadline: float
    ) -> None:
        for child in children:
            if child.monitor is not None and self.health.state_of(child.name) == "hung":
                child.kill()
        drain_s = max(0.0, deadline - time.monotonic())
        saying = asyncio.create_task(self._say_whom_it_awaits(children, drain_s + CUT_TIMEOUT_S))
        await asyncio.gather(*(child.stop(cut, drain_s) for child in children))
        saying.cancel()

    async def _say_whom_it_awaits(self, children: Sequence[ChildProcess], max_s: float) -> None:
        """Log who has not ended yet, and how long that may take at most."""
        until = time.monotonic() + max_s
        while True:
            await asyncio.sleep(AWAITED_INTERVAL_S)
            names = [one.name for one in children if one.is_running]
            context = {"children": names, "atMostS": round(max(0.0, until - time.monotonic()), 1)}
            if names:
                log.info("waiting for processes to end", extra={"context": context})
