"""The status of the instance: counters and links."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.server.link_registry import LinkRegistry
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.backup_record import read_record
from nova.core.store.quarantine import quarantined
from nova.core.store.rebuild_request import read_rebuild_record
from nova.sdk import endpoints, timestamps
from nova.sdk.process_states import ProcessStates
from nova.sdk.protocol.health import BackupInfo, ConfiguredFiles
from nova.sdk.protocol.messages import StatusResponse
from nova.sdk.settings import Settings


def status(
    snapshot: ArchiveSnapshot,
    settings: Settings,
    links: LinkRegistry,
    submission_client: SubmissionClient,
    processes: ProcessStates,
    configured: Sequence[ConfiguredFiles] = (),
) -> StatusResponse:
    """The counts of the archive and of every link that has fed it."""
    snapshot.refresh()
    remade = read_rebuild_record(settings.data_folder())
    counters = snapshot.archive.record.counters()
    files = files_health(settings)
    return StatusResponse(
        mode=settings.mode,
        scope_id=settings.subscribed_scope(),
        timebase=settings.chosen_timebase(),
        events=counters.held,
        duplicates=counters.duplicates,
        rejects=counters.rejects,
        series=len(snapshot.series.names),
        durable_time=timestamps.text(snapshot.watermark) if snapshot.watermark else None,
        bytes_on_disk=snapshot.archive.bytes_on_disk(),
        links=links.describe(snapshot),
        writer_connected=links.writer_connected,
        request_clashes=counters.request_clashes,
        unknown_commands=counters.unknown_commands,
        submissions=submission_client.counts(),
        file_failures=files.failures,
        shared_files=sum(endpoints.is_shared_file(file.parts[0]) for file in files.files),
        derived_remade=remade.count,
        derived_last_remade=remade.last or None,
        commands_require_descriptor=settings.commands_require_descriptor,
        manifest_conflicts=snapshot.archive.record.manifest_conflicts(),
        backup=_backup(settings),
        quarantined=quarantined(settings.data_folder()),
        processes=list(processes.processes),
        configured=list(configured),
    )


def without_totals(found: StatusResponse) -> StatusResponse:
    """The status without the counts of an archive of which its reader sees a part only."""
    return msgspec.structs.replace(
        found, limited=True, events=0, duplicates=0, rejects=0, series=0, manifest_conflicts=[]
    )


class _FilePaths(msgspec.Struct):
    parts: list[str]


class FilesHealth(msgspec.Struct):
    """The members of the files process's state file that the status shows."""

    failures: int = 0
    files: list[_FilePaths] = []


def files_health(settings: Settings) -> FilesHealth:
    """How often daily files could not be written, and the files of the day; 0 and none without a
    readable state file.
    """
    try:
        path = settings.files_folder() / endpoints.FILES_STATE_FILE
        return msgspec.json.decode(path.read_bytes(), type=FilesHealth)
    except (OSError, msgspec.DecodeError):
        return FilesHealth()


def _backup(settings: Settings) -> BackupInfo | None:
    record = read_record(settings.data_folder())
    if settings.backup_to is None and not record.time:
        return None
    return BackupInfo(
        target=record.target or settings.backup_to,
        time=record.time or None,
        events=record.events,
        bytes=record.bytes,
        scheduled=settings.backup_to is not None,
        failed_time=record.failed_time or None,
        failure=record.failure or None,
    )
