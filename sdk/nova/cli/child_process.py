"""One process of an instance, as its supervisor has it: it starts it, reads what it reports, and
ends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from asyncio import FIRST_COMPLETED
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from nova.cli.child_monitor import ChildMonitor
from nova.cli.forked_process import ForkedProcess, RunningProcess
from nova.cli.log_collector import LogCollector
from nova.cli.standby import StandbyProcess
from nova.sdk.errors import NovaError
from nova.sdk.lifecycle import SUPERVISOR_VARIABLE
from nova.sdk.log_format import SOURCE_MEMBER
from nova.sdk.log_handler import STDERR
from nova.sdk.worker_process import end_process, module_command

READY_TIMEOUT_S = 60.0
"""A child that reports neither readiness nor progress for this long has failed."""

STOP_TIMEOUT_S = 15.0
"""Time for a child whose start has failed to end."""

CUT_TIMEOUT_S = 5.0
"""Time for a child that is cut to close, before it is killed."""

log = logging.getLogger(__name__)
printed = logging.getLogger("stdout")


@dataclass(slots=True)
class ChildProcess:
    """One process of the instance; `facts` is its ready line. NOVA is not ready before an awaited
    one is. One that `reports_health` gets the states of all, one that `stops_last` serves the
    others while they finish their work, one that `needs` a file is not started before it is there.
    The first start is by `standby` if there is one.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_awaited: bool = True
    reports_health: bool = False
    stops_last: bool = False
    needs: Path | None = None
    ready_timeout_s: float = READY_TIMEOUT_S
    starting: asyncio.Task[None] | None = None
    standby: StandbyProcess | None = None
    process: RunningProcess | None = None
    facts: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    has_hung: bool = False
    """Whether its process was killed because it hung."""

    monitor: ChildMonitor | None = None
    output_task: asyncio.Task[None] | None = None
    logs: LogCollector | None = None

    @property
    def is_needed(self) -> bool:
        """Whether it has what it needs."""
        return self.needs is None or self.needs.exists()

    async def start(self) -> None:
        """Start the process and wait for its ready line; raises NovaError."""
        self.monitor = None  # That of the process before.
        no_channel = contextlib.nullcontext()
        with no_channel if self.logs is None else self.logs.channel(self.name) as stderr:
            self.process = await self._start_process(stderr)
        stdout = self.process.stdout
        assert stdout is not None
        self.monitor = monitor = ChildMonitor(self.process.pid, is_starting=True)
        while "ready" not in (facts := await self._read_report(self.process, stdout, monitor)):
            log.info("not ready yet", extra={"context": {"child": self.name, **facts}})
        self.facts = facts
        monitor.is_starting = False
        self.output_task = asyncio.create_task(self._forward_output(stdout, monitor))

    async def _start_process(self, stderr: int | None) -> RunningProcess:
        environment = {**os.environ, **self.environment, SUPERVISOR_VARIABLE: str(os.getpid())}
        arguments = (*self.arguments, "--exit-with-stdin")
        standby, self.standby = self.standby, None
        if standby is not None:
            error_output = STDERR if stderr is None else stderr
            with contextlib.suppress(OSError):  # It was killed meanwhile.
                return await ForkedProcess.start(standby, arguments[1:], environment, error_output)
        return await asyncio.create_subprocess_exec(
            *module_command(*arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment,
            start_new_session=True,  # Ctrl-C goes to the supervisor, which stops them in order.
        )

    async def _read_report(
        self, process: RunningProcess, stdout: asyncio.StreamReader, monitor: ChildMonitor
    ) -> dict[str, str]:
        """Read its next line but heartbeats, which reports progress or readiness; raises
        NovaError.
        """
        try:
            async with asyncio.timeout(self.ready_timeout_s):
                while monitor.receive(line := await stdout.readline()):
                    pass
        except TimeoutError:
            raise NovaError(
                f"{self.name} reported neither readiness nor progress for "
                f"{self.ready_timeout_s:.0f} s"
            ) from None
        if not line:
            code = await process.wait()
            raise NovaError(
                f"{self.name} exited with status {code} before it was ready; see its log above"
            )
        return msgspec.json.decode(line, type=dict[str, str])

    async def _forward_output(self, stdout: asyncio.StreamReader, monitor: ChildMonitor) -> None:
        async for line in stdout:
            if not monitor.receive(line):
                text = line.decode("utf-8", "replace").rstrip()
                printed.info("%s", text, extra={SOURCE_MEMBER: self.name})

    def write_line(self, line: bytes) -> None:
        """Write a line to its stdin, unless it has ended."""
        if self.process is None or self.process.returncode is not None:
            return
        stdin = self.process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(line)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def stop(self, cut: asyncio.Event | None = None, drain_s: float = STOP_TIMEOUT_S) -> None:
        """Send SIGTERM and wait while the child finishes its work, for `drain_s` or until `cut`;
        then cut it, and after CUT_TIMEOUT_S kill it.
        """
        if self.starting is not None:
            self.starting.cancel()
            await asyncio.wait((self.starting,))
            self.starting = None
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        ending = asyncio.ensure_future(self.process.wait())
        cutting = asyncio.ensure_future((cut or asyncio.Event()).wait())
        await asyncio.wait((ending, cutting), timeout=drain_s, return_when=FIRST_COMPLETED)
        cutting.cancel()
        self._close_stdin()  # By which it is cut.
        if await end_process(self.process, CUT_TIMEOUT_S):
            log.error("killed", extra={"context": {"child": self.name}})
        await ending

    def _close_stdin(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
