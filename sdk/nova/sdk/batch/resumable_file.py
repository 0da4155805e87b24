"""An output file that an interrupted replay resumes, with its state file.

The data is durable before the state that counts it. On resume the file is truncated to the counted
size, so the result is byte for byte that of an uninterrupted run.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from nova.sdk import durable
from nova.sdk.batch.range_messages import RangePiece
from nova.sdk.errors import NovaError

SAVE_INTERVAL_S = 1.0
FILE_MODE = 0o666
"""The umask decides who may read the files, since their user says where they are."""

StateT = TypeVar("StateT", bound=msgspec.Struct)


class ReplayPlan(msgspec.Struct, kw_only=True):
    """The request of a replay, its watermark, how many days retention had deleted, and the ranges
    of its shards.
    """

    request: dict[str, str | None] = msgspec.field(name="asked")
    watermark: int = msgspec.field(name="mark")
    given_back: int = 0
    ranges: list[RangePiece] = []


class OutputState(msgspec.Struct, kw_only=True):
    """The counted part of a file, and the hex of the key after which the next event is read."""

    bytes: int = 0
    events: int = 0
    after: str | None = None
    plan: ReplayPlan | None = None
    is_done: bool = False


class ResumableFile:
    """One file of events and its state beside it."""

    def __init__(self, path: Path, plan: ReplayPlan | None = None) -> None:
        self.path = path
        self._state_path = state_path(path)
        known = read_state(self._state_path, OutputState)
        self.state = known or OutputState(plan=plan)
        if known is None:
            write_state(self._state_path, self.state)
        self._descriptor = _open_truncated(path, self.state.bytes)
        self._saved_at = -math.inf

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            with contextlib.suppress(NovaError):
                self.save()
        os.close(self._descriptor)

    def write(self, lines: bytes | bytearray, events: int, after: str) -> None:
        """Append whole lines; the state is saved every SAVE_INTERVAL_S."""
        view = memoryview(lines)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise _write_error(self.path, error) from error
        self.state.bytes += len(lines)
        self.state.events += events
        # A piece without events ends at the key that it started after.
        self.state.after = max(after, self.state.after or "") or None
        if time.monotonic() - self._saved_at >= SAVE_INTERVAL_S:
            self.save()

    def finish(self) -> None:
        """Mark the file as complete."""
        self.state.is_done = True
        self.save()

    def save(self) -> None:
        """Sync the file, then save the state that counts it."""
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise _write_error(self.path, error) from error
        write_state(self._state_path, self.state)
        self._saved_at = time.monotonic()


def _write_error(path: Path, error: OSError) -> NovaError:
    return NovaError(
        f"cannot write {path}: {error.strerror}. "
        "Free some space and repeat the command: it resumes where it stopped"
    )


def state_path(path: Path) -> Path:
    """The path of an output's state."""
    return path.with_name(path.name + ".state")


def read_state(path: Path, kind: type[StateT]) -> StateT | None:
    """A stored state, None if there is none; raises NovaError if it is invalid."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise NovaError(
            f"{path} is not a valid replay state ({error}): give --restart to start over"
        ) from error


def write_state(path: Path, state: msgspec.Struct) -> None:
    """Replace a state atomically and durably."""
    try:
        durable.replace(path, msgspec.json.encode(state), FILE_MODE)
    except OSError as error:
        raise NovaError(f"cannot write {path}: {error.strerror}") from error


def _open_truncated(path: Path, count_bytes: int) -> int:
    """Open a file for appending, truncated to `count_bytes`; raises NovaError if it is shorter."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise NovaError(f"cannot write {path}: {error.strerror}") from error
    size = os.fstat(descriptor).st_size
    if size < count_bytes:
        os.close(descriptor)
        raise NovaError(
            f"{path} has {size} bytes but its state counts {count_bytes}: the file was changed. "
            "Give --restart to start over"
        )
    os.ftruncate(descriptor, count_bytes)
    os.lseek(descriptor, 0, os.SEEK_END)
    return descriptor
