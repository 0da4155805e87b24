"""Frames over pipes: they are read as written; anything else is one clear error."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.channel import (
    SIZES,
    AsyncFrameReader,
    ChannelError,
    FrameCodec,
    FrameReader,
    framed,
    write_frame,
)
from tests.laws import law

MAX_BYTES = 100_000


class Pipe(NamedTuple):
    """Both ends of a pipe."""

    reading: int
    writing: int


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe(*os.pipe())
    yield made
    for descriptor in made:
        os.close(descriptor)


def stream_of(*parts: bytes, is_ended: bool = True) -> asyncio.StreamReader:
    """A stream that has received these bytes."""
    stream = asyncio.StreamReader()
    for part in parts:
        stream.feed_data(part)
    if is_ended:
        stream.feed_eof()
    return stream


def test_frames_come_out_as_they_went_in() -> None:
    """Also those that do not fit into the pipe at once."""
    pipe = Pipe(*os.pipe())
    sent = [(b"", b""), (b"head", b""), (b"h" * 70_000, b"b" * 200_000), (b"", b"body")]

    def write() -> None:
        for head, body in sent:
            write_frame(pipe.writing, head, body)
        os.close(pipe.writing)

    writing = threading.Thread(target=write)
    writing.start()
    reader = FrameReader(pipe.reading)
    for head, body in sent:
        frame = reader.read()
        assert frame is not None and (frame.head, frame.body) == (head, body)
    assert reader.read() is None
    writing.join()
    os.close(pipe.reading)


@law(50)
@given(st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=40)), max_size=4), st.data())
def test_an_end_in_the_middle_of_a_frame_is_the_end(
    sent: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    """A peer that is killed while it writes: all whole frames come, and then the end."""
    whole = b"".join(framed(head, len(body)) + body for head, body in sent)
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    reading, writing = os.pipe()
    os.write(writing, cut)
    os.close(writing)
    reader = FrameReader(reading)
    got = [(bytes(frame.head), bytes(frame.body)) for frame in iter(reader.read, None)]
    os.close(reading)

    async def read_stream() -> list[tuple[bytes, bytes]]:
        frames = AsyncFrameReader(stream_of(cut))
        found = []
        while (frame := await frames.read()) is not None:
            found.append((bytes(frame.head), bytes(frame.body)))
        return found

    assert got == asyncio.run(read_stream()) == sent[: len(got)]
    sizes = [SIZES.size + len(head) + len(body) for head, body in sent]
    assert sum(sizes[: len(got)]) <= len(cut) < sum(sizes[: len(got) + 1]) or len(got) == len(sent)


async def test_a_frame_over_the_limit_is_refused_before_it_is_read(pipe: Pipe) -> None:
    """One of exactly the limit passes."""
    for head, body in ((MAX_BYTES, 1), (1, MAX_BYTES), (MAX_BYTES + 1, 0)):
        packed = SIZES.pack(head, body)
        os.write(pipe.writing, packed)
        reason = rf"a frame claims {MAX_BYTES + 1} bytes, the limit is {MAX_BYTES}"
        with pytest.raises(ChannelError, match=reason):
            FrameReader(pipe.reading, MAX_BYTES).read()
        with pytest.raises(ChannelError, match=reason):
            await AsyncFrameReader(stream_of(packed), MAX_BYTES).read()
    frame = await AsyncFrameReader(stream_of(framed(bytes(MAX_BYTES))), MAX_BYTES).read()
    assert frame is not None and len(frame.head) == MAX_BYTES


@pytest.mark.parametrize("text", [b"Traceback (most recent call last)", b"  1.5 of 7 done\n"])
async def test_what_something_prints_into_a_pipe_is_no_frame(pipe: Pipe, text: bytes) -> None:
    """Nobody waits for the rest of it."""
    os.write(pipe.writing, text)
    with pytest.raises(ChannelError, match="claims"):
        FrameReader(pipe.reading).read()
    with pytest.raises(ChannelError, match="claims"):
        await AsyncFrameReader(stream_of(text, is_ended=False)).read()


async def test_reading_may_be_cancelled_anywhere() -> None:
    """The next one reads the frame from its begin, byte by byte."""
    stream = asyncio.StreamReader()
    frames = AsyncFrameReader(stream)
    sent = framed(b"head", 4) + b"body" + framed(b"next")
    got = []
    for at in range(len(sent)):
        reading = asyncio.create_task(frames.read())
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait((reading,))
        stream.feed_data(sent[at : at + 1])
        if at in (len(sent) - 1, SIZES.size + 7):
            got.append(await frames.read())
    assert got == [(b"head", b"body"), (b"next", b"")]


class ChannelRequest(msgspec.Struct, array_like=True, tag=0):
    """A message."""

    name: str
    numbers: list[int]


class Reply(msgspec.Struct, array_like=True, tag=1):
    """Another."""

    value: bytes


CODEC: FrameCodec[ChannelRequest | Reply] = FrameCodec(ChannelRequest | Reply)


def test_a_message_comes_back() -> None:
    for message in (ChannelRequest("é", [1, -(2**40)]), Reply(b"\xff\0")):
        assert CODEC.decode(CODEC.encode(message)) == message
        assert CODEC.decode(bytearray(CODEC.encode(message))) == message


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "truncated"),
        (b"\xc1", "malformed"),
        (msgspec.msgpack.encode((0, "name", ["x"])), r"Expected `int`, got `str`"),
        (msgspec.msgpack.encode((2, "name")), "Invalid value 2"),
        (b"\x93\x00\xa2\xff\xfe\x90", "utf-8"),
    ],
)
def test_what_is_no_message_is_one_kind_of_error(head: bytes, reason: str) -> None:
    """Bytes that are no text are too, for which msgspec has an error of its own."""
    with pytest.raises(ChannelError, match=reason):
        CODEC.decode(head)
