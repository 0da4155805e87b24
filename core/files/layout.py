"""Where a stream's files lie: `{scope}/{system}/{container}/{unique}/{file}` (AMB-40).

Names are made here, out of ids that were checked at ingest, and of nothing that a client sends.
"""

from __future__ import annotations

from sdk.address import is_id
from sdk.drivers.driver import Driver
from sdk.drivers.stream import Stream
from sdk.errors import DriverError

NAME_MAX_CHARS = 200
SPOOL_SUFFIX = ".events"
"""What a file that is not made yet is called in addition."""

_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10)))
)


def paths_of(driver: Driver, stream: Stream) -> tuple[str, ...]:
    """The paths of the files that a driver writes a stream to, from the folder down; raises
    DriverError where a name is not safe.
    """
    ids = stream[:1] if driver.per_scope else stream[:4]
    folder = "/".join(map(_folder, ids))
    parts = driver.parts(stream)
    for part in parts:
        _check(driver, part)
    return tuple(f"{folder}/{_versioned(driver, part)}" for part in parts)


def _folder(token: str) -> str:
    """An id as a folder; some names are devices on Windows, and no id holds a percent sign."""
    if not is_id(token):
        raise DriverError(f"{token[:80]!r} is no id, and no folder")
    return token + "%" if token.upper() in _DEVICES else token


def _check(driver: Driver, name: str) -> None:
    is_plain = name.isascii() and name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not is_plain or not 0 < len(name) <= NAME_MAX_CHARS or name.startswith("."):
        raise DriverError(f"{driver.name} names a file {name[:80]!r}, which is not safe")
    if name.endswith((".", " ", SPOOL_SUFFIX)) or name.split(".")[0].upper() in _DEVICES:
        raise DriverError(f"{driver.name} names a file {name[:80]!r}, which is not safe")


def _versioned(driver: Driver, name: str) -> str:
    """Files of a version beyond the first say so, for both may lie in one folder."""
    if driver.version == "1.0.0":
        return name
    stem, dot, end = name.rpartition(".")
    return f"{stem}@{driver.version}{dot}{end}" if dot else f"{name}@{driver.version}"
