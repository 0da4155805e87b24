"""Reading exports back: the events of jsonl and MCAP files, as records that can be published again
with the same eventIds.

An export is a zip of `nova export`, a folder that it was unpacked to, a day's folder, whose files
may be compressed, or one file.
DriverBindings come first, including those in `export.json`: an archive that has them creates no
bindings of its own. Everything readable is read; what `export.json` lists beyond that is reported
at the end.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from nova.recordings import listed_manifest, member_reader
from nova.recordings.compressed_file import CompressedFile, plain_name
from nova.recordings.export_proof import ExportProof, matches_event_id
from nova.recordings.listed_manifest import MANIFEST_FILE, MANIFEST_MAX_BYTES, ExportManifest
from nova.recordings.mcap_reader import McapDamage
from nova.recordings.mcap_window import Readable
from nova.recordings.zip_reader import LOCAL, ZipReader
from nova.sdk.address import Address
from nova.sdk.drivers.driver_stream import stream_of
from nova.sdk.drivers.registry import BINDING_TYPE
from nova.sdk.errors import NovaError
from nova.sdk.events.event import without_stamp
from nova.sdk.producer.producer import PUBLISH_MAX_BYTES, PUBLISH_MAX_RECORDS
from nova.sdk.regular_file import open_regular
from nova.sdk.transport.base import Record

READABLE = (".jsonl", ".mcap")
ZIP_SUFFIX = ".zip"
VERIFIED_TOGETHER = 1_000
"""Number of events that are verified together."""

_BINDINGS_SUFFIX = f"metadata.{BINDING_TYPE}.jsonl"

DigestState = Literal["fits", "differs", "unchecked"]


class ExportContent(NamedTuple):
    """The readable files of an export in the order to read them, and the names of the others."""

    names: list[str]
    unread: list[str]


class ExportReader:
    """An export in a zip, a folder or a single file.

    `problems` lists what is missing or damaged, `notes` what is skipped. Both, and `digest`, are
    complete once all envelopes were read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closing = ExitStack()
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.digest: DigestState = "unchecked"
        try:
            self._zip = ZipReader(path) if _is_zip(path) else None
            names = self._names()
        except OSError as error:
            raise NovaError(f"{path} cannot be read: {error}") from error
        if self._zip is not None:
            self._closing.callback(self._zip.close)
            self.problems += filter(None, [self._zip.problem])
        readable = [name for name in names if plain_name(name).endswith(READABLE)]
        # Files of bindings go first; False sorts before True.
        readable.sort(key=lambda name: (not plain_name(name).endswith(_BINDINGS_SUFFIX), name))
        unread = [name for name in names if name not in readable and name != MANIFEST_FILE]
        self.has_manifest = MANIFEST_FILE in names
        if self._zip is not None and not self.has_manifest:
            self.problems.append(f"{MANIFEST_FILE} is missing: the content cannot be checked")
        self.content = ExportContent(readable, unread)
        self._event_counts: dict[str, int] = {}
        """Number of events read, by file."""

        self._skipped: dict[str, str] = {}
        """Notes on files that cannot be read back, by file."""

        self._faults: dict[str, list[str]] = {}
        """Faults by file."""

    def _names(self) -> list[str]:
        if self._zip is not None:
            return sorted(self._zip.members)
        if self._path.is_dir():
            found = (path for path in self._path.rglob("*") if path.is_file())
            return sorted(path.relative_to(self._path).as_posix() for path in found)
        return [self._path.name]

    def close(self) -> None:
        """Close the zip and delete temporary files."""
        self._closing.close()

    @contextmanager
    def _open(self, name: str) -> Iterator[Readable]:
        try:
            if self._zip is not None:
                member = self._zip.open(name)
                yield _plain(member, name)
                self._add_fault(name, member.problem)
            else:
                with BufferedReader(open_regular(self._path_of(name))) as file:
                    yield _plain(file, name)
        except OSError as error:
            raise NovaError(f"cannot be read: {error}") from error

    def _path_of(self, name: str) -> Path:
        return self._path / name if self._path.is_dir() else self._path

    def _add_fault(self, name: str, wrong: str) -> None:
        if wrong:
            self._faults.setdefault(name, []).append(wrong)

    def envelopes(self) -> Iterator[bytes]:
        """All readable envelopes, byte for byte as exported, in bounded memory. Faults are in
        `problems` at the end.
        """
        manifest = self._load_manifest() if self.has_manifest else None
        proof = None
        if manifest is not None:
            yield from self._binding_envelopes(manifest)
            proof = ExportProof(manifest.query.timebase)
            self._closing.callback(proof.close)
        listed = {one.path for one in manifest.files} if manifest is not None else set()
        unlisted = ExportProof()
        for name in self.content.names:
            yield from self._file_envelopes(
                name, proof if proof is not None and name in listed else unlisted
            )
        unread = self.content.unread
        if self._zip is not None:
            for name in unread:
                self._verify_checksum(name)
        if manifest is not None and proof is not None:
            self._compare_files(manifest)
            self._check_digest(manifest, proof)
        self.notes += [f"not read: {name}{self._skipped.get(name, '')}" for name in unread]
        for name, wrong in self._faults.items():
            self.problems.append(f"{name}: " + "; ".join(wrong))

    def _binding_envelopes(self, manifest: ExportManifest) -> Iterator[bytes]:
        unproved = 0
        for binding in manifest.bindings:
            envelope = msgspec.json.format(bytes(binding), indent=-1)  # Compact, as stored.
            unproved += not matches_event_id(envelope)
            yield envelope
        if unproved:
            self._add_fault(MANIFEST_FILE, f"{unproved:,} bindings do not match their eventIds")

    def _load_manifest(self) -> ExportManifest | None:
        try:
            with self._open(MANIFEST_FILE) as file:
                text = member_reader.read_whole(file, MANIFEST_FILE, MANIFEST_MAX_BYTES)
            manifest = listed_manifest.decode(text)
        except NovaError as error:
            self.problems.append(f"{MANIFEST_FILE}: {error}")
            return None
        return manifest

    def _file_envelopes(self, name: str, proof: ExportProof) -> Iterator[bytes]:
        damage = McapDamage()
        count = unproved = 0
        try:
            with self._open(name) as file:
                found = (
                    member_reader.read_mcap(file, name, damage)
                    if plain_name(name).endswith(".mcap")
                    else member_reader.read_lines(file, name)
                )
                for some in _grouped(found):
                    whole = proof.add(some)
                    count += whole
                    unproved += len(some) - whole
                    yield from some
        except NovaError as error:
            self._add_fault(name, str(error).removeprefix(f"{name}: "))
        self._event_counts[name] = count
        self._add_fault(name, damage.text().removeprefix(f"{name} "))
        if unproved:
            self._add_fault(name, f"{unproved:,} are not events, or do not match their eventIds")

    def _verify_checksum(self, name: str) -> None:
        """Read the file of another driver, only to verify its checksum."""
        try:
            with self._open(name) as file:
                while file.read(member_reader.READ_BYTES):
                    pass
        except NovaError as error:
            self._add_fault(name, str(error))

    def _compare_files(self, manifest: ExportManifest) -> None:
        there = {*self.content.names, *self.content.unread}
        for file in manifest.files:
            if file.path not in there:
                self._add_fault(
                    file.path, f"is missing, with {file.events:,} events ({file.driver})"
                )
                continue
            size = self._size(file.path)
            if size != file.bytes:
                self._add_fault(file.path, f"has {size:,} bytes, {file.bytes:,} were exported")
            read = self._event_counts.get(file.path)
            if read is None:
                self._skipped[file.path] = f", with {file.events:,} events of {file.driver}"
            elif read != file.events:
                self._add_fault(file.path, f"{read:,} of {file.events:,} events were read")
        for name in sorted(there - {file.path for file in manifest.files}):
            self.notes.append(f"not listed in {MANIFEST_FILE}: {name}")
        for failure in manifest.failures:
            what = failure.path or failure.target_id
            self._add_fault(what, f"{failure.events:,} events were not exported: {failure.reason}")

    def _size(self, name: str) -> int:
        if self._zip is not None:
            return self._zip.members[name].unpacked_bytes
        try:
            return self._path_of(name).stat().st_size
        except OSError:
            return 0

    def _check_digest(self, manifest: ExportManifest, proof: ExportProof) -> None:
        """Compare the digest of the events that were read, if all of the export is readable."""
        lost = sum(failure.events for failure in manifest.failures)
        if lost or any(not file.path.endswith(READABLE) for file in manifest.files):
            return
        promised = sum(file.events for file in manifest.files)
        if promised != manifest.events:
            self.problems.append(
                f"{MANIFEST_FILE}: lists {manifest.events:,} events, but {promised:,} in its files"
            )
        if proof.no_digest_reason:
            self.notes.append(f"the digest was not checked: {proof.no_digest_reason}")
            return
        self.digest = "fits" if proof.digest() == manifest.digest else "differs"
        if self.digest == "differs":
            self.problems.append(
                f"{MANIFEST_FILE}: the digest of the events that were read does not match"
            )


