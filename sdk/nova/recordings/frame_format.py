"""Formats of transfer frames, as `--frames` states them: `aos:892,random,rs=128`, `tm:1115,crc`.

CCSDS 132.0-B (TM) and 732.0-B (AOS), in the channel access data units of 131.0-B.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from nova.recordings.recording import RecordingError
from nova.recordings.reed_solomon import corrected, interleave_of
from nova.sdk.errors import NovaError

SYNC_MARK = bytes.fromhex("1acffc1d")
FRAME_MAX_BYTES = 65_536
FRAME_MIN_BYTES = 16
CRC_START = 0xFFFF
CRC_BYTES, CONTROL_BYTES = 2, 4
TM_HEAD_BYTES, AOS_HEAD_BYTES, POINTER_BYTES = 6, 6, 2
NO_FIRST, ONLY_IDLE = 0x7FF, 0x7FE
IDLE_CHANNEL = 63
_SPEC = re.compile(r"(tm|aos):(\d{1,5})((?:,[a-z]+(?:=\d{1,5})?)*)", re.ASCII)
_SWITCHES = ("random", "crc", "ocf", "fhec", "nosync")
_SIZES = ("rs", "insert", "correct")
UNCORRECTABLE = "a frame that cannot be corrected: it has too many errors"
EXPECTED = (
    "tm:BYTES or aos:BYTES (of a frame without its mark and check symbols), then any of ,random "
    ",rs=BYTES ,correct=16|8 ,crc ,ocf ,insert=BYTES ,fhec ,nosync"
)


class FrameError(NovaError):
    """A frame that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class TransferFrame:
    """One frame: its virtual channel, its count there, and where the first packet begins in `data`
    (None if none does).
    """

    channel: int
    count: int
    first: int | None
    data: bytes
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """The managed parameters of a channel."""

    kind: str
    size_bytes: int
    is_random: bool = False
    rs_bytes: int = 0
    correctable: int = 0
    """The wrong bytes of a codeword that are corrected; 0 if check symbols are not used."""
    has_crc: bool = False
    has_control: bool = False
    insert_bytes: int = 0
    has_head_check: bool = False
    has_sync: bool = True

    @property
    def unit_bytes(self) -> int:
        """The distance of frames in a recording."""
        return len(SYNC_MARK) * self.has_sync + self.size_bytes + self.rs_bytes

    @property
    def count_modulo(self) -> int:
        """The count at which that of a virtual channel begins again."""
        return 1 << 24 if self.kind == "aos" else 1 << 8

    def read(self, unit: bytes) -> TransferFrame:
        """The frame of a unit, which begins behind the mark; raises FrameError."""
        if self.is_random:
            unit = derandomized(unit)
        if self.correctable:
            unit = self._corrected(unit)
        frame = unit[: self.size_bytes]
        if self.has_crc and binascii.crc_hqx(frame, CRC_START):
            raise FrameError("a frame whose CRC is wrong")
        return self._aos(frame) if self.kind == "aos" else self._tm(frame)

    def _corrected(self, unit: bytes) -> bytes:
        interleave = interleave_of(self.size_bytes, self.rs_bytes, self.correctable)
        assert interleave is not None
        whole = corrected(unit, interleave, self.correctable)
        if whole is None:
            raise FrameError(UNCORRECTABLE)
        return whole

    def _tm(self, frame: bytes) -> TransferFrame:
        head = int.from_bytes(frame[:2])
        if head >> 14:
            raise FrameError(f"a frame of version {(head >> 14) + 1}, which is not TM")
        status = int.from_bytes(frame[4:6])
        begin = TM_HEAD_BYTES
        if status & 0x8000:
            begin += (frame[TM_HEAD_BYTES] & 0x3F) + 1
        if status & 0x4000:
            raise FrameError("a frame without packets (its synchronisation flag is set)")
        end = self.size_bytes - CRC_BYTES * self.has_crc - CONTROL_BYTES * (head & 1)
        return self._frame(head >> 1 & 7, frame[3], status & 0x7FF, frame[begin:end])

    def _aos(self, frame: bytes) -> TransferFrame:
        head = int.from_bytes(frame[:2])
        if head >> 14 != 1:
            raise FrameError(f"a frame of version {(head >> 14) + 1}, which is not AOS")
        begin = AOS_HEAD_BYTES + 2 * self.has_head_check + self.insert_bytes
        end = self.size_bytes - CRC_BYTES * self.has_crc - CONTROL_BYTES * self.has_control
        pointer = int.from_bytes(frame[begin : begin + POINTER_BYTES]) & 0x7FF
        channel, count = head & 0x3F, int.from_bytes(frame[2:5])
        if channel == IDLE_CHANNEL:
            pointer = ONLY_IDLE
        return self._frame(channel, count, pointer, frame[begin + POINTER_BYTES : end])

    def _frame(self, channel: int, count: int, pointer: int, data: bytes) -> TransferFrame:
        if pointer in (NO_FIRST, ONLY_IDLE):
            return TransferFrame(channel, count, None, data, is_idle=pointer == ONLY_IDLE)
        if pointer >= len(data):
            raise FrameError("a frame whose first packet begins behind its end")
        return TransferFrame(channel, count, pointer, data)


