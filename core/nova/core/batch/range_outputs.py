"""The outputs that a worker delivers a range to: its pipe, a resumable file, or a function."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol, cast

from nova.core.batch.range_reader import EventSlice, RangeReader
from nova.sdk.batch.range_messages import FunctionOutput, RangeProgress, ReadRequest
from nova.sdk.batch.resumable_file import ResumableFile
from nova.sdk.errors import NovaError

Handle = Callable[[int, Iterable[bytes]], object]
"""Called with the shard number and its stored envelopes in order."""


class OutputTooLargeError(NovaError):
    """An output exceeds its maximum size."""


class SendProgress(Protocol):
    def __call__(self, progress: RangeProgress, body: bytes = b"", /) -> None: ...


class Delivery:
    """The delivery of a range: its slices, and the progress that is sent of it."""

    def __init__(self, reader: RangeReader, request: ReadRequest, send: SendProgress) -> None:
        self.reader = reader
        self.request = request
        self.progress = RangeProgress()
        self.send = send

    def slices(self, after: str | None = None) -> Iterator[EventSlice]:
        """The slices of the range; progress is sent when the consumer is done with a slice."""
        request, progress = self.request, self.progress
        pieces = self.reader.progress_pieces(request.start_ns, request.stop_ns)
        progress.total = sum(piece.events for piece in pieces)
        for piece in pieces:
            for part in self.reader.read(piece.start_ns, piece.stop_ns, after):
                yield part
                progress.events += len(part.hits)
                self.send(progress)
            progress.passed += piece.events

    def finish(self, result: bytes = b"") -> None:
        """Send the last progress."""
        self.progress.is_done, self.progress.result = True, result
        self.send(self.progress)


def to_pipe(delivery: Delivery) -> None:
    """Send the events with the progress."""
    request, progress = delivery.request, delivery.progress
    for part in delivery.reader.read(request.start_ns, request.stop_ns, request.after):
        lines = part.lines()
        progress.events += len(part.hits)
        progress.bytes += len(lines)
        progress.after, progress.is_done = part.after, part.is_last
        delivery.send(progress, lines)


def to_file(delivery: Delivery, path: Path) -> None:
    """Append the events to a file, after those that an interrupted replay has written."""
    with ResumableFile(path) as output:
        counted, progress = output.state, delivery.progress
        progress.events, progress.bytes = counted.events, counted.bytes
        for part in () if counted.is_done else delivery.slices(counted.after):
            lines = part.lines()
            output.write(lines, len(part.hits), part.after)
            progress.bytes += len(lines)
        output.finish()
    delivery.finish()


def to_function(delivery: Delivery, output: FunctionOutput) -> None:
    """Call a function with the events of the range."""
    handle = import_function(output.call)
    try:
        handle(output.shard, _events(delivery))
    except NovaError:
        raise
    except Exception as error:
        raise NovaError(
            f"{output.call} failed on shard {output.shard}: {type(error).__name__}: {error}"
        ) from error
    delivery.finish()


def _events(delivery: Delivery) -> Iterator[bytes]:
    for part in delivery.slices():
        for _, stored in part.hits:
            yield stored
            delivery.progress.bytes += len(stored) + 1


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
