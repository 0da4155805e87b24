"""Daily files: all durable events, by UTC day of their canonical time.

The saved state holds a cursor and the size of each file at that cursor. After a crash, files are
truncated to those sizes and continued, so that a day's files do not depend on the number of
crashes. A day is complete once an event of a later day is durable. Then the files of sealed drivers
are finished, and the day is not written again.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.core.files.bound_drivers import BoundDrivers
from nova.core.files.day_watermarks import (
    DayWatermark,
    day_of_watermark,
    has_days,
    quarantine_days,
    record_watermark,
    watermarks_held,
)
from nova.core.files.file_folder import FileChangedError, FileFolder, remove_tree
from nova.core.files.file_router import FileRouter
from nova.core.files.file_sink import FileSinkState
from nova.core.files.initial_states import InitialStates
from nova.core.ordering import LAST_TAIL, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.query.visibility import NO_AUDIT
from nova.core.utc_day import day_of, span_of
from nova.sdk import durable, endpoints, private
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.errors import NovaError
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MIN

STATE_FILE = endpoints.FILES_STATE_FILE
SAVE_INTERVAL_S = 5.0
SLICE_EVENTS = 5_000

log = logging.getLogger(__name__)


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
    durable.replace(root / STATE_FILE, msgspec.json.encode(state))


class DailyFiles:
    """Writes the daily files of one archive; the caller holds the folder's lock."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        registry: DriverRegistry,
        root: Path,
        reserve: DiskReserve = NO_RESERVE,
        save_interval_s: float = SAVE_INTERVAL_S,
    ) -> None:
        self._reserve = reserve
        self._save_interval_s = save_interval_s
        self._snapshot = snapshot
        self._registry = registry
        self._root = root
        private.make_folder(root)
        self._bound_drivers = BoundDrivers(snapshot, registry, "canonical")
        self._event_filter = EventFilter(Filters(), snapshot.series, NO_AUDIT)
        self._router: FileRouter | None = None
        self._folder: FileFolder | None = None
        self._saved_at = time.monotonic()
        self._is_saved = True
        try:
            self.state = read_state(root)
        except StateDamagedError as error:
            self._rewrite_all(error)
        if not (root / STATE_FILE).exists():
            self._write_state()
        self._resume()

    def _rewrite_all(self, error: StateDamagedError) -> None:
        """Start over with an empty state; existing files are quarantined, as they may be the only
        copy of some events.
        """
        quarantine = quarantine_days(self._root, "")
        outcome = f"the old ones were moved to {quarantine}" if quarantine else "there were none"
        self.state = DailyFilesState(
            failures=1, last_failure=f"{error}; rewriting all days, {outcome}"
        )
        self._write_state()
        log.error("rewriting all daily files", extra={"context": {"why": str(error)}})

    def _resume(self) -> None:
        """Continue from the saved state; rewrite the day if its files are shorter than that."""
        self._rewrite_if_archive_replaced()
        state = self.state
        if not state.day:
            return
        router = self._open_day(state.day)
        if not router.restore(state.files, self._registry, is_closing=state.is_closing):
            self._rewrite_day(f"files of {state.day} are shorter than recorded")
            return
        known = {part for file in state.files for part in file.parts}
        assert self._folder is not None
        for path in self._folder.paths():
            if path not in known and path.removesuffix(".events") not in known:
                self._folder.remove(path)

    def _rewrite_day(self, why: str) -> None:
        """Rewrite the open day; its existing files are quarantined."""
        state, day = self.state, self.state.day
        self._close_day()
        quarantine = quarantine_days(self._root, day)
        outcome = f"the old files were moved to {quarantine}" if quarantine else "there were none"
        self._record_failure(f"{why}; rewriting {day}, {outcome}")
        state.cursor_ns = span_of(day)[0] - 1
        state.day, state.files, state.is_closing, state.is_second = "", [], False, False
        self._write_state()
        log.error("rewriting the daily files of one day", extra={"context": {"why": why}})

    def _rewrite_if_archive_replaced(self) -> None:
        """Go back to before the first written event that the archive does not contain. If it is
        another archive, that is all of them. If it was restored to an earlier state, the newest
        common event is on the last day whose watermark the archive contains, or on the next day.
        """
        state, archive = self.state, self._snapshot.archive
        archive.catch_up()
        origin = archive.events.first_key().hex()
        held = watermarks_held(state.ends, archive) if state.origin in ("", origin) else []
        if state.origin in ("", origin) and held == state.ends:
            return
        day = day_of_watermark(held[-1]) if held else ""
        quarantine = quarantine_days(self._root, day)
        self.state = DailyFilesState(
            cursor_ns=span_of(day)[0] - 1 if day else NS_MIN,
            origin=origin,
            ends=held[:-1],
            failures=state.failures,
            last_failure=state.last_failure,
        )
        self._write_state()
        context = {"from": day or "the first day", "kept": str(quarantine or "")}
        log.warning(
            "rewriting daily files: they contain events that the archive does not",
            extra={"context": context},
        )

    def _open_day(self, day: str) -> FileRouter:
        self._folder = FileFolder(self._root / day, self._reserve)
        start_ns = span_of(day)[0]
        initial_states = InitialStates(
            self._snapshot, self._event_filter, self._bound_drivers, "canonical", start_ns
        )
        self._router = FileRouter(self._folder, self._bound_drivers, initial_states)
        return self._router

    def follow(self, watermark: int) -> Iterator[int]:
        """Write everything up to a watermark; yields the number of events read per step. If
        another process changed the files of the day, the day is rewritten by the next call.
        """
        try:
            yield from self._follow(watermark)
        except FileChangedError as error:
            self._rewrite_day(str(error))

    def _follow(self, watermark: int) -> Iterator[int]:
        if watermark <= self.state.cursor_ns:
            self._save_if_due()
            return
        self._is_saved = False
        self._snapshot.advance(watermark)
        self._snapshot.refresh()
        if self._bound_drivers.load(watermark) and self._router is not None:
            self._router.reset_drivers()
        while self.state.cursor_ns < watermark:
            if not self.state.day and not self._next_day(watermark):
                break
            end_ns = span_of(self.state.day)[1]
            if not self.state.is_closing:
                yield from self._write(min(watermark, end_ns))
            if watermark <= end_ns:
                break
            yield from self._seal_day(end_ns)
        if self._router is not None:
            self._router.flush()
        self._save_if_due()

    def _save_if_due(self) -> None:
        if time.monotonic() - self._saved_at < self._save_interval_s:
            return
        if not self._is_saved:
            self.save()
        elif self._router is not None:
            self._router.require_unchanged()
            self._saved_at = time.monotonic()

    def _next_day(self, watermark: int) -> bool:
        """Open the day of the first event after the cursor; False if there is none."""
        events = self._snapshot.archive.events
        lower, upper = time_key(self.state.cursor_ns + 1), time_key(watermark) + LAST_TAIL
        found = events.first("canonical", lower, upper)
        if found is None:
            return False
        self.state.origin = self.state.origin or events.first_key().hex()
        self.state.day = day_of(time_of(found[0]))
        remove_tree(self._root / self.state.day)
        self._open_day(self.state.day)
        self.save()
        return True

    def _write(self, until_ns: int) -> Iterator[int]:
        assert self._router is not None
        span = Span("canonical", self.state.cursor_ns + 1, until_ns)
        range_cursor = RangeCursor(self._snapshot, self._event_filter, span)
        while not range_cursor.done:
            found = range_cursor.read_slice(SLICE_EVENTS)
            self._router.route(found)
            if found:
                record_watermark(self.state.ends, found[-1][0])
            is_over = range_cursor.done or range_cursor.after is None
            self.state.cursor_ns = until_ns if is_over else time_of(range_cursor.after or b"")
            self._save_if_due()
            self._is_saved = False
            yield len(found)

    def _seal_day(self, end_ns: int) -> Iterator[int]:
        """Seal the files of the day and close it; if a driver failed, write the day once more."""
        assert self._router is not None
        self.state.cursor_ns = end_ns
        self.state.is_closing = True
        self.save()
        has_failed = False
        for sink in self._router.seal():
            if sink.failed:
                has_failed = True
                self._record_failure(f"{self.state.day}/{sink.paths[0]}: {sink.failed}")
            yield 0
        self._router.sync()
        self._router.remove_unsealed()
        self._close_day()
        if has_failed and not self.state.is_second:
            self._retry_day()
        else:
            self.state.day, self.state.files = "", []
            self.state.is_closing = self.state.is_second = False
        self._write_state()

    def _retry_day(self) -> None:
        """Restart the day for its second and last attempt."""
        state = self.state
        state.cursor_ns = span_of(state.day)[0] - 1
        state.files, state.is_closing, state.is_second = [], False, True
        remove_tree(self._root / state.day)
        self._open_day(state.day)

    def _record_failure(self, failure: str) -> None:
        self.state.failures += 1
        self.state.last_failure = failure

    def save(self) -> None:
        """Make the written files durable, then save the state; raises FileChangedError if another
        process changed a file.
        """
        if self._router is not None:
            self._router.flush()
            self._router.require_unchanged()
            self._router.sync()
            self.state.files = self._router.states()
        self._write_state()
        self._is_saved = True

    def _write_state(self) -> None:
        write_state(self._root, self.state)
        self._saved_at = time.monotonic()

    def _close_day(self) -> None:
        if self._folder is not None:
            self._folder.close()
        self._folder = self._router = None

    def close(self) -> None:
        """Close without saving; events after the saved cursor are written again."""
        self._close_day()
