"""Running NOVA's processes: started in order, restarted when they die, ended in the reverse order.

Children hold the other end of a pipe on their stdin and end when it closes, and know the id of this
process, with which the kernel ends them (`sdk.lifecycle`): so none outlives it, however it ends and
whatever they are doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from sdk.archive_id import FOLDER_VARIABLE
from sdk.errors import NovaError
from sdk.lifecycle import SUPERVISOR_VARIABLE

READY_TIMEOUT_S = 60.0
"""A child that says nothing for so long, neither that it is ready nor how far it is, has failed."""

STOP_TIMEOUT_S = 15.0
SHARED_FACTS = {"archive": "NOVA_ARCHIVE", "folder": FOLDER_VARIABLE}
"""What a child says of the instance when it is ready, and the variable by which all that are
started from then on are told of it: so no restarted one takes an empty folder or a copy for it.
"""

RESTART_PAUSE_S = 0.5
RESTART_PAUSE_MAX_S = 10.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """One process of the instance; `facts` is what it said when it was ready."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    facts: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    output: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P"),  # never a module of the folder that it is started in
            "-m",
            *self.arguments,
            "--exit-with-stdin",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment, SUPERVISOR_VARIABLE: str(os.getpid())},
            start_new_session=True,  # Ctrl-C is for the supervisor, which ends them in order
        )
        assert self.process.stdout is not None
        said = await self._said(self.process, self.process.stdout)
        while "ready" not in said:
            log.info("not ready yet", extra={"context": {"child": self.name, **said}})
            said = await self._said(self.process, self.process.stdout)
        self.facts = said
        self.output = asyncio.create_task(self._pass_on(self.process.stdout))

    async def _said(
        self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader
    ) -> dict[str, str]:
        """What it says next on its way to being ready."""
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                line = await stdout.readline()
        except TimeoutError:
            raise NovaError(
                f"{self.name} was not ready within {READY_TIMEOUT_S:.0f} s, nor did it say how far "
                "it is"
            ) from None
        if not line:
            code = await process.wait()
            raise NovaError(
                f"{self.name} ended with status {code} before it was ready; see its log above"
            )
        return msgspec.json.decode(line, type=dict[str, str])

    async def _pass_on(self, stdout: asyncio.StreamReader) -> None:
        async for line in stdout:
            sys.stderr.buffer.write(line)

    async def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL if it does not listen."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            log.error("killed", extra={"context": {"child": self.name}})
            self.process.kill()
            await self.process.wait()


class Supervisor:
    """The children of one instance."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = list(children)

    async def start(self) -> None:
        """Start all in order; if one cannot, those before it are ended."""
        try:
            for child in self.children:
                await child.start()
                self._share(child.facts)
        except BaseException:
            await self.stop()
            raise

    def _share(self, facts: Mapping[str, str]) -> None:
        told = {SHARED_FACTS[name]: facts[name] for name in SHARED_FACTS.keys() & facts.keys()}
        for child in self.children:
            child.environment = {**child.environment, **told}

    async def watch(self, stop: asyncio.Event) -> None:
        """Restart what dies until told to stop."""
        watching = [asyncio.create_task(self._keep(child)) for child in self.children]
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

    async def _keep(self, child: Child) -> None:
        """Start a child again each time it ends, more slowly if it keeps ending at once."""
        pause_s = RESTART_PAUSE_S
        while True:
            assert child.process is not None
            code = await child.process.wait()
            child.restarts += 1
            log.error("restarting", extra={"context": {"child": child.name, "status": code}})
            await asyncio.sleep(pause_s)
            try:
                await child.start()
                pause_s = RESTART_PAUSE_S
            except NovaError as error:
                log.error(str(error))
                await child.stop()  # It may be there still, and never get ready.
                pause_s = min(pause_s * 2, RESTART_PAUSE_MAX_S)

    async def stop(self) -> None:
        """End all, the last started first."""
        for child in reversed(self.children):
            await child.stop()
