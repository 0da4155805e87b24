"""The durability marker `witness.json`: a small fsynced file that records what was durable,
compared with the archive when it is opened.

RocksDB opens an archive that has lost a log as a shorter one without an error, in every recovery
mode. An archive that holds less than its durability marker records is damaged and is not served.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from nova.core.errors import ArchiveDamagedError
from nova.sdk import archive_id, durable
from nova.sdk.timestamps import NS_MIN

MARKER_FILE = "witness.json"


class DurabilityMarker(msgspec.Struct, kw_only=True, rename="camel"):
    """What was durable at one moment.

    Positions are informative and not compared: they are in the same batches as the sequence, which
    is compared, and they rightly go back after a broker has lost its tail.
    """

    sequence: int
    canonical_ns: int
    events: int
    positions: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    crc32: int | None = None
    """Of the encoding with null here; set only in the file, and absent in those of older NOVAs."""


def encode(marker: DurabilityMarker) -> bytes:
    crc32 = zlib.crc32(msgspec.json.encode(marker))
    return msgspec.json.encode(msgspec.structs.replace(marker, crc32=crc32))


def decode(content: bytes) -> DurabilityMarker:
    """Raises msgspec.DecodeError or UnicodeDecodeError."""
    stored = msgspec.json.decode(content, type=DurabilityMarker)
    marker = msgspec.structs.replace(stored, crc32=None)
    if stored.crc32 not in (None, zlib.crc32(msgspec.json.encode(marker))):
        raise msgspec.DecodeError("its checksum does not match")
    return marker


def read_marker(data: Path) -> DurabilityMarker | None:
    """The archive's durability marker, None if there is no file; raises ArchiveDamagedError if it
    cannot be decoded.
    """
    path = data / MARKER_FILE
    try:
        return decode(durable.read(path))
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveDamagedError(
            f"the durability marker {path} is damaged: {error}. Restore it from a copy"
        ) from error


def durable_ns(data: Path) -> int:
    """The canonical time in ns of the archive's marker; NS_MIN if there is none."""
    marker = read_marker(data)
    return NS_MIN if marker is None else marker.canonical_ns


def write_marker(data: Path, marker: DurabilityMarker) -> None:
    """Replace the file atomically and durably."""
    durable.replace(data / MARKER_FILE, encode(marker), durable.STORED_MODE)


def require_durable(
    marker: DurabilityMarker | None, holdings: DurabilityMarker, path: Path
) -> None:
    """Raise ArchiveDamagedError if the archive holds less than its durability marker records, or if
    the marker is missing: a writer writes one before it stores the first event.
    """
    if marker is None:
        _refuse_missing_marker(holdings, path.parent)
        return
    short = [
        f"{name} {have}, but {MARKER_FILE} records {saw}"
        for name, have, saw in (
            ("record sequence", holdings.sequence, marker.sequence),
            ("last canonical time", holdings.canonical_ns, marker.canonical_ns),
            ("event count", holdings.events, marker.events),
        )
        if have < saw
    ]
    if short:
        raise ArchiveDamagedError(
            f"the archive in {path} is damaged, it has lost durable events: {'; '.join(short)}. "
            "It is not served; restore it from a copy, or move it away to start a new one"
        )


def _refuse_missing_marker(holdings: DurabilityMarker, data: Path) -> None:
    # An archive without an id is of an older NOVA, which wrote its first marker after one second.
    if holdings.events and archive_id.read(data) is not None:
        raise ArchiveDamagedError(
            f"{data / MARKER_FILE} is missing, so nothing proves that the {holdings.events} events "
            f"in {data} are all. Restore it from a copy; if there is none, remove "
            f"{data / archive_id.ID_FILE} too, and the next start accepts the archive as complete"
        )
