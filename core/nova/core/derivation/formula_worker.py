"""The process of formulas, in which users' functions run: it may hang, grow or crash, and nothing
but itself is lost.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import msgspec
import numpy as np

from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.formula import Cells, Formula, load_formula, sent_text
from nova.core.derivation.formula_check import formula_faults
from nova.core.derivation.formula_messages import (
    REQUESTS,
    CheckRequest,
    Evaluated,
    FormulaChecked,
    FormulaFailure,
    FormulaLoaded,
    FormulaReply,
    FormulaRequest,
    InputCells,
    LoadRequest,
)
from nova.core.store.column_codec import Numbers
from nova.sdk import lifecycle
from nova.sdk.worker_channel import WorkerChannel

MIB = 1024 * 1024
EXIT_TIMEOUT_S = 2.0

_encode = msgspec.msgpack.Encoder().encode


def serve(memory_mib: int) -> None:
    """Reply to requests until stdin closes."""
    lifecycle.kill_with_parent()
    limit_memory(memory_mib * MIB)
    channel = WorkerChannel()
    requests = channel.listen(REQUESTS, EXIT_TIMEOUT_S)
    formulas: dict[str, Formula] = {}
    while (request := requests.get()) is not None:
        try:
            if isinstance(request, CheckRequest):
                channel.send(_encode(FormulaLoaded()))
            reply = _reply(formulas, request)
        except FormulaError as error:
            reply = FormulaFailure(reason=sent_text(str(error)))
        except MemoryError:
            reply = FormulaFailure(reason=f"it needs more than {memory_mib} MiB", is_limit=True)
        channel.send(_encode(reply))


def limit_memory(more_bytes: int) -> None:
    """Limit the address space of this process to `more_bytes` beyond what it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _reply(formulas: dict[str, Formula], request: FormulaRequest) -> FormulaReply:
    if isinstance(request, CheckRequest):
        return FormulaChecked(faults=list(formula_faults(request.definition)))
    if isinstance(request, LoadRequest):
        formulas[request.definition.name] = load_formula(request.definition)
        return FormulaLoaded()
    inputs = {name: cells_of(cells) for name, cells in request.inputs.items()}
    since_s = time.monotonic()
    values, failures, reason = formulas[request.name].evaluate(inputs, request.rows)
    took_s = time.monotonic() - since_s
    return Evaluated(values=values, failures=failures, reason=reason, took_s=took_s)


def cells_of(cells: InputCells) -> Cells:
    """The column of an input as it was sent."""
    if cells.numbers is None:
        return cells.texts or cells.windows or []
    values: Numbers = np.frombuffer(cells.numbers, np.float64)
    return values != 0 if cells.is_boolean else values
