"""The finished exports of a folder that the reader writes."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nova.edge.access import Access
from nova.sdk import timestamps
from nova.sdk.batch.export_info import ExportInfo
from nova.sdk.errors import NovaError, TimestampError

OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC

_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class ExportCutError(NovaError):
    """The zip of a kept export was changed on the disk."""


class DownloadFolder:
    """Finds exports by their ids."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def info(self, export_id: str) -> ExportInfo | None:
        """What is known of an unexpired export; None if there is none."""
        if not _ID.fullmatch(export_id):
            return None
        try:
            about = os.open(self._folder / f"{export_id}.json", OPEN_FLAGS)
            with os.fdopen(about, "rb") as file:
                info = msgspec.json.decode(file.read(), type=ExportInfo)
            is_expired = timestamps.parse(info.expires_at) <= timestamps.now()
        except (OSError, msgspec.DecodeError, TimestampError):
            return None
        return None if is_expired else info

    def open(self, export_id: str, info: ExportInfo) -> int | None:
        """Open the zip of an export; returns its descriptor, or None if there is none. Raises
        ExportCutError if the zip does not have its recorded length.
        """
        try:
            descriptor = os.open(self._folder / f"{export_id}.zip", OPEN_FLAGS)
        except OSError:
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return None
        if info.bytes not in (None, found.st_size):
            os.close(descriptor)
            raise ExportCutError(
                f"the file of this export has {found.st_size} bytes, but {info.bytes} were written"
            )
        return descriptor


def may_download(access: Access, info: ExportInfo) -> bool:
    """Whether a principal may see everything that an export may hold."""
    return (
        _covers(access.scopes, info.scopes)
        and _covers(access.lanes, info.lanes)
        and (access.role == "admin" or not info.with_audit)
    )


def _covers(allowed: Sequence[str] | None, held: Sequence[str] | None) -> bool:
    return allowed is None or (held is not None and set(held) <= set(allowed))
