"""The witness: a small fsynced file that says what was durable, compared when the archive is
opened.

A lost log opens cleanly as a shorter archive in every recovery mode of RocksDB; an archive that
holds less than its witness saw is damaged and must say so instead of serving a shorter truth
(nova.md §5).
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from core.errors import ArchiveDamagedError
from sdk import archive_id, durable

WITNESS_FILE = "witness.json"


class Witness(msgspec.Struct, kw_only=True, rename="camel"):
    """What was durable at some moment.

    Positions are told for people: they lie in the same batches as the sequence, which is what is
    compared, and may rightly go back when a broker has lost its tail.
    """

    sequence: int
    canonical_ns: int
    events: int
    positions: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    crc32: int | None = None
    """Of the file with null here, and only there; absent in the files of NOVA before it had one."""


def encode(witness: Witness) -> bytes:
    """A witness as it is stored."""
    crc32 = zlib.crc32(msgspec.json.encode(witness))
    return msgspec.json.encode(msgspec.structs.replace(witness, crc32=crc32))


def decode(content: bytes) -> Witness:
    """A witness as it was stored; raises msgspec.DecodeError or UnicodeDecodeError if
    it is none.
    """
    stored = msgspec.json.decode(content, type=Witness)
    witness = msgspec.structs.replace(stored, crc32=None)
    if stored.crc32 not in (None, zlib.crc32(msgspec.json.encode(witness))):
        raise msgspec.DecodeError("its checksum is another")
    return witness


def read_witness(data: Path) -> Witness | None:
    """The witness of an archive, None before its first commit; an unreadable one is an error."""
    path = data / WITNESS_FILE
    try:
        return decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveDamagedError(
            f"the witness file {path} is damaged: {error}. Restore it from a copy"
        ) from error


def write_witness(data: Path, witness: Witness) -> None:
    """Replace the witness atomically and durably."""
    durable.replace(data / WITNESS_FILE, encode(witness))


def compare(witness: Witness | None, found: Witness, path: Path) -> None:
    """Raise ArchiveDamagedError if the archive holds less than its witness saw, or if the witness
    is gone: a writer writes one before it takes in the first event.
    """
    if witness is None:
        _refuse_lost(found, path.parent)
        return
    short = [
        f"{name} {have} where the witness saw {saw}"
        for name, have, saw in (
            ("record sequence", found.sequence, witness.sequence),
            ("last canonical time", found.canonical_ns, witness.canonical_ns),
            ("event count", found.events, witness.events),
        )
        if have < saw
    ]
    if short:
        raise ArchiveDamagedError(
            f"the archive in {path} is damaged, it has lost what was durable: {'; '.join(short)}. "
            "It is not served; restore it from a copy, or move it away to start anew"
        )


def _refuse_lost(found: Witness, data: Path) -> None:
    # What has no id yet is of an older NOVA, which wrote its first witness after a second.
    if found.events and archive_id.read(data) is not None:
        raise ArchiveDamagedError(
            f"{data / WITNESS_FILE} is missing, so nothing proves that the {found.events} events "
            f"in {data} are all. Restore it from a copy; if there is none, remove "
            f"{data / archive_id.ID_FILE} too, and the next start takes what is there for all"
        )
