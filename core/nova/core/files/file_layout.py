"""File layout: the path of a stream's file is `{scope}/{system}/{container}/{unique}/{file}`, and
of one that streams share `{scope}/{system}/shared.{driver}.jsonl`.

Paths are built only from ids that were validated at ingest and from names of drivers, never from
client input.
"""

from __future__ import annotations

from nova.sdk.address import is_id
from nova.sdk.drivers.driver import Driver, stem_of
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.registry import BINDING_TYPE
from nova.sdk.endpoints import SHARED_FILE
from nova.sdk.errors import DriverError

NAME_MAX_CHARS = 200
EVENTS_SUFFIX = ".events"
"""Appended to the name of a file that is not sealed yet."""

_DEVICES = frozenset(
    ("CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10)))
)


def file_paths(driver: Driver, stream: DriverStream) -> tuple[str, ...]:
    """The paths, relative to the folder, of the files to which a driver writes a stream; raises
    DriverError for an unsafe name.
    """
    ids = stream[:1] if driver.per_scope else stream[:4]
    folder = "/".join(map(_folder, ids))
    parts = driver.parts(stream)
    for part in parts:
        _check(driver, part)
    return tuple(f"{folder}/{_versioned(driver, part)}" for part in parts)


def shared_path(driver: Driver, stream: DriverStream, *, by_system: bool = True) -> str:
    """The path of the file that streams of a driver share: those of a system, or all. It has a dot
    where ids have none, so it is the name of no entity's folder.
    """
    of_driver = driver.driver_id.replace(":", "+")
    name = f"{SHARED_FILE}.jsonl" if of_driver == "jsonl" else f"{SHARED_FILE}.{of_driver}.jsonl"
    if stream.stream_type == BINDING_TYPE:  # `nova import` reads bindings first, by this name.
        name = f"{SHARED_FILE}.{stem_of(stream)}.jsonl"
    return "/".join((*map(_folder, stream[:2]), name)) if by_system else name


def _folder(token: str) -> str:
    """The folder name of an id. Names of Windows devices get a percent sign, which no id has."""
    if not is_id(token):
        raise DriverError(f"{token[:80]!r} is not a valid id and cannot be a folder name")
    return token + "%" if token.upper() in _DEVICES else token


def _check(driver: Driver, name: str) -> None:
    is_plain = name.isascii() and name.isprintable() and not set(name) & set('/\\:*?"<>|')
    if not is_plain or not 0 < len(name) <= NAME_MAX_CHARS or name.startswith("."):
        raise DriverError(f"{driver.name} names a file {name[:80]!r}, which is not safe")
    if name.endswith((".", " ", EVENTS_SUFFIX)) or name.split(".")[0].upper() in _DEVICES:
        raise DriverError(f"{driver.name} names a file {name[:80]!r}, which is not safe")


def _versioned(driver: Driver, name: str) -> str:
    """Append the driver version if it is not 1.0.0, as files of both may be in one folder."""
    if driver.version == "1.0.0":
        return name
    stem, dot, end = name.rpartition(".")
    return f"{stem}@{driver.version}{dot}{end}" if dot else f"{name}@{driver.version}"
