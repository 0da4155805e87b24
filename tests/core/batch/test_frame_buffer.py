"""The frame buffer: frames in order, bounded, and closed when its consumer is gone."""

from __future__ import annotations

import os
import threading

import pytest

from nova.core.batch.frame_buffer import FrameBuffer
from nova.sdk.batch.range_messages import REPLIES, RangeProgress, WorkerReply
from nova.sdk.channel import FrameReader


def take(descriptor: int) -> tuple[WorkerReply, bytes]:
    """The next frame from a pipe."""
    frame = FrameReader(descriptor).read()
    assert frame is not None
    return REPLIES.decode(frame.head), bytes(frame.body)


def test_frames_come_out_as_they_went_in() -> None:
    """Who puts more than there is room for waits; nothing is lost or mixed."""
    reading, writing = os.pipe()
    box = FrameBuffer(writing, max_bytes=100_000)
    bodies = [bytes([number]) * 70_000 for number in range(8)]
    put = 0

    def fill() -> None:
        nonlocal put
        for number, body in enumerate(bodies):
            box.put(RangeProgress(events=number), body)
            put += 1
        box.put(RangeProgress(events=1, bytes=2, is_done=True))

    filling = threading.Thread(target=fill)
    filling.start()
    filling.join(0.3)
    assert filling.is_alive() and put < len(bodies)
    for number, body in enumerate(bodies):
        assert take(reading) == (RangeProgress(events=number), body)
    assert take(reading) == (RangeProgress(events=1, bytes=2, is_done=True), b"")
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
            box.put(RangeProgress(), b"x" * 1_000_000)
    os.close(writing)
