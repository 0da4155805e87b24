"""The processes of formulas, seen from the one that derives.

Expressions share a process, each function has one of its own. A process that exceeds the time of
an evaluation is killed; the next evaluation starts another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_rules import Fault
from nova.core.derivation.derivation_errors import EvaluationLimitError, FormulaError
from nova.core.derivation.formula_messages import (
    REPLIES,
    REQUESTS,
    CheckRequest,
    Evaluated,
    EvaluateRequest,
    FormulaChecked,
    FormulaFailure,
    FormulaReply,
    FormulaRequest,
    InputCells,
    LoadRequest,
)
from nova.core.derivation.input_columns import InputColumn
from nova.core.store.column import Mask
from nova.sdk.channel import ChannelError
from nova.sdk.worker_process import WorkerProcess

EXPRESSIONS = "expressions"


class EvaluationLimits(NamedTuple):
    """What one evaluation may take."""

    time_s: float = 10.0
    """Time for the rows of one request, which are thousands at most."""

    start_s: float = 60.0
    """Time to start the process and load the formula."""

    memory_mib: int = 1_024


EVALUATION_LIMITS = EvaluationLimits()


class FormulaProcess:
    """One process, which is started when it is needed."""

    def __init__(self, name: str, limits: EvaluationLimits = EVALUATION_LIMITS) -> None:
        self._name = name
        self._limits = limits
        self._worker: WorkerProcess[FormulaReply] | None = None
        self._loaded: set[str] = set()
        self._lock = asyncio.Lock()

    async def evaluate(
        self, definition: Definition, inputs: Mapping[str, InputCells], rows: int
    ) -> Evaluated:
        """The output for rows; raises FormulaError, and EvaluationLimitError if a limit is
        exceeded.
        """
        async with self._lock:
            try:
                await self._load(definition)
                request = EvaluateRequest(name=definition.name, rows=rows, inputs=dict(inputs))
                reply = await self._request(request, self._limits.time_s)
            except ChannelError as error:
                await self._kill()
                raise EvaluationLimitError(f"its process ended: {error}") from None
            except asyncio.CancelledError:
                await self._kill()
                raise
        if not isinstance(reply, Evaluated):
            raise FormulaError(f"{self._name} sent {type(reply).__name__}, not Evaluated")
        return reply

    async def check(self, definition: Definition) -> list[Fault]:
        """The faults of a definition's formula, which is tried within the limits."""
        member = "expression" if definition.expression is not None else "function"
        try:
            await self._start()
            request = CheckRequest(definition=definition)
            await self._request(request, self._limits.start_s)
            reply = await self._receive(self._limits.time_s)
        except ChannelError as error:
            await self._kill()
            rule = f"its process ended: {error}"
            return [Fault(member, "crash", rule, "Correct what ends the process")]
        except FormulaError as error:
            remedy = "Correct what does not end or grows, or make it faster"
            return [Fault(member, "limit", str(error), remedy)]
        assert isinstance(reply, FormulaChecked)
        return reply.faults

    async def _start(self) -> WorkerProcess[FormulaReply]:
        if self._worker is None:
            memory = str(self._limits.memory_mib)
            arguments = ["nova.cli", "core", "formula-worker", "--memory-mib", memory]
            self._loaded.clear()
            self._worker = await WorkerProcess.start(self._name, arguments, REPLIES)
        return self._worker

    async def _load(self, definition: Definition) -> None:
        await self._start()
        if definition.name not in self._loaded:
            await self._request(LoadRequest(definition=definition), self._limits.start_s)
            self._loaded.add(definition.name)

    async def _request(self, request: FormulaRequest, time_s: float) -> FormulaReply:
        assert self._worker is not None
        self._worker.send(REQUESTS.encode(request))
        return await self._receive(time_s)

    async def _receive(self, time_s: float) -> FormulaReply:
        """The next reply; raises FormulaError, and EvaluationLimitError after `time_s`."""
        assert self._worker is not None
        try:
            async with asyncio.timeout(time_s):
                reply = await self._worker.receive()
        except TimeoutError:
            await self._kill()
            raise EvaluationLimitError(f"it took longer than {time_s:g} s and was ended") from None
        if isinstance(reply, FormulaFailure):
            await self._kill()
            raise (EvaluationLimitError if reply.is_limit else FormulaError)(reply.reason)
        return reply

    async def _kill(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.kill()

    async def close(self) -> None:
        """End the process."""
        await self._kill()


class FormulaProcesses:
    """The processes of all formulas, by what they run."""

    def __init__(self, limits: EvaluationLimits = EVALUATION_LIMITS) -> None:
        self._limits = limits
        self._processes: dict[str, FormulaProcess] = {}

    def process_of(self, definition: Definition) -> FormulaProcess:
        """The process that evaluates a definition."""
        key = EXPRESSIONS if definition.expression is not None else definition.name
        found = self._processes.get(key)
        if found is None:
            found = self._processes[key] = FormulaProcess(key, self._limits)
        return found

    async def close(self) -> None:
        for process in self._processes.values():
            await process.close()


def input_cells(
    definition: Definition,
    columns: Mapping[str, InputColumn],
    texts: Mapping[str, list[str]],
    chosen: Mask,
) -> dict[str, InputCells]:
    """The values of chosen rows as they are sent; `texts` of text inputs by number."""
    cells: dict[str, InputCells] = {}
    for name, spec in definition.inputs.items():
        column = columns[name]
        if column.windows is not None:
            places = np.flatnonzero(chosen).tolist()
            cells[name] = InputCells(windows=[column.windows[place] for place in places])
        elif spec.kind == "text":
            numbers = column.values[chosen].astype(np.int64).tolist()
            cells[name] = InputCells(texts=[texts[name][number] for number in numbers])
        else:
            is_boolean = spec.kind == "boolean" and not spec.is_window
            values = column.values[chosen].tobytes()
            cells[name] = InputCells(numbers=values, is_boolean=is_boolean)
    return cells
