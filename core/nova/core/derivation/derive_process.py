"""The process that derives telemetry live: follows the archive as a secondary, and publishes as any
producer does.

No other process depends on it. Formulas run in processes of their own (`formula_process.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from nova.core.definitions.definition import Definition
from nova.core.derivation.derivation_positions import DerivationPositions
from nova.core.derivation.followed_definitions import FollowedDefinitions
from nova.core.derivation.formula_process import (
    EVALUATION_LIMITS,
    EvaluationLimits,
    FormulaProcesses,
)
from nova.core.derivation.live_definition import RETRY_PAUSES, LiveDefinition, RetryPauses
from nova.core.derivation.live_metrics import live_metrics
from nova.core.derivation.live_status import configured_definitions
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.metrics.report import report_metrics
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.query.tail_feed import follow_feed
from nova.core.scratch import scratch_folder
from nova.core.store.durability_marker import read_marker
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.background_task import run_until_first
from nova.sdk.errors import NovaError, SettingsError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record, connect

MEMORY_BYTES = 64 * 1024 * 1024
FEED_WITHIN_NS = 5 * NS_PER_SECOND
"""A process that is further behind reads the archive, and follows no feed."""

POLL_S = 0.1
SAVE_S = 1.0

log = logging.getLogger(__name__)


class LiveDerivations:
    """The definitions of an instance, at work."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        data: Path,
        definitions: Sequence[Definition],
        producer: Producer,
        limits: EvaluationLimits = EVALUATION_LIMITS,
        pauses: RetryPauses = RETRY_PAUSES,
    ) -> None:
        self.tail = CommitTail()
        self.snapshot = snapshot
        self.refused = 0
        """Records that the Core refused."""

        self.processes = FormulaProcesses(limits)
        self._data = data
        self._producer = producer
        self._positions = DerivationPositions(data)
        self._advanced = asyncio.Condition()
        self.live: list[LiveDefinition] = []
        self._advance_snapshot()
        self.live += [
            LiveDefinition(one, snapshot, self.processes.process_of(one), self._start(one), pauses)
            for one in definitions
        ]
        self._positions.save()

    def _start(self, definition: Definition) -> int:
        """Where a definition resumes; one that is new begins with what arrives from now on."""
        position_ns = self._positions.get(definition.name)
        if self._positions.is_changed(definition):
            log.warning(
                "a definition was changed and kept its version: its events look alike",
                extra={"context": {"definition": definition.name}},
            )
        if position_ns is None:
            position_ns = self.snapshot.watermark
            self._positions.advance(definition.name, position_ns)
        return position_ns

    async def run(self) -> None:
        """Derive until cancelled; raises if one of the definitions fails beyond its own limits."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            group.create_task(self._save_again())
            for one in self.live:
                done = partial(self._positions.advance, one.definition.name)
                group.create_task(one.follow(self._advanced, self._publish, done))

    async def _watch(self) -> None:
        while True:
            if self._advance_snapshot():
                async with self._advanced:
                    self._advanced.notify_all()
            await asyncio.sleep(POLL_S)

    def _advance_snapshot(self) -> bool:
        """Advance the snapshot to what is durable; returns whether it has moved."""
        before = self.snapshot.watermark
        marker = read_marker(self._data)
        marked_ns = before if marker is None else marker.canonical_ns
        watermark = max(marked_ns, self.tail.watermark)
        if watermark > before:
            self.snapshot.advance(watermark)
        oldest_ns = min((one.position_ns for one in self.live), default=before)
        self.tail.release(oldest_ns)
        if self.snapshot.watermark - oldest_ns <= FEED_WITHIN_NS:
            self.tail.wanted.set()
        return self.snapshot.watermark > before

    async def _publish(self, records: Sequence[Record]) -> None:
        if not records:
            return
        receipt = await self._producer.publish(records)
        if receipt.rejected:
            self.refused += len(receipt.rejected)
            first = receipt.rejected[0]
            log.error("the Core refused derived values", extra={"context": first._asdict()})

    async def _save_again(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            self.save()

    def save(self) -> None:
        """Make the positions durable. What is published after them is recognised as duplicates."""
        try:
            self._positions.save()
        except (OSError, NovaError) as error:
            log.error("cannot save the positions", extra={"context": {"error": str(error)}})


@asynccontextmanager
async def open_derivations(
    settings: Settings,
    definitions: Sequence[Definition],
    limits: EvaluationLimits = EVALUATION_LIMITS,
    pauses: RetryPauses = RETRY_PAUSES,
) -> AsyncIterator[LiveDerivations]:
    """The live definitions of an instance, with their archive snapshot and their producer."""
    data = settings.data_folder()
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder("derive"))
        archive = stack.enter_context(open_secondary_archive(data, scratch, MEMORY_BYTES))
        transport = connect(publish_url(settings))
        producer = await stack.enter_async_context(Producer(transport, settings.own_scope()))
        live = LiveDerivations(
            ArchiveSnapshot(archive), data, definitions, producer, limits, pauses
        )
        stack.push_async_callback(live.processes.close)
        stack.callback(live.save)
        yield live


def publish_url(settings: Settings) -> str:
    """The URL by which this instance gets events: its first transport."""
    local = f"local://{settings.data_folder().absolute()}"
    return settings.transports[0] if settings.transports else local


async def run_and_report(
    live: LiveDerivations, data: Path, served: ArchiveIdentity, files: FollowedDefinitions
) -> None:
    """Derive until cancelled, and report metrics and the state of each definition."""
    cursors = DerivedCursors()
    for one in live.live:
        cursors.followed[f"derived {one.definition.name}"] = partial(getattr, one, "position_ns")

    def configured() -> list[ConfiguredFiles]:
        return [configured_definitions(live.live, live.snapshot.watermark, files)]

    await asyncio.gather(
        live.run(),
        follow_feed(endpoints.writer_socket(data), live.snapshot, live.tail),
        archive_id.watch(data, served),
        report_metrics(
            "derive",
            data,
            partial(live_metrics, live),
            cursors.reported,
            configured=configured,
        ),
    )


async def derive_by_files(
    settings: Settings,
    files: FollowedDefinitions,
    served: ArchiveIdentity,
    ready: Callable[[LiveDerivations], None],
) -> None:
    """Derive until cancelled, and begin again from the same positions with definitions that have
    changed.
    """
    while True:
        async with open_derivations(settings, files.definitions) as live:
            ready(live)
            await run_until_first(
                run_and_report(live, settings.data_folder(), served, files), files.changed()
            )
        log.info("definitions read again", extra={"context": {"count": len(files.definitions)}})


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Derive live until a stop signal."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.prepare_for_batches()
    data = settings.data_folder()
    if settings.definitions is None:
        raise SettingsError("definitions: name a folder of definitions; see docs/derived.md")
    served = archive_id.require_at_start(data, settings.archive)
    files = FollowedDefinitions(Path(settings.definitions))
    is_ready = False

    def say_ready(live: LiveDerivations) -> None:
        nonlocal is_ready
        if not is_ready:
            lifecycle.print_ready("derive", data=str(data))
            log.info("derivation ready", extra={"context": {"definitions": len(live.live)}})
        is_ready = True

    await lifecycle.run_until_stopped(derive_by_files(settings, files, served, say_ready), stop)