def parse_frame_format(text: str) -> FrameFormat:
    """Parse `--frames`; raises RecordingError."""
    match = _SPEC.fullmatch(text)
    if match is None:
        raise RecordingError(f"--frames {text!r} is not {EXPECTED}")
    switches: set[str] = set()
    sizes = dict.fromkeys(_SIZES, 0)
    for part in match[3].split(",")[1:]:
        name, _, size = part.partition("=")
        if name in _SWITCHES and not size:
            switches.add(name)
        elif name in _SIZES and size:
            sizes[name] = int(size)
        else:
            raise RecordingError(f"--frames {text!r}: {part!r} is not known; {EXPECTED}")
    size_bytes = int(match[2])
    if not FRAME_MIN_BYTES + sizes["insert"] <= size_bytes <= FRAME_MAX_BYTES:
        raise RecordingError(
            f"--frames {text!r}: a frame has {FRAME_MIN_BYTES} to {FRAME_MAX_BYTES} bytes"
        )
    correctable = sizes["correct"]
    if "correct" in text and interleave_of(size_bytes, sizes["rs"], correctable) is None:
        raise RecordingError(
            f"--frames {text!r}: no code of CCSDS 131.0 has these sizes: rs= is 2 × correct= (16 "
            "or 8) for each of 1, 2, 3, 4, 5 or 8 codewords, of at most 255 bytes with their part "
            "of the frame"
        )
    return FrameFormat(
        match[1],
        size_bytes,
        is_random="random" in switches,
        rs_bytes=sizes["rs"],
        correctable=correctable,
        has_crc="crc" in switches,
        has_control="ocf" in switches,
        insert_bytes=sizes["insert"],
        has_head_check="fhec" in switches,
        has_sync="nosync" not in switches,
    )


def _random_sequence() -> bytes:
    """CCSDS 131.0-B, 10.4: x^8 + x^7 + x^5 + x^3 + 1, all ones at the start; it repeats."""
    state, found = 0xFF, bytearray()
    for _ in range(255):
        byte = 0
        for _ in range(8):
            byte = byte << 1 | state >> 7
            new = (state >> 7 ^ state >> 4 ^ state >> 2 ^ state) & 1
            state = state << 1 & 0xFF | new
        found.append(byte)
    return bytes(found)


_RANDOM = _random_sequence()


def derandomized(data: bytes) -> bytes:
    """The bytes without the pseudo-random sequence, which is the same operation both ways."""
    sequence = (_RANDOM * (len(data) // len(_RANDOM) + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(sequence)).to_bytes(len(data))
