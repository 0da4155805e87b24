"""Frames between NOVA's own processes: MessagePack, with an optional body of raw bytes.

On a pipe the sizes of head and body come first. WebSockets keep the bounds of messages themselves,
so a frame is the head alone there. Replies come in the order of the requests, or carry their `ref`
(`pending_replies.py`).
"""

from __future__ import annotations

import asyncio
import os
import struct
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from nova.sdk.errors import NovaError

MessageT = TypeVar("MessageT")

SIZES = struct.Struct(">IQ")
"""The sizes of head and body in bytes."""

FRAME_MAX_BYTES: Final = 256 * 1024 * 1024
"""Head and body of a frame on a pipe. Text that something prints into it is taken for a larger size
(four bytes from 0x20 on), and so is an error at once.
"""

_encoder = msgspec.msgpack.Encoder()


class ChannelError(NovaError):
    """A peer sent what is not a frame, or ended or fell silent while a reply was expected."""


class FrameCodec(Generic[MessageT]):
    """Encodes and decodes one type of message, which may be a union."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[MessageT] = msgspec.msgpack.Decoder(kind)

    def encode(self, message: MessageT) -> bytes:
        return _encoder.encode(message)

    def decode(self, head: bytes | bytearray) -> MessageT:
        """Raises ChannelError with the member and the rule that it breaks."""
        try:
            return self._decoder.decode(head)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ChannelError(str(error)) from None


class Frame(NamedTuple):
    """A received frame; the head is not decoded yet."""

    head: bytes | bytearray
    body: bytes | bytearray


def framed(head: bytes, body_bytes: int = 0) -> bytes:
    """A head with the sizes that precede it; the body follows."""
    return SIZES.pack(len(head), body_bytes) + head


def write_frame(descriptor: int, head: bytes, body: bytes = b"") -> None:
    """Write a frame to a pipe; raises BrokenPipeError if its reader has ended."""
    write_all(descriptor, framed(head, len(body)))
    if body:
        write_all(descriptor, body)


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _checked_sizes(packed: bytes | bytearray, max_bytes: int) -> tuple[int, int]:
    head_bytes, body_bytes = SIZES.unpack(packed)
    if head_bytes + body_bytes > max_bytes:
        raise ChannelError(
            f"a frame claims {head_bytes + body_bytes} bytes, the limit is {max_bytes}"
        )
    return head_bytes, body_bytes


class FrameReader:
    """Reads frames from a pipe and blocks meanwhile.

    It reads the descriptor without a buffered file, whose lock a daemon thread would still hold at
    the end of the interpreter.
    """

    def __init__(self, descriptor: int, max_bytes: int = FRAME_MAX_BYTES) -> None:
        self._descriptor = descriptor
        self._max_bytes = max_bytes

    def read(self) -> Frame | None:
        """The next frame; None if the peer has ended, even in the middle of one. Raises
        ChannelError.
        """
        packed = self._read(SIZES.size)
        if packed is None:
            return None
        head_bytes, body_bytes = _checked_sizes(packed, self._max_bytes)
        head, body = self._read(head_bytes), self._read(body_bytes)
        return None if head is None or body is None else Frame(head, body)

    def _read(self, size: int) -> bytearray | None:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = os.readv(self._descriptor, [view])
            if not count:
                return None
            view = view[count:]
        return data


class AsyncFrameReader:
    """Reads frames from a stream. A cancelled `read` loses nothing: the next one resumes it."""

    def __init__(self, stream: asyncio.StreamReader, max_bytes: int = FRAME_MAX_BYTES) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._sizes: tuple[int, int] | None = None

    async def read(self) -> Frame | None:
        """The next frame; None if the peer has ended, even in the middle of one. Raises
        ChannelError.
        """
        try:
            if self._sizes is None:
                packed = await self._stream.readexactly(SIZES.size)
                self._sizes = _checked_sizes(packed, self._max_bytes)
            head_bytes, body_bytes = self._sizes
            data = await self._stream.readexactly(head_bytes + body_bytes)
        except asyncio.IncompleteReadError:
            return None
        self._sizes = None
        return Frame(data[:head_bytes], data[head_bytes:]) if body_bytes else Frame(data, b"")
