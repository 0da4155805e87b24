"""Derives definitions over history, one after the other, and delivers what they make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.derive_process import publish_url
from nova.core.derivation.formula_process import FormulaProcesses
from nova.core.derivation.history_run import PIECE_EVENTS, Deliver, HistoryRun, HistorySpan
from nova.core.derivation.history_state import HistoryState, HistoryStateFile
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.stored_field import current_samples
from nova.core.scratch import scratch_folder
from nova.core.store.durability_marker import read_marker
from nova.core.store.sample_store import SampleStore
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import endpoints, timestamps
from nova.sdk.client.client import Client
from nova.sdk.errors import ConnectionLostError, NovaError
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Record, connect

MEMORY_BYTES = 128 * 1024 * 1024
PUBLISH_DEADLINE_S = 60.0
PUBLISHES = 4
"""Publishes at a time: each waits until its records are durable."""

Report = Callable[[int, int, int], None]
"""Called with the events passed, their estimated total, and the events derived."""


class HistorySummary(msgspec.Struct, rename="camel", kw_only=True):
    """What one definition made over a range."""

    definition: str
    inputs: int
    outputs: int
    failures: int
    refused: int
    reads_columns: bool


class HistoryFailure(NamedTuple):
    """A definition that could not be derived to the end, and why."""

    definition: str
    reason: str


class HistoryResult(NamedTuple):
    """What the definitions of a request made, and which failed."""

    summaries: list[HistorySummary]
    failures: list[HistoryFailure]


class HistoryRequest(NamedTuple):
    """What is derived, and where to: a file, nowhere (`is_dry`), or the running instance."""

    definitions: Sequence[Definition]
    start_ns: int
    stop_ns: int
    out: Path | None = None
    is_dry: bool = False
    is_restarted: bool = False


class HistoryJob:
    """Derivations over history of one archive."""

    def __init__(
        self,
        settings: Settings,
        snapshot: ArchiveSnapshot,
        scratch: Path,
        piece_events: int = PIECE_EVENTS,
    ) -> None:
        self._piece_events = piece_events
        self._settings = settings
        self._data = settings.data_folder()
        self.snapshot = snapshot
        self._samples = DerivedReader(SampleStore, self._data, scratch / "samples")
        self._processes = FormulaProcesses()
        self._refused = 0

    async def close(self) -> None:
        self._samples.close()
        await self._processes.close()

    async def run(self, request: HistoryRequest, report: Report) -> HistoryResult:
        """Derive each definition, in their order; one whose formula cannot be loaded or exceeds a
        limit is a failure, and the others go on. Raises NovaError of what concerns all. The same
        request resumes what was interrupted or has failed.
        """
        result = HistoryResult([], [])
        async with self._delivery(request) as deliver:
            for one in request.definitions:
                try:
                    result.summaries.append(await self._run(one, request, deliver, report))
                except FormulaError as error:
                    result.failures.append(HistoryFailure(one.name, str(error)))
        return result

    async def _run(
        self, definition: Definition, request: HistoryRequest, deliver: Deliver, report: Report
    ) -> HistorySummary:
        """What earlier definitions have made is among the inputs."""
        bounds = request.start_ns, request.stop_ns
        file = HistoryStateFile(self._data, definition, bounds)
        is_kept = not request.is_dry and request.out is None
        state = file.read() if is_kept and not request.is_restarted else None
        if state is None:
            watermark = await durable_watermark(self._data, self.snapshot)
            state = HistoryState(
                definition=definition.name,
                start_ns=request.start_ns,
                stop_ns=request.stop_ns,
                watermark=watermark,
                next_ns=request.start_ns,
            )
        self.snapshot.advance(state.watermark)
        self.snapshot.refresh()
        run = self._prepared(definition, state.span)
        refused = self._refused
        async for step in run.run(deliver):
            state.next_ns = step.next_ns
            state.inputs += step.derived.events
            state.outputs += len(step.derived.records)
            state.failures += step.derived.failures
            if is_kept:
                file.write(state)
            report(step.passed, step.total, state.inputs)
        file.remove()
        return HistorySummary(
            definition=definition.name,
            inputs=state.inputs,
            outputs=state.outputs,
            failures=state.failures,
            refused=self._refused - refused,
            reads_columns=run.reads_columns,
        )

    def _prepared(self, definition: Definition, span: HistorySpan) -> HistoryRun:
        samples = current_samples(self._samples, self.snapshot)
        process = self._processes.process_of(definition)
        return HistoryRun(definition, self.snapshot, samples, process, span, self._piece_events)

    @asynccontextmanager
    async def _delivery(self, request: HistoryRequest) -> AsyncIterator[Deliver]:
        if request.is_dry:
            yield _discard
        elif request.out is not None:
            with request.out.open("wb") as file:
                yield _writer_of(file)
        else:
            url = publish_url(self._settings)
            if not self._settings.transports:
                require_running(self._data)
            retry = Retry(deadline_s=PUBLISH_DEADLINE_S)
            async with Producer(connect(url), self._settings.own_scope(), retry=retry) as producer:
                yield self._publisher_of(producer)

    def _publisher_of(self, producer: Producer) -> Deliver:
        async def publish(records: Sequence[Record]) -> None:
            size = max(1, -(-len(records) // PUBLISHES))
            receipts = await asyncio.gather(
                *(producer.publish(records[at : at + size]) for at in range(0, len(records), size))
            )
            self._refused += sum(len(receipt.rejected) for receipt in receipts)

        return publish


async def _discard(_: Sequence[Record]) -> None:
    """A dry run delivers nothing."""


def _writer_of(file: BinaryIO) -> Deliver:
    async def write(records: Sequence[Record]) -> None:
        file.writelines(record.value + b"\n" for record in records)

    return write


def require_running(data: Path) -> None:
    """Raise NovaError unless an instance takes events of local producers."""
    if not endpoints.has_listener(endpoints.writer_socket(data)):
        raise NovaError(
            f"no NOVA runs on {data}, which would take the derived events: start it with `nova "
            "up`, or give --dry-run or --out FILE"
        )


async def durable_watermark(data: Path, snapshot: ArchiveSnapshot) -> int:
    """The canonical time in ns of the last durable event: a running reader knows it, the durability
    marker may lag behind it, and without a writer it is that of the archive's last event.
    """
    try:
        async with await Client.to_core(data, restart_wait_s=0.0) as client:
            durable_time = (await client.status()).durable_time
        return timestamps.parse(durable_time) if durable_time else 0
    except ConnectionLostError:
        marker = read_marker(data)
        marked_ns = marker.canonical_ns if marker else 0
        if endpoints.has_listener(endpoints.writer_socket(data)):
            return marked_ns
        snapshot.archive.catch_up(marked_ns)
        return snapshot.archive.record.last_canonical_ns()


@asynccontextmanager
async def open_history(
    settings: Settings, piece_events: int = PIECE_EVENTS
) -> AsyncIterator[HistoryJob]:
    """A job with its archive snapshot, whether NOVA runs or not."""
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder("history"))
        opening = open_secondary_archive(settings.data_folder(), scratch, MEMORY_BYTES)
        snapshot = ArchiveSnapshot(stack.enter_context(opening))
        job = HistoryJob(settings, snapshot, scratch, piece_events)
        stack.push_async_callback(job.close)
        yield job
