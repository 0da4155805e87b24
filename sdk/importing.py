"""Reading exports back: the events of jsonl and MCAP files, as records that may be published again
with the same eventIds.

An export is a zip of `nova export`, a folder that it was unpacked to, a day's folder, or one file.
DriverBindings come first, those in `export.json` too: an archive that knows them binds nothing by
itself.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from sdk import members
from sdk.address import Address
from sdk.drivers.registry import BINDING_TYPE
from sdk.drivers.stream import stream_of
from sdk.errors import NovaError
from sdk.event import without_stamp
from sdk.producer import PUBLISH_MAX_BYTES, PUBLISH_MAX_RECORDS
from sdk.transport.base import Record

MANIFEST_FILE = "export.json"
READABLE = (".jsonl", ".mcap")
_BINDINGS_END = f"metadata.{BINDING_TYPE}.jsonl"


# Damage in a zip shows as any of these, an encrypted or unknown member as the last two.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class _Manifest(msgspec.Struct, rename="camel"):
    bindings: list[msgspec.Raw]


class Content(NamedTuple):
    """The files of an export that can be read back, in the order in which they should be, and the
    names of those that cannot.
    """

    names: list[str]
    unread: list[str]


class Source:
    """An export, wherever it lies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = _opened(path) if zipfile.is_zipfile(path) else None
        names = self._names()
        readable = [name for name in names if name.endswith(READABLE)]
        # A binding's file before all others; False sorts before True.
        readable.sort(key=lambda name: (not name.endswith(_BINDINGS_END), name))
        unread = [name for name in names if name not in readable and name != MANIFEST_FILE]
        self._has_manifest = MANIFEST_FILE in names
        self.content = Content(readable, unread)

    def _names(self) -> list[str]:
        if self._zip is not None:
            return sorted(entry.filename for entry in self._zip.infolist() if not entry.is_dir())
        if self._path.is_dir():
            found = (path for path in self._path.rglob("*") if path.is_file())
            return sorted(path.relative_to(self._path).as_posix() for path in found)
        return [self._path.name]

    def close(self) -> None:
        """Let go of the zip."""
        if self._zip is not None:
            self._zip.close()

    @contextmanager
    def _open(self, name: str) -> Iterator[BinaryIO]:
        try:
            if self._zip is not None:
                with self._zip.open(name) as inner:
                    yield inner  # type: ignore[misc]  # it reads bytes
            else:
                path = self._path / name if self._path.is_dir() else self._path
                with path.open("rb") as file:
                    yield file
        except (*_UNREADABLE, OSError) as error:
            raise NovaError(f"{name} of {self._path} cannot be read: {error}") from error

    def envelopes(self) -> Iterator[bytes]:
        """All envelopes, byte for byte as they were exported, in bounded memory; raises NovaError
        where a file cannot be read.
        """
        if self._has_manifest:
            yield from self._bindings()
        for name in self.content.names:
            with self._open(name) as file:
                read = members.messages if name.endswith(".mcap") else members.lines
                yield from read(file, name)

    def _bindings(self) -> Iterator[bytes]:
        with self._open(MANIFEST_FILE) as file:
            text = members.whole(file, MANIFEST_FILE)
        try:
            # One by one, for as objects they take ten times what they take as text.
            for binding in msgspec.json.decode(text, type=_Manifest).bindings:
                yield msgspec.json.encode(msgspec.json.decode(binding))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NovaError(f"{MANIFEST_FILE} is no manifest: {error}") from error


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (*_UNREADABLE, OSError, ValueError) as error:
        raise NovaError(f"{path} is no whole zip: {error}") from error


def parts(
    found: Iterable[Record],
    max_records: int = PUBLISH_MAX_RECORDS,
    max_bytes: int = PUBLISH_MAX_BYTES,
) -> Iterator[list[Record]]:
    """Records some at once, as many as are published at once."""
    part: list[Record] = []
    size_bytes = 0
    for record in found:
        part.append(record)
        size_bytes += len(record.value)
        if len(part) == max_records or size_bytes >= max_bytes:
            yield part
            part, size_bytes = [], 0
    if part:
        yield part


def records(envelopes: Iterable[bytes]) -> Iterator[Record]:
    """Envelopes as they can be published: without the time at which they were received."""
    for envelope in envelopes:
        envelope = without_stamp(envelope)
        try:
            stream = stream_of(envelope)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Record(None, envelope)  # What is wrong with it the Core will say.
            continue
        ids = (stream.system_id, stream.container_id, stream.unique_id)
        yield Record(str(Address(stream.scope_id, stream.lane, *ids)), envelope)
