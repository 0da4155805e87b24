"""Daily files: all durable events, by UTC day of their canonical time.

The saved state holds a cursor and the size of each file at that cursor. After a crash, files are
truncated to those sizes and continued, so that a day's files do not depend on the number of
crashes. A day is complete once an event of a later day is durable. Then the files of sealed drivers
are finished, the others are compressed, and the day is not written again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.core.files.bound_drivers import BoundDrivers
from nova.core.files.daily_files_state import (
    STATE_FILE,
    DailyFilesState,
    StateDamagedError,
    read_state,
    write_state,
)
from nova.core.files.day_watermarks import (
    day_of_watermark,
    quarantine_days,
    record_watermark,
    watermarks_held,
)
from nova.core.files.file_compression import COMPRESSED_SUFFIX
from nova.core.files.file_folder import FileChangedError, FileFolder, remove_tree
from nova.core.files.file_layout import EVENTS_SUFFIX
from nova.core.files.file_quota import FileQuota
from nova.core.files.file_router import FileRouter
from nova.core.files.initial_states import InitialStates
from nova.core.ordering import LAST_TAIL, TIME_BYTES, event_key_tail, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import NO_AUDIT
from nova.core.retention.deleted_daily_files import lanes_without_files
from nova.core.utc_day import day_of, span_of
from nova.sdk import stored_files
from nova.sdk.drivers.registry import BINDING_DRIVER, DriverRegistry
from nova.sdk.events.day_seal import group_of
from nova.sdk.files_settings import FILES_MAX
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MIN

SAVE_INTERVAL_S = 5.0
SLICE_EVENTS = 5_000
SLICE_BYTES = 4 * 1024 * 1024

log = logging.getLogger(__name__)


class DailyFiles:
    """Writes the daily files of one archive; the caller holds the folder's lock."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        registry: DriverRegistry,
        root: Path,
        reserve: DiskReserve = NO_RESERVE,
        save_interval_s: float = SAVE_INTERVAL_S,
        files_max: int = FILES_MAX,
        *,
        compresses: bool = False,
    ) -> None:
        """`compresses`: files of days that are over are compressed, unless their format is."""
        self._compresses = compresses
        self._reserve = reserve
        self._save_interval_s = save_interval_s
        self._files_max = files_max
        self._sharing_day = ""
        self._deleted_tails: set[bytes] = set()
        self._snapshot = snapshot
        self._registry = registry
        self._root = root
        stored_files.make_folder(root)
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
            if path in known or path.removesuffix(EVENTS_SUFFIX) in known:
                continue
            if not state.is_closing or path.removesuffix(COMPRESSED_SUFFIX) not in known:
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
        folder = self._root / day
        self._folder = FileFolder(folder, self._reserve, compresses=self._compresses)
        start_ns = span_of(day)[0]
        initial_states = InitialStates(
            self._snapshot, self._event_filter, self._bound_drivers, "canonical", start_ns
        )
        quota = FileQuota(self._registry.named(BINDING_DRIVER), self._files_max)
        self._router = FileRouter(self._folder, self._bound_drivers, initial_states, quota)
        self._load_deleted(day)
        return self._router

    def _load_deleted(self, day: str) -> None:
        """Note the series whose files of the day retention has deleted."""
        lanes = lanes_without_files(self._snapshot.archive.given_back.entries, day)
        names = enumerate(self._snapshot.series.names) if lanes else ()
        self._deleted_tails = {
            event_key_tail(number)
            for number, series in names
            if (series.scope_id, series.lane) in lanes and not group_of(series).is_own
        }

    def _kept(self, hits: Sequence[Hit]) -> Sequence[Hit]:
        """Without what is left of days whose files were deleted: their files are not made again."""
        deleted = self._deleted_tails
        return [hit for hit in hits if hit[0][TIME_BYTES:] not in deleted] if deleted else hits

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
        self._snapshot.held_in_memory(self.state.cursor_ns + 1, watermark)
        targets = self._bound_drivers.load(watermark)
        if targets and self._router is not None:
            self._router.reset_drivers(targets)
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
        self._snapshot.refresh()
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
            found = range_cursor.read_slice(SLICE_EVENTS, SLICE_BYTES)
            self._router.route(self._kept(found))
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
        self._snapshot.refresh()  # For initial states.
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
            self._log_sharing()
        self._write_state()
        self._is_saved = True

    def _log_sharing(self) -> None:
        """Log once for each day if streams share files."""
        day = self.state.day
        if self._sharing_day == day or not self.state.shared_files():
            return
        self._sharing_day = day
        log.warning(
            "the day has as many files as `files_max` allows: further streams share files by "
            "driver and system",
            extra={"context": {"day": day, "files_max": self._files_max}},
        )

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
