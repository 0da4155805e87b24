"""The definition files of an instance, followed while it runs."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from nova.core.configured_faults import listed_faults
from nova.core.definitions import definition_files
from nova.core.definitions.definition import Definition
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.watched_files import POLL_S, WatchedFiles

log = logging.getLogger(__name__)


class FollowedDefinitions:
    """The definitions that are derived live, and the faults of their files. While a file has a
    fault, what it had before stays.
    """

    def __init__(self, folder: Path, poll_s: float = POLL_S) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self.read_time = ""
        self._watched = WatchedFiles(folder, poll_s)
        self._used: dict[Path, Definition] = {}
        self._read()

    @property
    def definitions(self) -> list[Definition]:
        return [one for one in self._used.values() if one.live]

    async def changed(self) -> None:
        """Return once other definitions are to be derived."""
        while True:
            await self._watched.changed()
            before = self.definitions
            await asyncio.to_thread(self._read)
            if self.definitions != before:
                return

    def _read(self) -> None:
        """Read the files; their faults are logged, and no error is raised."""
        try:
            loaded = definition_files.load(self.folder, self._used)
        except NovaError as error:
            log.error("no definitions are read", extra={"context": {"error": str(error)}})
            self.faults = [str(error)]
            return
        for fault in loaded.faults:
            log.error("a definition is not used", extra={"context": {"fault": str(fault)}})
        self.faults = listed_faults([str(fault) for fault in loaded.faults])
        self._used = {path: definition for path, definition in loaded.files}
        self.read_time = timestamps.text(timestamps.now())
