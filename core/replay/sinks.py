"""Sinks that a shard delivers its range to by itself: a resumable file, or a function."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

from core.replay.outbox import Outbox
from core.replay.pieces import Lines, Replay
from sdk.errors import NovaError
from sdk.shards.messages import Progress, Sink
from sdk.shards.output import Output

Handle = Callable[[int, Iterable[bytes]], object]
"""Called with the shard number and its stored envelopes in order."""


def bring(replay: Replay, sink: Sink, outbox: Outbox) -> None:
    """Deliver a range to its sink and report progress."""
    if sink.path is not None:
        _to_file(replay, sink, Path(sink.path), outbox)
    elif sink.call is not None:
        _to_function(replay, sink, function_of(sink.call), outbox)


def function_of(name: str) -> Handle:
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


def _to_file(replay: Replay, sink: Sink, path: Path, outbox: Outbox) -> None:
    with Output(path) as output:
        counted = output.counted
        progress = Progress(events=counted.events, bytes=counted.bytes, passed=0)
        blocks = () if counted.is_done else _blocks(replay, sink, counted.after, progress, outbox)
        for block in blocks:
            output.write(block.lines, block.events, block.after)
        output.finish()
    outbox.put(_done(progress))


def _to_function(replay: Replay, sink: Sink, handle: Handle, outbox: Outbox) -> None:
    progress = Progress(events=0, bytes=0, passed=0)
    blocks = _blocks(replay, sink, None, progress, outbox)
    events = (line for block in blocks for line in block.lines.split(b"\n")[:-1])
    try:
        handle(sink.shard, events)
    except NovaError:
        raise
    except Exception as error:
        raise NovaError(
            f"{sink.call} failed on shard {sink.shard}: {type(error).__name__}: {error}"
        ) from error
    outbox.put(_done(progress))


def _blocks(
    replay: Replay, sink: Sink, after: str | None, told: Progress, outbox: Outbox
) -> Iterator[Lines]:
    """The blocks of a range; progress is reported after the consumer is done with a block."""
    for piece in replay.passing(sink.start_ns, sink.stop_ns):
        for block in replay.read(piece.start_ns, piece.stop_ns, after):
            yield block
            told.events += block.events
            told.bytes += len(block.lines)
            outbox.put(told)
        told.passed += piece.events


def _done(told: Progress) -> Progress:
    told.is_done = True
    return told
