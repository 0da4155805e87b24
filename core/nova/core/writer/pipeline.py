"""The pipeline of the writer process: it consumes every transport, checks and commits records in
groups, syncs them, publishes them to the readers and acknowledges them to the transports.

Four stages run concurrently: intake (one task per transport) → check → commit → sync. They are
joined by short bounded queues, which exert back-pressure on the transports. While one group is
synced in a thread, the next is written and the one after that is checked, in a separate process if
it is large.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from nova.core.commit_feed import CommitFrame, LinkStates
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import DurabilityMarker, read_marker, write_marker
from nova.core.store.own_files import OwnFiles
from nova.core.writer import commit_queue
from nova.core.writer.actions import ArgumentChecker
from nova.core.writer.annotations import Annotations
from nova.core.writer.audit_trail import AuditTrail
from nova.core.writer.columns import BatchColumns
from nova.core.writer.command_handler import CommandHandler
from nova.core.writer.command_targets import TargetFinder
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.core.writer.dispatcher import Dispatcher
from nova.core.writer.feed_server import FeedServer
from nova.core.writer.file_reload import NO_WATCHES, FileReload, WriterWatches
from nova.core.writer.import_handler import ImportHandler
from nova.core.writer.in_effect import InEffect
from nova.core.writer.manifest_events import published_event, reconcile
from nova.core.writer.notification_trail import NotificationTrail
from nova.core.writer.pipeline_groups import CheckingGroup, ConsumedBatch, UnsyncedGroup
from nova.core.writer.retention import retention_of
from nova.core.writer.seal_trail import SealTrail
from nova.core.writer.submission_handler import SubmissionHandler
from nova.core.writer.submission_server import SubmissionServer
from nova.core.writer.validation_pool import ValidationPool
from nova.core.writer.writer_figures import WriterFigures
from nova.sdk import archive_id, default_timebase
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.manifests.manifest_files import ManifestFile
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Receipt, Subscription, Transport

INTAKE_MAX_BATCHES = 8
INTAKE_BATCH_RECORDS = 500
"""As many records at least are in a batch of a busy transport."""

CHECKED_MAX_GROUPS = 3
CHECK_GROUP_RECORDS = 1_000
UNSYNCED_MAX_GROUPS = 4
MARKER_INTERVAL_S = 1.0
LINKS_INTERVAL_S = 0.5

log = logging.getLogger(__name__)


class Writer:
    """The one writer of an archive and its stages."""

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        server: FeedServer,
        files: Sequence[ManifestFile] = (),
        watched: WriterWatches = NO_WATCHES,
    ) -> None:
        self._settings = settings
        self._manifests = reconcile(files, archive, settings.own_scope())
        self._archive = archive
        self._server = server
        self._data = settings.data_folder()
        self.committer = _committer(settings, archive, self._manifests.manifests)
        self._validation = _validation(settings, self.committer, self._manifests.manifests)
        self._consumed: asyncio.Queue[ConsumedBatch] = asyncio.Queue(_intake_batches(settings))
        self._checking_groups: asyncio.Queue[CheckingGroup] = asyncio.Queue(CHECKED_MAX_GROUPS)
        self._unsynced: asyncio.Queue[UnsyncedGroup] = asyncio.Queue(UNSYNCED_MAX_GROUPS)
        self._pending_marker: DurabilityMarker | None = None
        self.served = ArchiveIdentity(ensure_id(archive, self._data), archive.inode)
        self._own_files = OwnFiles(archive.path)
        default_timebase.write(self._data, settings.chosen_timebase())
        self._queue = CommitQueue(self._trigger_commit)
        self._queue.watermark_ns = self.committer.last_ns
        self.dispatcher = Dispatcher(self.committer.link_routes)
        self.commands = _command_handler(settings, self.committer, self._queue, self.dispatcher)
        self.submissions = _submission_server(settings, self.committer, self._queue, self.commands)
        self.retention = retention_of(settings, self.committer, self._queue.submit)
        self.reload = FileReload(
            self.committer, self._queue.submit, *watched, data=settings.data_folder()
        )
        self._syncer = ThreadPoolExecutor(1, thread_name_prefix="sync")
        waiting = {
            "check": self._consumed.qsize,
            "commit": self._checking_groups.qsize,
            "sync": self._unsynced.qsize,
        }
        self._figures = WriterFigures(archive, waiting, self.reload.configured)

    async def run(self, transports: list[Transport]) -> None:
        """Run until cancelled. An error ends all stages: what is durable is unknown after it."""
        self.dispatcher.transports = transports
        try:
            async with asyncio.TaskGroup() as stages:
                stages.create_task(self._sync_groups())
                stages.create_task(self._commit_groups())
                await self.commands.end_unfinished()
                self.submissions.open()
                stages.create_task(self._check_groups())
                stages.create_task(self._write_markers())
                stages.create_task(self._publish_links(transports))
                stages.create_task(self._figures.publish(self._server))
                stages.create_task(self.retention.run())
                stages.create_task(self.reload.run())
                for transport in transports:
                    stages.create_task(self._consume(transport))
        finally:
            await self.submissions.stop()
            await self._validation.close()

    def publish_manifests(self) -> None:
        """Commit an event for each manifest that the archive lacks, and the list of conflicts.
        Called before any reader is served.
        """
        scope, committer = self._settings.own_scope(), self.committer
        conflicts = self._manifests.conflicts
        for conflict in conflicts:
            log.warning("manifest conflict", extra={"context": {"conflict": conflict}})
        is_news = conflicts != self._archive.record.manifest_conflicts()
        if is_news:
            committer.open.put_record(
                catalog.MANIFEST_CONFLICTS_KEY, catalog.encode_conflicts(conflicts)
            )
        events = [published_event(one, scope) for one in self._manifests.unpublished]
        if committer.record_all(events) or is_news:
            committer.close_commit()

    def mark_recovered(self) -> None:
        """Sync the archive and write its durability marker before any reader is served: a killed
        writer may have acknowledged events after its last marker, and no event need follow.
        """
        self._archive.sync()
        held = self.committer.marker()
        if read_marker(self._data) != held:
            self._require_archive()
            write_marker(self._data, held)

    async def _consume(self, transport: Transport) -> None:
        subscription = Subscription(self._settings.subscribed_scope())
        positions = self.committer.load_positions(transport.link)
        async for batch in transport.consume(subscription, positions):
            await self._consumed.put(ConsumedBatch(transport, batch))

    async def _check_groups(self) -> None:
        # Two groups that wait fill a commit, also a large one.
        least = max(CHECK_GROUP_RECORDS, self._settings.commit_max_events // 2)
        while True:
            group = [await self._consumed.get()]
            records = len(group[0].batch.records)
            while records < least and not self._consumed.empty():
                group.append(self._consumed.get_nowait())
                records += len(group[-1].batch.records)
            found = self._validation.check([arrived.batch.records for arrived in group])
            await self._checking_groups.put(CheckingGroup(group, found))

    async def _commit_groups(self) -> None:
        while True:
            groups = [await self._checking_groups.get()]
            records = _record_count(groups[0])
            while records < self._settings.commit_max_events and not self._checking_groups.empty():
                groups.append(self._checking_groups.get_nowait())
                records += _record_count(groups[-1])
            with self._figures.commit_seconds.time():
                group = await self._commit(groups)
            await self._unsynced.put(group)

    async def _commit(self, groups: list[CheckingGroup]) -> UnsyncedGroup:
        acknowledgements: list[tuple[Transport, Batch, Receipt]] = []
        commits: list[CommitFrame] = []
        for group, found in groups:
            for (transport, batch), incoming in zip(group, await found, strict=True):
                receipt, closed = self.committer.add_batch(transport.link, batch, incoming)
                commits += closed
                acknowledgements.append((transport, batch, receipt))
                await asyncio.sleep(0)  # lets sockets be served between batches
        entered, closed = self._queue.run(self.committer)
        commits += [*closed, self.committer.close_commit()]
        return UnsyncedGroup(acknowledgements, commits, self.committer.marker(), entered)

    def _trigger_commit(self) -> None:
        """Trigger a commit; if the queue is full, one is due anyway."""
        nothing: asyncio.Future[list[BatchColumns]] = asyncio.get_running_loop().create_future()
        nothing.set_result([])
        with contextlib.suppress(asyncio.QueueFull):
            self._checking_groups.put_nowait(CheckingGroup([], nothing))

    async def _sync_groups(self) -> None:
        while True:
            groups = [await self._unsynced.get()]
            while not self._unsynced.empty():
                groups.append(self._unsynced.get_nowait())
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._syncer, self._sync, groups[-1].marker)
            for group in groups:
                await self._publish(group)

    def _sync(self, marker: DurabilityMarker) -> None:
        """Sync all writes; runs in a thread, because rocksdict releases the GIL meanwhile."""
        with self._figures.sync_seconds.time():
            self._archive.sync()
        self._own_files.require_known()
        self._pending_marker = marker

    async def _write_markers(self) -> None:
        """Write the durability marker periodically, so that no commit waits for it."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(MARKER_INTERVAL_S)
            await loop.run_in_executor(self._syncer, self._write_marker)

    async def _publish_links(self, transports: list[Transport]) -> None:
        """Publish the state of the links periodically. Readers take it as a heartbeat: they detect
        a writer that hangs by its silence.
        """
        while True:
            states = {transport.link: transport.state() for transport in transports}
            self._server.publish_links(LinkStates(states))
            await asyncio.sleep(LINKS_INTERVAL_S)

    def _write_marker(self) -> None:
        """Write the durability marker of the last sync; runs in the sync thread, so never during a
        sync. Raises ArchiveGoneError if the archive is no longer in its folder: open files survive
        an unmount, but files that are created by path would land beside the archive.
        """
        self._require_archive()
        if self._pending_marker is not None:
            write_marker(self._data, self._pending_marker)
            self._pending_marker = None

    def _require_archive(self) -> None:
        archive_id.require(self._data, self.served)
        self._own_files.require()

    async def drain(self) -> None:
        """End the submissions under way, and make durable what nobody waits for."""
        await self.submissions.drain()
        await self._queue.drain()

    def finish(self) -> None:
        """After a clean stop: sync all writes and write the durability marker."""
        self.stop_syncing()
        self._archive.sync()
        self._require_archive()
        write_marker(self._data, self.committer.marker())

    def stop_syncing(self) -> None:
        """Wait for a running sync and compaction; after that the archive can be closed."""
        self.retention.close()
        self._syncer.shutdown(wait=True)

    async def _publish(self, group: UnsyncedGroup) -> None:
        for committed in group.commits:
            self._server.publish(committed)
        self._queue.watermark_ns = group.commits[-1].watermark
        commit_queue.complete(group.writes)
        for transport, batch, receipt in group.acknowledgements:
            await transport.acknowledge(batch, receipt)


