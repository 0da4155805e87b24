"""Rebuild requests: a process that finds derived data damaged requests a rebuild; its maker
discards the folder and records that.

The file `DATA/<folder>.rebuild` is the request and holds the reason; it is empty if a person made
the request. `DATA/derived.json` counts the folders that were discarded because of damage, with the
last reason.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from pathlib import Path

import msgspec

from nova.core.errors import DerivedDamagedError
from nova.sdk import durable, timestamps
from nova.sdk.errors import NovaError

REQUEST_SUFFIX = ".rebuild"
REBUILD_RECORD_FILE = "derived.json"
REASON_MAX_CHARS = 500

log = logging.getLogger(__name__)


class RebuildRecord(msgspec.Struct, rename="camel"):
    """How often derived data was discarded because of damage; `last` has time, folder, reason."""

    count: int = 0
    last: str = ""


def rebuild_request_file(data: Path, folder: str) -> Path:
    """The file whose existence requests a rebuild of `folder`."""
    return data / f"{folder}{REQUEST_SUFFIX}"


def request_rebuild(data: Path, folder: str, reason: str) -> None:
    """Request a rebuild of `folder` from its maker, which may start later. An earlier request
    stands.
    """
    log.warning(
        "derived data damaged, rebuild requested",
        extra={"context": {"what": folder, "why": reason}},
    )
    with contextlib.suppress(OSError), rebuild_request_file(data, folder).open("x") as file:
        file.write(reason[:REASON_MAX_CHARS])


def raise_if_requested(data: Path, folder: str) -> None:
    """Raise DerivedDamagedError, with the reason, if a rebuild of `folder` was requested."""
    path = rebuild_request_file(data, folder)
    if path.exists():
        reason = path.read_text("utf-8", "replace") if path.is_file() else f"{path} is a folder"
        raise DerivedDamagedError(reason)


def discard(data: Path, folder: str, reason: str) -> None:
    """Remove a folder of derived data; counts it unless `reason` is empty (a person's request)."""
    log.warning(
        "derived data discarded, rebuilding", extra={"context": {"what": folder, "why": reason}}
    )
    _remove(data / folder)
    if reason:
        _record_discard(data, f"{folder}: {reason[:REASON_MAX_CHARS]}")
    # Last, so that the request outlives a maker that is killed before this point.
    _remove(rebuild_request_file(data, folder))


def remove_all(data: Path, folder: str) -> None:
    """Remove a folder of derived data and every record of it, where no archive is."""
    for name in (folder, f"{folder}{REQUEST_SUFFIX}", REBUILD_RECORD_FILE):
        _remove(data / name)


def _remove(path: Path) -> None:
    """Remove a folder or a file; of a link to a folder, what is in it, since the link may lead to
    another disk.
    """
    if path.is_symlink() and path.is_dir():
        for entry in path.iterdir():
            _remove(entry)
    elif path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def read_rebuild_record(data: Path) -> RebuildRecord:
    """The recorded count; zero if the file is missing or unreadable."""
    try:
        return msgspec.json.decode((data / REBUILD_RECORD_FILE).read_bytes(), type=RebuildRecord)
    except (OSError, msgspec.DecodeError):
        return RebuildRecord()


def _record_discard(data: Path, entry: str) -> None:
    remade = read_rebuild_record(data)
    remade.count += 1
    remade.last = f"{timestamps.text(time.time_ns())} {entry}"
    with contextlib.suppress(OSError, NovaError):
        durable.replace(data / REBUILD_RECORD_FILE, msgspec.json.encode(remade))
