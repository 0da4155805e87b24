"""MCAP files read as far as they can be: behind damage reading goes on at the next whole record.

A file is read once, from its begin to its end, in memory that does not grow with it. What is
passed over is said with its place; what a file holds that NOVA has not written is refused whole.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from sdk.drivers.opening import CHECKPOINT_METADATA
from sdk.drivers.stream import stream_of
from sdk.mcap_chunk import CHUNK_HEAD, chunk_of, expanded
from sdk.mcap_window import HEAD, Readable, Window

PROFILE = "nova"
MAGIC = b"\x89MCAP0\r\n"
PLACES_MAX = 3
"""So many damaged places of a file are told one by one; all are counted."""

PROVED_BY_MESSAGES = 10
"""A file that names no profile is of NOVA if one of its first messages is an envelope."""

HEADER, FOOTER, CHANNEL, MESSAGE, CHUNK, INDEX, STATISTICS = 1, 2, 4, 5, 6, 7, 11
PRIVATE = 0x80
_LAST_OPCODE = 15
_MESSAGE_BYTES = 22
_INDEX_HEAD = struct.Struct("<HI")
_INDEX_ROW_BYTES = 16
_FOOTER_BYTES = 20
_STATISTICS_COUNT = struct.Struct("<Q")


@dataclass
class Damage:
    """What was passed over in one file, and what it says of itself."""

    places: int = 0
    bytes: int = 0
    first: list[str] = field(default_factory=list)
    messages: int = 0
    """All that were found, also those that are no events."""

    promised: int | None = None
    """As many as the file's own statistics say."""

    foreign: str = ""
    """Why the file is refused whole."""

    def add(self, what: str, size: int = 0) -> None:
        """One more place."""
        self.places += 1
        self.bytes += size
        if len(self.first) < PLACES_MAX:
            self.first.append(what)

    def text(self) -> str:
        """All of it in one line; empty where there is nothing to say."""
        if self.foreign:
            return self.foreign
        said = []
        if self.places:
            more = "; …" if self.places > len(self.first) else ""
            places = "place" if self.places == 1 else "places"
            said.append(
                f"damaged at {self.places:,} {places}, {self.bytes:,} bytes passed over: "
                + "; ".join(self.first)
                + more
            )
        if self.promised is not None and self.promised != self.messages:
            said.append(f"{self.messages:,} of {self.promised:,} messages were read")
        return "; ".join(said)


class _Record(msgspec.Struct):
    opcode: int
    at: int
    content: bytes


def events(file: Readable, name: str, damage: Damage, max_bytes: int) -> Iterator[bytes]:
    """The events of an MCAP file in the order of the file; what is wrong with it stands in
    `damage`. A record, and what a chunk expands to, may have `max_bytes`.
    """
    reading = _Reading(name, damage, max_bytes)
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
        if len(pending) == PROVED_BY_MESSAGES or pending_bytes > max_bytes:
            break
    if pending and not damage.foreign:
        damage.foreign = (
            f"{name} is no recording of NOVA: it names no profile and its messages are no "
            "envelopes; refused whole"
        )


