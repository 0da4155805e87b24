"""Sinks that a shard delivers its range to by itself: a resumable file, or a function."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

from nova.core.batch.frame_buffer import FrameBuffer
from nova.core.batch.range_pieces import EventBlock, RangePieces
from nova.sdk.batch.resumable_file import ResumableFile
from nova.sdk.batch.shard_messages import SinkProgress, SinkRequest
from nova.sdk.errors import NovaError

Handle = Callable[[int, Iterable[bytes]], object]
"""Called with the shard number and its stored envelopes in order."""


def deliver(pieces: RangePieces, sink: SinkRequest, frame_buffer: FrameBuffer) -> None:
    """Deliver a range to its sink and report progress."""
    if sink.path is not None:
        _to_file(pieces, sink, Path(sink.path), frame_buffer)
    elif sink.call is not None:
        _to_function(pieces, sink, import_function(sink.call), frame_buffer)


def import_function(name: str) -> Handle:
    """Import the function `package.module:function`; raises NovaError."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise NovaError(
            f"cannot import {name!r}, expected package.module:function: {error}"
        ) from error
    if not callable(found):
        raise NovaError(f"{name!r} is a {type(found).__name__}, not a function")
    return cast(Handle, found)


def _to_file(pieces: RangePieces, sink: SinkRequest, path: Path, frame_buffer: FrameBuffer) -> None:
    with ResumableFile(path) as output:
        counted = output.state
        progress = SinkProgress(events=counted.events, bytes=counted.bytes, passed=0)
        blocks = (
            () if counted.is_done else _blocks(pieces, sink, counted.after, progress, frame_buffer)
        )
        for block in blocks:
            output.write(block.lines, block.events, block.after)
        output.finish()
    frame_buffer.put(_finish(progress))


def _to_function(
    pieces: RangePieces, sink: SinkRequest, handle: Handle, frame_buffer: FrameBuffer
) -> None:
    progress = SinkProgress(events=0, bytes=0, passed=0)
    blocks = _blocks(pieces, sink, None, progress, frame_buffer)
    events = (line for block in blocks for line in block.lines.split(b"\n")[:-1])
    try:
        handle(sink.shard, events)
    except NovaError:
        raise
    except Exception as error:
        raise NovaError(
            f"{sink.call} failed on shard {sink.shard}: {type(error).__name__}: {error}"
        ) from error
    frame_buffer.put(_finish(progress))


def _blocks(
    pieces: RangePieces,
    sink: SinkRequest,
    after: str | None,
    progress: SinkProgress,
    frame_buffer: FrameBuffer,
) -> Iterator[EventBlock]:
    """The blocks of a range; progress is reported after the consumer is done with a block."""
    for piece in pieces.progress_pieces(sink.start_ns, sink.stop_ns):
        for block in pieces.read(piece.start_ns, piece.stop_ns, after):
            yield block
            progress.events += block.events
            progress.bytes += len(block.lines)
            frame_buffer.put(progress)
        progress.passed += piece.events


def _finish(progress: SinkProgress) -> SinkProgress:
    progress.is_done = True
    return progress