def _plain(file: Readable, name: str) -> Readable:
    """What a file was before it was compressed, if it is."""
    return file if plain_name(name) == name else CompressedFile(file, name)


def _grouped(found: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Group envelopes; if the reading fails, the group before the error is yielded first."""
    part: list[bytes] = []
    size_bytes = 0
    try:
        for envelope in found:
            part.append(envelope)
            size_bytes += len(envelope)
            if len(part) == VERIFIED_TOGETHER or size_bytes >= PUBLISH_MAX_BYTES:
                yield part
                part, size_bytes = [], 0
    except (NovaError, OSError):
        yield part
        raise
    yield part


def _is_zip(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if path.suffix == ZIP_SUFFIX or file.read(len(LOCAL)) == LOCAL:
            return True
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile:
        return True


def batches(
    found: Iterable[Record],
    max_records: int = PUBLISH_MAX_RECORDS,
    max_bytes: int = PUBLISH_MAX_BYTES,
) -> Iterator[list[Record]]:
    """Group records into batches of the size that one publish sends."""
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


def publishable_records(envelopes: Iterable[bytes]) -> Iterator[Record]:
    """Envelopes as records to publish, without their receive time."""
    for envelope in envelopes:
        envelope = without_stamp(envelope)
        try:
            stream = stream_of(envelope)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield Record(None, envelope)  # The Core will reject it and report why.
            continue
        ids = (stream.system_id, stream.container_id, stream.unique_id)
        yield Record(str(Address(stream.scope_id, stream.lane, *ids)), envelope)
