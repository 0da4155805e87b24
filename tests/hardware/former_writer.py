"""Writes the files of a host of an earlier version: logs of segments, and a journal of lines."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from nova.hardware.device import Command
from nova.sdk.transport.base import Record


def frame(record: Record) -> bytes:
    """A record as it stood in a segment."""
    body = msgspec.msgpack.encode((record.address, record.value))
    return struct.pack(">II", len(body), zlib.crc32(body)) + body


def write_outbox(
    folder: Path,
    segments: Sequence[Sequence[Record]],
    published: tuple[int, int] | None = None,
    first: int = 1,
) -> None:
    """Segments from number `first` on; `published` is a segment and how many records of it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, records in enumerate(segments, first):
        (folder / f"{number:016d}.spool").write_bytes(b"".join(map(frame, records)))
    if published is not None:
        number, count = published
        offset = sum(len(frame(record)) for record in segments[number - first][:count])
        crc32 = zlib.crc32(b"%d/%d" % (number, offset))
        (folder / "cursor").write_bytes(struct.pack(">QQI", number, offset, crc32))


def arrival(command: Command, request_id: str) -> dict[str, object]:
    """The line of a command that came."""
    return {
        "stage": "came",
        "command_id": command.command_id,
        "request_id": request_id,
        "target": list(command.target),
        "command_type": command.command_type,
        "payload": command.payload,
        "source_ns": command.source_ns,
    }


def result(command_id: str, record: Record) -> dict[str, object]:
    """The line of a command that ended."""
    value = record.value.decode()
    return {
        "stage": "ended",
        "command_id": command_id,
        "address": record.address,
        "value": value,
    }


def write_journal(path: Path, lines: Iterable[dict[str, object]], rest: bytes = b"") -> None:
    """A journal, and what a killed host left of its last line."""
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines) + rest)
