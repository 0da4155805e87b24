"""The writer process: opens archive, socket and transports, and runs the pipeline until a stop."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from nova.core.commit_feed import FLUSH_PATH
from nova.core.definitions.definition_manifest import derived_manifests
from nova.core.errors import ArchiveError
from nova.core.retention.retention_messages import RETENTION_PATH
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import refuse_emptied
from nova.core.store.durability_marker import write_marker
from nova.core.store.hot_copy import remove_killed_copies
from nova.core.submission_messages import PATH as SUBMISSIONS_PATH
from nova.core.writer.archive_flush import ArchiveFlush
from nova.core.writer.committer import Committer
from nova.core.writer.feed_server import FeedServer
from nova.core.writer.file_reload import NO_WATCHES, WriterWatches
from nova.core.writer.pipeline import Writer
from nova.core.writer.rollup_backfill import backfill_with_progress
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.alarms import alarm_rule_files
from nova.sdk.alarms.alarm_rule_files import RuleFile
from nova.sdk.errors import ArchiveGoneError, SettingsError
from nova.sdk.manifests import manifest_files
from nova.sdk.manifests.manifest_files import ManifestFile
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Transport, connect
from nova.sdk.watched_files import WatchedFiles

GONE_EXIT_STATUS = 1

log = logging.getLogger(__name__)


@contextmanager
def open_committer(settings: Settings) -> Iterator[Committer]:
    """The committer of an archive that exists and that no NOVA runs on, for a command. What it has
    committed is durable, and in the durability marker, at the end.
    """
    data = settings.data_folder()
    archive_id.require_at_start(data, settings.archive)
    refuse_emptied(data)
    if not (data / archive_id.TRUTH_FOLDER).is_dir():
        raise ArchiveError(f"{data} contains no archive: pass its data folder with --data")
    with closing(Archive.open_primary(data, settings.memory_bytes())) as archive:
        committer = Committer(archive, data, own_scope=settings.own_scope())
        yield committer
        archive.sync()
        write_marker(data, committer.marker())


@asynccontextmanager
async def open_writer(
    settings: Settings,
    files: Sequence[ManifestFile],
    rules: Sequence[RuleFile] = (),
    watched: WriterWatches = NO_WATCHES,
) -> AsyncIterator[tuple[Writer, list[Transport]]]:
    """A writer with its archive, socket and transports, which are closed in reverse order."""
    data = settings.data_folder()
    archive_id.require_at_start(data, settings.archive)
    refuse_emptied(data)
    remove_killed_copies(data)
    async with AsyncExitStack() as stack:
        archive = Archive.open_primary(data, settings.memory_bytes())
        stack.callback(archive.close)
        await backfill_with_progress(archive)
        server = FeedServer(endpoints.writer_socket(data))
        writer = Writer(settings, archive, server, files, watched)
        stack.callback(writer.stop_syncing)
        writer.publish_manifests()
        writer.reload.start(rules)
        writer.mark_recovered()
        server.add_route(SUBMISSIONS_PATH, writer.submissions.serve)
        server.add_route(FLUSH_PATH, ArchiveFlush(archive).serve, "POST")
        server.add_route(RETENTION_PATH, writer.retention.serve)
        await server.start(writer.committer.last_ns)
        stack.push_async_callback(server.stop)
        urls = settings.transports or (f"local://{data.absolute()}",)
        transports = [connect(url) for url in urls]
        for transport in transports:
            stack.push_async_callback(transport.close)
        _require_unique_links([transport.link for transport in transports])
        yield writer, transports


def _require_unique_links(links: list[str]) -> None:
    """Raise SettingsError if two transports have one link name, by which positions are stored."""
    twice = sorted({link for link in links if links.count(link) > 1})
    if twice:
        raise SettingsError(
            f"transports: {', '.join(twice)} is given more than once: name each link once"
        )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the writer until it is stopped or fails."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.prepare_for_batches()
    stopped = asyncio.create_task(stop.wait())
    watched = WriterWatches(_watch(settings.alarm_rules), _watch(settings.definitions))
    files = manifest_files.load(settings.manifests_folder())
    files += derived_manifests(settings.definitions)
    folder = settings.alarm_rules
    rules = [] if folder is None else alarm_rule_files.load_usable_rules(Path(folder))
    async with AsyncExitStack() as stack:
        opening = asyncio.create_task(
            stack.enter_async_context(open_writer(settings, files, rules, watched))
        )
        await asyncio.wait((opening, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not opening.done():  # It may be backfilling the rollups of a large archive.
            opening.cancel()
            await asyncio.wait((opening,))
            return
        stopped.cancel()
        writer, transports = opening.result()
        _report_ready(settings, writer)
        checks = {"native": writer.committer.checker.known is not None}
        context = {"links": [transport.link for transport in transports], **checks}
        log.info("writer ready", extra={"context": context})
        try:
            await lifecycle.run_until_stopped(
                _run(writer, transports),
                stop,
                lambda: lifecycle.drain(writer.drain(), stop, settings.drain_s),
            )
            writer.finish()
        except ArchiveGoneError as error:
            log.error(str(error))
            # RocksDB opens files by path: on close it would create and delete files in whatever is
            # at that path now. Every acknowledged event is synced already.
            os._exit(GONE_EXIT_STATUS)


def _watch(folder: str | None) -> WatchedFiles | None:
    return None if folder is None else WatchedFiles(Path(folder))


def _report_ready(settings: Settings, writer: Writer) -> None:
    archive, folder = writer.served
    facts = {"archive": str(archive), "folder": str(folder)}
    lifecycle.print_ready("writer", data=str(settings.data_folder()), **facts)


async def _run(writer: Writer, transports: list[Transport]) -> None:
    """Run the writer; an ArchiveGoneError, which an operator must act on, is raised by itself."""
    try:
        await writer.run(transports)
    except ExceptionGroup as group:
        gone = group.subgroup(ArchiveGoneError)
        raise gone.exceptions[0] if gone is not None else group from None
