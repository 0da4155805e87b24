"""Reading of MCAP files that tolerates damage: after a damaged place reading resumes at the next
whole record.

A file is read once, front to back, in constant memory. Skipped bytes are reported with their
offset. A file that NOVA did not write is refused as a whole.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from nova.recordings.mcap_chunk import CHUNK_HEAD, decompress, parse_chunk
from nova.recordings.mcap_window import RECORD_HEAD, LookaheadWindow, Readable
from nova.sdk.drivers.driver_stream import stream_of
from nova.sdk.drivers.initial_state import CHECKPOINT_METADATA

PROFILE = "nova"
MAGIC = b"\x89MCAP0\r\n"
EXAMPLES_MAX = 3
"""Damaged places of a file that are reported one by one; all are counted."""

PROFILE_CHECK_MESSAGES = 10
"""A file without a profile is NOVA's if one of its first messages is an envelope."""

HEADER, FOOTER, CHANNEL, MESSAGE, CHUNK, INDEX, STATISTICS = 1, 2, 4, 5, 6, 7, 11
PRIVATE = 0x80
_LAST_OPCODE = 15
_MESSAGE_BYTES = 22
_INDEX_HEAD = struct.Struct("<HI")
_INDEX_ROW_BYTES = 16
_FOOTER_BYTES = 20
_STATISTICS_COUNT = struct.Struct("<Q")


@dataclass
class McapDamage:
    """The damage of one file, and its own message count."""

    places: int = 0
    bytes: int = 0
    examples: list[str] = field(default_factory=list)
    messages: int = 0
    """Messages found, including those that are not events."""

    declared_messages: int | None = None
    """The message count in the file's statistics record."""

    refusal: str = ""
    """Why the file is refused as a whole."""

    def add(self, what: str, size: int = 0) -> None:
        self.places += 1
        self.bytes += size
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(what)

    def text(self) -> str:
        """A one-line description; empty if there is no damage."""
        if self.refusal:
            return self.refusal
        problems = []
        if self.places:
            more = "; …" if self.places > len(self.examples) else ""
            places = "place" if self.places == 1 else "places"
            problems.append(
                f"damaged at {self.places:,} {places}, {self.bytes:,} bytes skipped: "
                + "; ".join(self.examples)
                + more
            )
        if self.declared_messages is not None and self.declared_messages != self.messages:
            problems.append(f"{self.messages:,} of {self.declared_messages:,} messages were read")
        return "; ".join(problems)


class McapRecord(msgspec.Struct):
    opcode: int
    at: int
    content: bytes


def read_events(file: Readable, name: str, damage: McapDamage, max_bytes: int) -> Iterator[bytes]:
    """The events of an MCAP file in file order; faults are added to `damage`. `max_bytes` limits
    records and decompressed chunks.
    """
    reading = _McapPass(name, damage, max_bytes)
    pending: list[bytes] | None = []
    pending_bytes = 0
    for message in reading.messages(file):
        if pending is None or reading.profile == PROFILE:
            yield from pending or ()
            pending = None
            yield message
            continue
        pending.append(message)
        if _is_envelope(message):
            yield from pending
            pending = None
            continue
        pending_bytes += len(message)
        if len(pending) == PROFILE_CHECK_MESSAGES or pending_bytes > max_bytes:
            break
    if pending and not damage.refusal:
        damage.refusal = (
            f"{name} is not a NOVA recording: it has no profile and its messages are not "
            "envelopes; refused"
        )


