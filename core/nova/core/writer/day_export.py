"""Exports a day before it is given back, to a folder that is kept elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from nova.core.retention.due_days import DueDay
from nova.core.retention.survey import DaySurvey
from nova.sdk import private, timestamps
from nova.sdk.client import download
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from nova.sdk.field_types import Lane
from nova.sdk.protocol.export import Export, ExportComplete
from nova.sdk.protocol.messages import Filters

EXPORT_DRIVER = "jsonl"
"""Takes events of all lanes, and `nova import` reads what it writes."""


class DayExport:
    """Has the instance's reader export days, and proves that the files hold all of their events."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._data = data
        self._folder = folder

    async def export(self, due: DueDay, survey: DaySurvey) -> Path:
        """Export a day. Raises NovaError unless the file was read back and its events are those of
        the survey.
        """
        target = self._folder / f"{due.day}_{due.scope_id}_{due.lane}.zip"
        try:
            private.make_folder(self._folder)
        except OSError as error:
            raise NovaError(f"cannot make {self._folder}: {error.strerror}") from error
        start_ns, stop_ns = survey.span
        request = Export(
            start_time=timestamps.text(start_ns),
            stop_time=timestamps.text(stop_ns),
            timebase="canonical",
            driver=EXPORT_DRIVER,
            filters=Filters(scope_ids=[due.scope_id], lanes=[cast(Lane, due.lane)]),
        )
        async with await Client.to_core(self._data) as client:
            complete = await client.export(request)
        await asyncio.to_thread(download.from_folder, self._data, complete, target)
        await asyncio.to_thread(_require_whole, target, complete, survey)
        return target


def _require_whole(target: Path, complete: ExportComplete, survey: DaySurvey) -> None:
    """Raise NovaError unless the file holds the events of the survey, by its own content."""
    # It imports the readers of all formats, which only a writer that exports needs.
    from nova.recordings.export_reader import ExportReader

    found = ExportReader(target)
    try:
        for _ in found.envelopes():
            pass
    finally:
        found.close()
    if complete.digest != survey.digest.text() or complete.failures or found.digest != "fits":
        problems = "; ".join(found.problems) or f"its digest is {complete.digest}"
        raise NovaError(
            f"{target} does not hold the {survey.digest.events} events with digest "
            f"{survey.digest.text()}: {problems}. Nothing was deleted"
        )
