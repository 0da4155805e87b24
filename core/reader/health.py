"""The status of the instance: counters and links."""

from __future__ import annotations

import msgspec

from core.reader.links import Links
from core.reader.submitter import Submitter
from core.reader.view import View
from core.store import catalog
from core.store.quarantine import quarantined
from core.store.remaking import read_remade
from sdk import endpoints, timestamps
from sdk.protocol import StatusResponse
from sdk.settings import Settings


def status(view: View, settings: Settings, links: Links, submitter: Submitter) -> StatusResponse:
    """The counts of the archive and of every link that has fed it."""
    view.refresh()
    remade = read_remade(settings.folder())
    counters = catalog.decode_counters(view.archive.get("catalog", catalog.COUNTERS_KEY))
    return StatusResponse(
        mode=settings.mode,
        scope_id=settings.subscribed_scope(),
        timebase=settings.chosen_timebase(),
        events=counters.events,
        duplicates=counters.duplicates,
        rejects=counters.rejects,
        series=len(view.series.names),
        durable_time=timestamps.text(view.mark) if view.mark else None,
        bytes_on_disk=view.archive.bytes_on_disk(),
        links=links.describe(view),
        writer_connected=links.writer_connected,
        request_clashes=counters.request_clashes,
        unknown_commands=counters.unknown_commands,
        submissions=submitter.counts(),
        file_failures=file_failures(settings),
        derived_remade=remade.count,
        derived_last_remade=remade.last or None,
        commands_require_descriptor=settings.commands_require_descriptor,
        manifest_conflicts=catalog.decode_conflicts(
            view.archive.get("catalog", catalog.MANIFEST_CONFLICTS_KEY)
        ),
        quarantined=quarantined(settings.folder()),
    )


class _Files(msgspec.Struct):
    """The member of the files process's state file that the status shows."""

    failures: int = 0


def file_failures(settings: Settings) -> int:
    """How often daily files could not be written; 0 without a readable state file."""
    try:
        path = settings.files_folder() / endpoints.FILES_STATE_FILE
        return msgspec.json.decode(path.read_bytes(), type=_Files).failures
    except (OSError, msgspec.DecodeError):
        return 0