def _is_envelope(message: bytes) -> bool:
    try:
        stream_of(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class _McapPass:
    """One pass over a file."""

    def __init__(self, name: str, damage: McapDamage, max_bytes: int) -> None:
        self._name = name
        self._damage = damage
        self._max_bytes = max_bytes
        self._checkpoint_channels: set[int] = set()
        """Channels of checkpoints, whose messages are not events."""

        self.profile = ""

    def messages(self, file: Readable) -> Iterator[bytes]:
        """The messages of events; ends early if the file's profile is not NOVA's."""
        window = LookaheadWindow(file)
        if window.peek(len(MAGIC)) == MAGIC:
            window.skip(len(MAGIC))
        else:
            self._damage.add("it does not start as an MCAP file")
        for record in mcap_records(window, self._damage, self._max_bytes, ""):
            if record.opcode == HEADER and not self._is_ours(record.content):
                return
            if record.opcode == CHUNK:
                yield from self._chunk_events(record)
            else:
                yield from self._handle_record(record)

    def _is_ours(self, content: bytes) -> bool:
        size = int.from_bytes(content[:4], "little")
        self.profile = content[4 : 4 + size].decode(errors="replace")
        if self.profile in ("", PROFILE):
            return True
        self._damage.refusal = (
            f"{self._name} is not a NOVA recording: its profile is {self.profile[:64]!r}, not "
            f"{PROFILE!r}; refused"
        )
        return False

    def _handle_record(self, record: McapRecord) -> Iterator[bytes]:
        if record.opcode == CHANNEL:
            self._register_channel(record)
        elif record.opcode == STATISTICS and len(record.content) >= _STATISTICS_COUNT.size:
            (self._damage.declared_messages,) = _STATISTICS_COUNT.unpack_from(record.content)
        elif record.opcode == MESSAGE:
            self._damage.messages += 1
            if int.from_bytes(record.content[:2], "little") not in self._checkpoint_channels:
                yield record.content[_MESSAGE_BYTES:]

    def _register_channel(self, record: McapRecord) -> None:
        from mcap.data_stream import ReadDataStream
        from mcap.exceptions import McapError
        from mcap.records import Channel

        try:
            channel = Channel.read(ReadDataStream(io.BytesIO(record.content)))
        except (McapError, ValueError, struct.error) as error:
            self._damage.add(f"the channel at byte {record.at:,}: {error}", len(record.content))
            return
        if channel.metadata == CHECKPOINT_METADATA:
            self._checkpoint_channels.add(channel.id)

    def _chunk_events(self, record: McapRecord) -> Iterator[bytes]:
        """The events of a chunk; of a truncated or damaged one, those that can be decompressed."""
        where = f"the chunk at byte {record.at:,}"
        chunk = parse_chunk(record.content)
        data, wrong = decompress(chunk, self._max_bytes)
        if not wrong and chunk.uncompressed_crc not in (0, zlib.crc32(data)):
            wrong = "does not match its checksum"
        if wrong:
            self._damage.add(f"{where}: {wrong}", max(chunk.uncompressed_size - len(data), 0))
        inner = LookaheadWindow(io.BytesIO(data))
        for one in mcap_records(inner, self._damage, self._max_bytes, f" of {where}", bool(wrong)):
            yield from self._handle_record(one)


def mcap_records(
    window: LookaheadWindow, damage: McapDamage, max_bytes: int, where: str, is_cut: bool = False
) -> Iterator[McapRecord]:
    """The records from here on. `where` names the enclosing chunk (empty at file level). With
    `is_cut`, its damage is already reported, so an incomplete record at its end is not.
    """
    while window.has(1):
        record, size = _record_at(window, max_bytes, is_inner=bool(where))
        if record is not None:
            window.skip(size)
            yield record
            if record.opcode == FOOTER and not where:
                return
            continue
        begin, what = window.at, _damage_reason(window, max_bytes)
        window.skip(1)
        passed = 1
        while True:
            passed += window.seek_record()
            if (
                not window.has(1)
                or _record_at(window, max_bytes, is_inner=bool(where))[0] is not None
            ):
                break
            window.skip(1)
            passed += 1
        if not is_cut:
            damage.add(f"{what} at byte {begin:,}{where}", passed)
    if not where:
        damage.add("it ends without an MCAP footer")


def _damage_reason(window: LookaheadWindow, max_bytes: int) -> str:
    head = window.peek(RECORD_HEAD.size)
    if len(head) == RECORD_HEAD.size and _is_opcode(head[0]):
        size = RECORD_HEAD.unpack(head)[1]
        if size > max_bytes:
            return f"a record of {size:,} bytes, over the limit of {max_bytes:,},"
    return "an incomplete record"


def _is_opcode(opcode: int) -> bool:
    return 1 <= opcode <= _LAST_OPCODE or opcode >= PRIVATE


def _record_at(
    window: LookaheadWindow, max_bytes: int, *, is_inner: bool
) -> tuple[McapRecord | None, int]:
    """The record at the window and its size in the file; None if it cannot be a record."""
    head = window.peek(RECORD_HEAD.size)
    if len(head) < RECORD_HEAD.size:
        return None, 0
    opcode, size = RECORD_HEAD.unpack(head)
    if not _is_opcode(opcode) or size > max_bytes or (is_inner and opcode in (CHUNK, FOOTER)):
        return None, 0
    if opcode == CHUNK and not _lengths_agree(window, size):
        return None, 0
    behind = RECORD_HEAD.size + size
    if not window.has(behind):
        if opcode != CHUNK:
            return None, 0
        content = window.peek(size, RECORD_HEAD.size)  # The last chunk of a truncated file.
        return McapRecord(opcode, window.at, content), RECORD_HEAD.size + len(content)
    if opcode == INDEX:
        rows = (
            _INDEX_HEAD.unpack(window.peek(_INDEX_HEAD.size, RECORD_HEAD.size))[1]
            if size >= 6
            else -1
        )
        if size != _INDEX_HEAD.size + rows:
            return None, 0
    elif opcode == FOOTER:
        if size != _FOOTER_BYTES or window.peek(len(MAGIC) + 1, behind) != MAGIC:
            return None, 0
    elif opcode == MESSAGE:
        if size < _MESSAGE_BYTES:
            return None, 0
        is_text = window.peek(1, RECORD_HEAD.size + _MESSAGE_BYTES) == b"{"
        is_closed = is_text and window.peek(1, behind - 1) == b"}"
        if not is_closed and not _may_begin(window, behind, max_bytes):
            return None, 0
    elif opcode != CHUNK and not _may_begin(window, behind, max_bytes):
        return None, 0
    return McapRecord(opcode, window.at, window.peek(size, RECORD_HEAD.size)), behind


def _may_begin(window: LookaheadWindow, ahead: int, max_bytes: int) -> bool:
    """Whether a record may begin at this distance, or the file ends there."""
    head = window.peek(RECORD_HEAD.size, ahead)
    if len(head) < RECORD_HEAD.size:
        return not head
    opcode, size = RECORD_HEAD.unpack(head)
    return _is_opcode(opcode) and size <= max_bytes


def _lengths_agree(window: LookaheadWindow, size: int) -> bool:
    """Whether the lengths inside a chunk agree with the length of its record."""
    head = window.peek(CHUNK_HEAD.size, RECORD_HEAD.size)
    if len(head) < CHUNK_HEAD.size:
        return False
    name_bytes = CHUNK_HEAD.unpack(head)[4]
    if name_bytes > len(b"zstd"):
        return False
    length = window.peek(8, RECORD_HEAD.size + CHUNK_HEAD.size + name_bytes)
    inner = int.from_bytes(length, "little")
    return len(length) == 8 and inner == size - CHUNK_HEAD.size - name_bytes - len(length)