def _intake_batches(settings: Settings) -> int:
    """How many consumed batches wait at most: enough for a commit of the largest size."""
    return max(INTAKE_MAX_BATCHES, settings.commit_max_events // INTAKE_BATCH_RECORDS)


def _committer(
    settings: Settings, archive: Archive, manifests: Sequence[CardManifest]
) -> Committer:
    drivers = settings.chosen_drivers()
    return Committer(
        archive,
        settings.data_folder(),
        scope_id=settings.subscribed_scope(),
        own_scope=settings.own_scope(),
        limits=CommitLimits(
            settings.envelope_max_bytes, settings.commit_max_bytes, settings.commit_max_events
        ),
        manifests=manifests,
        registry=DriverRegistry.load(drivers) if drivers else None,
    )


def _validation(
    settings: Settings, committer: Committer, manifests: Sequence[CardManifest]
) -> ValidationPool:
    return ValidationPool(
        committer.checker,
        settings.subscribed_scope(),
        settings.envelope_max_bytes,
        manifests,
        settings.own_scope(),
    )


def _command_handler(
    settings: Settings, committer: Committer, queue: CommitQueue, dispatcher: Dispatcher
) -> CommandHandler:
    known = InEffect(committer, settings.chosen_timebase(), settings.own_scope())
    needs_descriptor = settings.commands_require_descriptor
    return CommandHandler(
        committer,
        queue,
        TargetFinder(committer, known, require_descriptor=needs_descriptor),
        ArgumentChecker(committer, known),
        dispatcher,
        settings.envelope_max_bytes,
    )


def _submission_server(
    settings: Settings, committer: Committer, queue: CommitQueue, commands: CommandHandler
) -> SubmissionServer:
    annotations = Annotations(committer, queue, settings.own_scope())
    scope = settings.subscribed_scope()
    imports = ImportHandler(committer, queue, scope, settings.envelope_max_bytes)
    audit = AuditTrail(committer, queue)
    seals, notifications = SealTrail(committer, queue), NotificationTrail(queue)
    return SubmissionServer(
        SubmissionHandler(scope, commands, annotations, imports, audit, seals, notifications)
    )


def _record_count(group: CheckingGroup) -> int:
    return sum(len(arrived.batch.records) for arrived in group.batches)