def _is_envelope(message: bytes) -> bool:
    try:
        stream_of(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class _Reading:
    """One pass over a file."""

    def __init__(self, name: str, damage: Damage, max_bytes: int) -> None:
        self._name = name
        self._damage = damage
        self._max_bytes = max_bytes
        self._shown: set[int] = set()
        """Channels of what was shown, which is no event."""

        self.profile = ""

    def messages(self, file: Readable) -> Iterator[bytes]:
        """Those of events, until the file turns out to be another's."""
        window = Window(file)
        if window.peek(len(MAGIC)) == MAGIC:
            window.skip(len(MAGIC))
        else:
            self._damage.add("it does not begin as an MCAP file")
        for record in _records(window, self._damage, self._max_bytes, ""):
            if record.opcode == HEADER and not self._is_ours(record.content):
                return
            if record.opcode == CHUNK:
                yield from self._of_chunk(record)
            else:
                yield from self._take(record)

    def _is_ours(self, content: bytes) -> bool:
        size = int.from_bytes(content[:4], "little")
        self.profile = content[4 : 4 + size].decode(errors="replace")
        if self.profile in ("", PROFILE):
            return True
        self._damage.foreign = (
            f"{self._name} is no recording of NOVA: its profile is {self.profile[:64]!r}, not "
            f"{PROFILE!r}; refused whole"
        )
        return False

    def _take(self, record: _Record) -> Iterator[bytes]:
        if record.opcode == CHANNEL:
            self._note(record)
        elif record.opcode == STATISTICS and len(record.content) >= _STATISTICS_COUNT.size:
            (self._damage.promised,) = _STATISTICS_COUNT.unpack_from(record.content)
        elif record.opcode == MESSAGE:
            self._damage.messages += 1
            if int.from_bytes(record.content[:2], "little") not in self._shown:
                yield record.content[_MESSAGE_BYTES:]

    def _note(self, record: _Record) -> None:
        from mcap.data_stream import ReadDataStream
        from mcap.exceptions import McapError
        from mcap.records import Channel

        try:
            channel = Channel.read(ReadDataStream(io.BytesIO(record.content)))
        except (McapError, ValueError, struct.error) as error:
            self._damage.add(f"the channel at byte {record.at:,}: {error}", len(record.content))
            return
        if channel.metadata == CHECKPOINT_METADATA:
            self._shown.add(channel.id)

    def _of_chunk(self, record: _Record) -> Iterator[bytes]:
        """What a chunk holds; of a cut or damaged one as much as can be expanded."""
        where = f"the chunk at byte {record.at:,}"
        chunk = chunk_of(record.content)
        data, wrong = expanded(chunk, self._max_bytes)
        if not wrong and chunk.uncompressed_crc not in (0, zlib.crc32(data)):
            wrong = "it differs from its checksum"
        if wrong:
            self._damage.add(f"{where}: {wrong}", max(chunk.uncompressed_size - len(data), 0))
        inner = Window(io.BytesIO(data))
        for one in _records(inner, self._damage, self._max_bytes, f" of {where}", bool(wrong)):
            yield from self._take(one)


def _records(
    window: Window, damage: Damage, max_bytes: int, where: str, is_cut: bool = False
) -> Iterator[_Record]:
    """The records from here on; `where` names the chunk that they stand in, and of one that is cut
    already it is not said again that it ends too early.
    """
    while window.has(1):
        record, size = _whole(window, max_bytes, is_inner=bool(where))
        if record is not None:
            window.skip(size)
            yield record
            if record.opcode == FOOTER and not where:
                return
            continue
        begin, what = window.at, _reason(window, max_bytes)
        window.skip(1)
        passed = 1
        while True:
            passed += window.seek_begin()
            if not window.has(1) or _whole(window, max_bytes, is_inner=bool(where))[0] is not None:
                break
            window.skip(1)
            passed += 1
        if not is_cut:
            damage.add(f"{what} at byte {begin:,}{where}", passed)
    if not where:
        damage.add("it ends without the end of an MCAP file")


def _reason(window: Window, max_bytes: int) -> str:
    head = window.peek(HEAD.size)
    if len(head) == HEAD.size and _is_opcode(head[0]):
        size = HEAD.unpack(head)[1]
        if size > max_bytes:
            return f"a record that says it has {size:,} bytes, {max_bytes:,} are read at most,"
    return "no whole record"


def _is_opcode(opcode: int) -> bool:
    return 1 <= opcode <= _LAST_OPCODE or opcode >= PRIVATE


def _whole(window: Window, max_bytes: int, *, is_inner: bool) -> tuple[_Record | None, int]:
    """The record that begins here, with its size in the file; none where it cannot be one."""
    head = window.peek(HEAD.size)
    if len(head) < HEAD.size:
        return None, 0
    opcode, size = HEAD.unpack(head)
    if not _is_opcode(opcode) or size > max_bytes or (is_inner and opcode in (CHUNK, FOOTER)):
        return None, 0
    if opcode == CHUNK and not _agrees(window, size):
        return None, 0
    behind = HEAD.size + size
    if not window.has(behind):
        if opcode != CHUNK:
            return None, 0
        content = window.peek(size, HEAD.size)  # The last one of a file that was cut.
        return _Record(opcode, window.at, content), HEAD.size + len(content)
    if opcode == INDEX:
        rows = _INDEX_HEAD.unpack(window.peek(_INDEX_HEAD.size, HEAD.size))[1] if size >= 6 else -1
        if size != _INDEX_HEAD.size + rows:
            return None, 0
    elif opcode == FOOTER:
        if size != _FOOTER_BYTES or window.peek(len(MAGIC) + 1, behind) != MAGIC:
            return None, 0
    elif opcode == MESSAGE:
        if size < _MESSAGE_BYTES:
            return None, 0
        is_text = window.peek(1, HEAD.size + _MESSAGE_BYTES) == b"{"
        is_closed = is_text and window.peek(1, behind - 1) == b"}"
        if not is_closed and not _begins(window, behind, max_bytes):
            return None, 0
    elif opcode != CHUNK and not _begins(window, behind, max_bytes):
        return None, 0
    return _Record(opcode, window.at, window.peek(size, HEAD.size)), behind


def _begins(window: Window, ahead: int, max_bytes: int) -> bool:
    """Whether a record may begin so far ahead, or the file ends there."""
    head = window.peek(HEAD.size, ahead)
    if len(head) < HEAD.size:
        return not head
    opcode, size = HEAD.unpack(head)
    return _is_opcode(opcode) and size <= max_bytes


def _agrees(window: Window, size: int) -> bool:
    """Whether a chunk's own lengths are those of its record."""
    head = window.peek(CHUNK_HEAD.size, HEAD.size)
    if len(head) < CHUNK_HEAD.size:
        return False
    name_bytes = CHUNK_HEAD.unpack(head)[4]
    if name_bytes > len(b"zstd"):
        return False
    length = window.peek(8, HEAD.size + CHUNK_HEAD.size + name_bytes)
    inner = int.from_bytes(length, "little")
    return len(length) == 8 and inner == size - CHUNK_HEAD.size - name_bytes - len(length)
