"""The frame buffer: frames in order, bounded, and closed when its consumer is gone."""

from __future__ import annotations

import os
import threading

import pytest

from nova.core.batch import frame_buffer
from nova.core.batch.frame_buffer import FrameBuffer
from nova.sdk.batch.shard_messages import SIZES, BlockReply, ShardReply, SinkProgress, decode_reply


def take(descriptor: int) -> tuple[ShardReply, bytes]:
    """The next frame from a pipe."""
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as pipe:

        def exactly(size: int) -> bytes:
            data = b""
            while len(data) < size:
                data += pipe.read(size - len(data))
            return data

        head, body = SIZES.unpack(exactly(SIZES.size))
        return decode_reply(exactly(head)), exactly(body)


def test_frames_come_out_as_they_went_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who puts more than there is room for waits; nothing is lost or mixed."""
    monkeypatch.setattr(frame_buffer, "READ_AHEAD_MAX_BYTES", 100_000)
    reading, writing = os.pipe()
    box = FrameBuffer(writing)
    bodies = [bytes([number]) * 70_000 for number in range(8)]
    put = 0

    def fill() -> None:
        nonlocal put
        for number, body in enumerate(bodies):
            box.put(BlockReply(events=number, after=""), body)
            put += 1
        box.put(SinkProgress(events=1, bytes=2, passed=3))

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join(0.3)
    assert filling.is_alive() and put < len(bodies)
    for number, body in enumerate(bodies):
        assert take(reading) == (BlockReply(events=number, after=""), body)
    assert take(reading) == (SinkProgress(events=1, bytes=2, passed=3), b"")
    filling.join()
    box.flush()
    os.close(reading)
    os.close(writing)


def test_who_puts_learns_that_nobody_takes() -> None:
    """A replay that is gone ends its shards: BrokenPipeError instead of waiting for ever."""
    reading, writing = os.pipe()
    box = FrameBuffer(writing)
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        while True:
            box.put(BlockReply(events=0, after=""), b"x" * 1_000_000)
    os.close(writing)
