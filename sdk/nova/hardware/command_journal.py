"""The command journal: which commands arrived, were started and how they ended; on disk, so that no
command is executed twice, whichever process dies in between.

A line is written when a command arrives, before it is started (synced), when it ended with its
result, and when that result is in the outbox. Only commands younger than the maximum age must be
kept, since older ones are refused: so the journal is bounded, and forgetting is safe. The time up
to which it has forgotten is stored too: an older command may have been executed and answered, also
if a clock that was set back makes it look young again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from nova.hardware.device import Command
from nova.sdk import durable
from nova.sdk.errors import NovaError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

KEPT_MIN = 10_000
"""Commands kept beyond their age, so that a late duplicate is recognised."""
ENTRIES_MAX = 100_000
FILE_MAX_BYTES = 8 * 1024 * 1024

_log = logging.getLogger(__name__)

Stage = Literal["came", "begun", "ended", "told"]


class _ArrivalLine(msgspec.Struct, tag="came", tag_field="stage"):
    command_id: str
    request_id: str
    target: Entity
    command_type: str
    payload: JsonObject
    source_ns: int


class _StartLine(msgspec.Struct, tag="begun", tag_field="stage"):
    command_id: str


class _ResultLine(msgspec.Struct, tag="ended", tag_field="stage"):
    command_id: str
    address: str | None
    value: str


class _PublishedLine(msgspec.Struct, tag="told", tag_field="stage"):
    command_id: str


class _ForgottenLine(msgspec.Struct, tag="forgotten", tag_field="stage"):
    before_ns: int


_JournalLine = _ArrivalLine | _StartLine | _ResultLine | _PublishedLine | _ForgottenLine
_decoder = msgspec.json.Decoder(_JournalLine)


class _JournalEntry:
    """The journalled state of one command."""

    def __init__(self, arrival: _ArrivalLine) -> None:
        self.arrival = arrival
        self.stage: Stage = "came"
        self.result: _ResultLine | None = None

    def command(self) -> Command:
        came = self.arrival
        return Command(
            came.command_id, came.target, came.command_type, came.payload, came.source_ns
        )

    def lines(self) -> Iterator[_JournalLine]:
        command_id = self.arrival.command_id
        yield self.arrival
        if self.stage in ("begun", "ended"):
            yield _StartLine(command_id)
        if self.stage == "ended" and self.result is not None:
            yield self.result
        if self.stage == "told":
            yield _PublishedLine(command_id)


class CommandJournal:
    """The commands of one host, by commandId and requestId."""

    def __init__(self, path: Path, max_age_s: float) -> None:
        self._path = path
        self._max_age_ns = round(max_age_s * NS_PER_SECOND)
        self._entries: dict[str, _JournalEntry] = {}
        self._requests: set[str] = set()
        self.forgotten_before_ns = -(2**63)
        self._load()
        self._size_bytes = 0
        self._rewrite_at_bytes = FILE_MAX_BYTES
        self._file = self._rewrite()

    def has_seen(self, command_id: str, request_id: str) -> bool:
        """Whether a command arrived before, under either of its ids."""
        return command_id in self._entries or request_id in self._requests

    def record_arrival(self, command: Command, request_id: str, now_ns: int) -> None:
        """Journal a new command; raises NovaError if the journal is full.

        Raises OSError if the disk write fails: then the command must not be started.
        """
        self._forget(now_ns)
        if len(self._entries) >= ENTRIES_MAX:
            raise NovaError(f"{ENTRIES_MAX:,} commands arrived within the maximum age")
        came = _ArrivalLine(
            command.command_id,
            request_id,
            command.target,
            command.command_type,
            command.payload,
            command.source_ns,
        )
        self._write(came)
        self._entries[command.command_id] = _JournalEntry(came)
        self._requests.add(request_id)

    async def record_start(self, command: Command) -> None:
        """Journal that a command is about to be started; durable on return."""
        self._write(_StartLine(command.command_id))
        self._entries[command.command_id].stage = "begun"
        await asyncio.to_thread(_sync, os.dup(self._file))

    def record_result(self, command: Command, result: Record) -> None:
        """Journal the result, with the bytes that will be published."""
        known = self._entries[command.command_id]
        known.result = _ResultLine(command.command_id, result.address, result.value.decode())
        known.stage = "ended"
        self._try_write(known.result)

    def record_published(self, command: Command) -> None:
        """Journal that the result is in the outbox."""
        known = self._entries[command.command_id]
        known.stage, known.result = "told", None
        self._try_write(_PublishedLine(command.command_id))

    def unfinished(self) -> list[tuple[Command, Stage, Record | None]]:
        """Unfinished commands of a previous process, with their stages and results (if any)."""
        return [
            (known.command(), known.stage, _result(known.result))
            for known in self._entries.values()
            if known.stage != "told"
        ]

    def close(self) -> None:
        os.close(self._file)

    def _forget(self, now_ns: int) -> None:
        """Drop the oldest commands; commands arrive nearly in the order of their times."""
        while len(self._entries) > KEPT_MIN:
            command_id, known = next(iter(self._entries.items()))
            if known.arrival.source_ns >= now_ns - self._max_age_ns or known.stage != "told":
                break
            del self._entries[command_id]
            self._requests.discard(known.arrival.request_id)
            self.forgotten_before_ns = max(self.forgotten_before_ns, known.arrival.source_ns + 1)
        if self._size_bytes > self._rewrite_at_bytes:
            os.close(self._file)
            self._file = self._rewrite()

    def _try_write(self, line: _JournalLine) -> None:
        """Write a line whose loss only makes a later process report an unknown outcome again."""
        try:
            self._write(line)
        except OSError as error:
            _log.error("cannot write the command journal: %s", error)

    def _write(self, line: _JournalLine) -> None:
        data = msgspec.json.encode(line) + b"\n"
        written = os.write(self._file, data)
        if written < len(data):
            os.ftruncate(self._file, self._size_bytes)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        self._size_bytes += written

    def _rewrite(self) -> int:
        """Replace the file atomically by one with the entries that are still kept."""
        lines: list[_JournalLine] = [_ForgottenLine(self.forgotten_before_ns)]
        for known in self._entries.values():
            lines += known.lines()
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        aside = self._path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        file = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(os.dup(file), "ab") as whole:
            whole.write(data)
        os.fsync(file)
        aside.rename(self._path)
        durable.sync_folder(self._path.parent)
        self._size_bytes = len(data)
        self._rewrite_at_bytes = max(FILE_MAX_BYTES, 2 * len(data))
        return file

    def _load(self) -> None:
        """Read the file. Its last line may be torn: commands start after it is durable."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            return
        lines = self._path.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], 1):
            try:
                self._apply(_decoder.decode(line))
            except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
                raise NovaError(
                    f"{self._path} is damaged in line {number} ({error}): without it a command "
                    "could be executed twice. Move it away to start without the journal"
                ) from None

    def _apply(self, line: _JournalLine) -> None:
        match line:
            case _ForgottenLine():
                self.forgotten_before_ns = max(self.forgotten_before_ns, line.before_ns)
            case _ArrivalLine():
                self._entries[line.command_id] = _JournalEntry(line)
                self._requests.add(line.request_id)
            case _ResultLine():
                self._entries[line.command_id].result = line
                self._entries[line.command_id].stage = "ended"
            case _StartLine():
                self._entries[line.command_id].stage = "begun"
            case _PublishedLine():
                self._entries[line.command_id].stage = "told"


def _sync(file: int) -> None:
    """Sync a file by a duplicated descriptor, since the journal may replace its file meanwhile."""
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _result(ended: _ResultLine | None) -> Record | None:
    return None if ended is None else Record(ended.address, ended.value.encode())
