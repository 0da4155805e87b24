"""The witness: a small fsynced file that says what was durable, compared when the archive is
opened.

A lost log opens cleanly as a shorter archive in every recovery mode of RocksDB; an archive that
holds less than its witness saw is damaged and must say so instead of serving a shorter truth
(nova.md §5).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from core.errors import ArchiveDamagedError

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


def read_witness(data: Path) -> Witness | None:
    """The witness of an archive, None before its first commit; an unreadable one is an error."""
    path = data / WITNESS_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Witness)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ArchiveDamagedError(f"the witness file {path} cannot be read: {error}") from error


def write_witness(data: Path, witness: Witness) -> None:
    """Replace the witness atomically and durably."""
    path = data / WITNESS_FILE
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(witness))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(data, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def compare(witness: Witness | None, found: Witness, path: Path) -> None:
    """Raise ArchiveDamagedError if the archive holds less than its witness saw."""
    if witness is None:
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
