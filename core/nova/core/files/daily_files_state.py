"""The state of a folder of daily files, and the file that it is saved in."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from nova.core.files.day_watermarks import DayWatermark, has_days
from nova.core.files.file_sink import FileSinkState
from nova.sdk import durable, endpoints
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_MIN

STATE_FILE = endpoints.FILES_STATE_FILE


class DailyFilesState(msgspec.Struct, kw_only=True, rename="camel"):
    """The state file: the files contain all events up to `cursor_ns` (canonical time); `files` are
    those of the open day.

    `is_closing`: a complete day is being sealed. `is_second`: a day in which a driver failed is
    written a second time. `origin` is the key of the archive's first event and `ends` are the day
    watermarks, in hex; they reveal that the archive was replaced or restored from a backup.
    """

    cursor_ns: int = NS_MIN
    origin: str = ""
    ends: list[DayWatermark] = []
    day: str = ""
    is_closing: bool = False
    is_second: bool = False
    files: list[FileSinkState] = []
    failures: int = 0
    last_failure: str = ""
    checksum: str = ""
    """CRC-32 of the state with an empty checksum; empty if an older NOVA wrote it."""

    def shared_files(self) -> int:
        """How many files of the open day are shared by several streams."""
        return sum(endpoints.is_shared_file(file.parts[0]) for file in self.files)


class StateDamagedError(NovaError):
    """The state file is unreadable or missing: it is unknown which events the files contain."""


def read_state(root: Path) -> DailyFilesState:
    """Read the state of a folder of daily files; raises StateDamagedError.

    The folder is looked at before the state is read: the state is written before the first day, so
    that days without a state were not begun in between by the process that writes them.
    """
    path = root / STATE_FILE
    holds_days = has_days(root)
    try:
        state = msgspec.json.decode(path.read_bytes(), type=DailyFilesState)
    except FileNotFoundError:
        if holds_days:
            raise StateDamagedError(f"{path} is missing, but daily files exist") from None
        return DailyFilesState()
    except (msgspec.DecodeError, OSError) as error:
        raise StateDamagedError(f"{path} cannot be read ({error})") from error
    if not state.checksum and state.cursor_ns == NS_MIN and holds_days:
        raise StateDamagedError(f"{path} records nothing, but daily files exist")
    if state.checksum and state.checksum != _checksum(state):
        raise StateDamagedError(f"{path} was modified: its checksum does not match")
    return state


def _checksum(state: DailyFilesState) -> str:
    rest = msgspec.structs.replace(state, checksum="")
    return f"{zlib.crc32(msgspec.json.encode(rest)):08x}"


def write_state(root: Path, state: DailyFilesState) -> None:
    """Replace the state file atomically and durably."""
    state.checksum = _checksum(state)
    durable.replace(root / STATE_FILE, msgspec.json.encode(state), durable.STORED_MODE)
