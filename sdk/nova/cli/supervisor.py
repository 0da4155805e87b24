"""Supervises NOVA's processes: starts them in order, restarts them, stops them in reverse order.

NOVA is ready when every awaited child is. The others, which keep derived data, start beside them;
one that fails is logged and restarted while NOVA serves.

Children hold the other end of a pipe on stdin and exit when it closes. They also know this
process's id, with which the kernel kills them (`nova.sdk.lifecycle`). So no child outlives this
process, however it ends and whatever the child is doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from nova.sdk.archive_id import FOLDER_VARIABLE
from nova.sdk.errors import NovaError
from nova.sdk.lifecycle import SUPERVISOR_VARIABLE
from nova.sdk.worker_process import end_process, module_command

READY_TIMEOUT_S = 60.0
"""A child that reports neither readiness nor progress for this long has failed."""

STOP_TIMEOUT_S = 15.0
SHARED_FACTS = {"archive": "NOVA_ARCHIVE", "folder": FOLDER_VARIABLE}
"""Facts that a ready child reports, and the variables that pass them to children started later: a
restarted child then refuses an empty folder or a copy of the archive.
"""

RESTART_DELAY_S = 0.5
RESTART_DELAY_MAX_S = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ChildProcess:
    """One process of the instance; `facts` is its ready line. NOVA is not ready before an awaited
    one is.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_awaited: bool = True
    ready_timeout_s: float = READY_TIMEOUT_S
    starting: asyncio.Task[None] | None = None
    process: asyncio.subprocess.Process | None = None
    facts: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    output_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and wait for its ready line; raises NovaError."""
        self.process = await asyncio.create_subprocess_exec(
            *module_command(*self.arguments, "--exit-with-stdin"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment, SUPERVISOR_VARIABLE: str(os.getpid())},
            start_new_session=True,  # Ctrl-C goes to the supervisor, which stops them in order.
        )
        assert self.process.stdout is not None
        facts = await self._read_report(self.process, self.process.stdout)
        while "ready" not in facts:
            log.info("not ready yet", extra={"context": {"child": self.name, **facts}})
            facts = await self._read_report(self.process, self.process.stdout)
        self.facts = facts
        self.output_task = asyncio.create_task(self._forward_output(self.process.stdout))

    async def _read_report(
        self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader
    ) -> dict[str, str]:
        """Read its next line, which reports progress or readiness; raises NovaError."""
        try:
            async with asyncio.timeout(self.ready_timeout_s):
                line = await stdout.readline()
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

    async def _forward_output(self, stdout: asyncio.StreamReader) -> None:
        async for line in stdout:
            sys.stderr.buffer.write(line)

    async def stop(self) -> None:
        """Send SIGTERM, then SIGKILL after STOP_TIMEOUT_S."""
        if self.starting is not None:
            self.starting.cancel()
            await asyncio.wait((self.starting,))
            self.starting = None
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        if await end_process(self.process, STOP_TIMEOUT_S):
            log.error("killed", extra={"context": {"child": self.name}})


class Supervisor:
    """The processes of one instance."""

    def __init__(self, children: Sequence[ChildProcess]) -> None:
        self.children = list(children)

    async def start(self) -> None:
        """Start all in order; if an awaited one fails, stop those already started."""
        try:
            for child in self.children:
                if child.is_awaited:
                    await child.start()
                    self._share(child.facts)
                else:
                    child.starting = asyncio.create_task(child.start())
        except BaseException:
            await self.stop()
            raise

    def _share(self, facts: Mapping[str, str]) -> None:
        shared = {SHARED_FACTS[name]: facts[name] for name in SHARED_FACTS.keys() & facts.keys()}
        for child in self.children:
            child.environment = {**child.environment, **shared}

    async def watch(self, stop: asyncio.Event) -> None:
        """Restart children that exit, until `stop` is set."""
        watching = [asyncio.create_task(self._keep_running(child)) for child in self.children]
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopped, *watching], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in [stopped, *watching]:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, NovaError):
                    await task

    async def _keep_running(self, child: ChildProcess) -> None:
        """Restart a child whenever it exits, with growing pauses while its start fails."""
        pause_s = RESTART_DELAY_S
        is_ready = child.starting is None or await _succeeds(child, child.starting)
        while True:
            if is_ready:
                assert child.process is not None
                code = await child.process.wait()
                log.error("restarting", extra={"context": {"child": child.name, "status": code}})
            child.restarts += 1
            await asyncio.sleep(pause_s)
            is_ready = await _succeeds(child, child.start())
            pause_s = RESTART_DELAY_S if is_ready else min(pause_s * 2, RESTART_DELAY_MAX_S)

    async def stop(self) -> None:
        """Stop all, in reverse order of their start."""
        for child in reversed(self.children):
            await child.stop()


async def _succeeds(child: ChildProcess, start: Awaitable[None]) -> bool:
    """Whether a start succeeds; a child whose start fails is stopped."""
    try:
        await start
    except NovaError as error:
        log.error(str(error))
        await child.stop()  # It may be alive and never get ready.
        return False
    return True
