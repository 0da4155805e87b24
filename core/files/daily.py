"""Daily files: everything that becomes durable, by UTC day of its canonical time (A-201…A-206).

What was written is remembered with a cursor: up to which event, and how many bytes of each file
that makes. After a crash the files are cut back to that and gone on with, so a day's files do not
depend on how often that happened. A day is complete once an event of a later one is durable; then
the files that need an end are made, and nothing touches them any more.
"""

from __future__ import annotations

import logging
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core.files.bindings import Bound
from core.files.day import day_of, span_of
from core.files.ends import End, day_of_end, ends_held, has_days, note_end, put_aside
from core.files.folder import FileChangedError, Folder, remove_tree
from core.files.openings import Openings
from core.files.router import Router
from core.files.sink import FileState
from core.ordering import TIME_BYTES, time_key, time_of
from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.reserve import NONE, Reserve
from core.store.scan import first
from sdk import durable, endpoints, private
from sdk.drivers.registry import Registry
from sdk.errors import NovaError
from sdk.protocol import Filters
from sdk.timestamps import NS_MIN

STATE_FILE = endpoints.FILES_STATE_FILE
REMEMBERED_INTERVAL_S = 5.0
TAKEN_TOGETHER_EVENTS = 5_000

log = logging.getLogger(__name__)


class State(msgspec.Struct, kw_only=True, rename="camel"):
    """What is in the files: all events up to the cursor, in ns of canonical time; the files of the
    day that is being written; and what has gone wrong.

    `is_closing` while the files of a complete day are made complete; `is_second` while a day in
    which a driver failed is written once more. Files belong to one archive as it was: `origin` is
    the place of its first event, `ends` are those of the last event written of each day, in hex.
    """

    cursor_ns: int = NS_MIN
    origin: str = ""
    ends: list[End] = []
    day: str = ""
    is_closing: bool = False
    is_second: bool = False
    files: list[FileState] = []
    failures: int = 0
    last_failure: str = ""
    checksum: str = ""
    """Of all the rest as it is written; empty where an older NOVA wrote it."""


class StateDamagedError(NovaError):
    """What is remembered cannot be read, or is not there: up to where the files go is unknown."""


def read_state(root: Path) -> State:
    """What is remembered in a folder of daily files; raises StateDamagedError."""
    path = root / STATE_FILE
    try:
        state = msgspec.json.decode(path.read_bytes(), type=State)
    except FileNotFoundError:
        if has_days(root):
            raise StateDamagedError(f"{path} is missing beside files") from None
        return State()
    except (msgspec.DecodeError, OSError) as error:
        raise StateDamagedError(f"{path} cannot be read ({error})") from error
    if state.checksum and state.checksum != _checksum(state):
        raise StateDamagedError(f"{path} was changed: its checksum does not fit")
    return state


def _checksum(state: State) -> str:
    rest = msgspec.structs.replace(state, checksum="")
    return f"{zlib.crc32(msgspec.json.encode(rest)):08x}"


def write_state(root: Path, state: State) -> None:
    """Remember, atomically and durably."""
    state.checksum = _checksum(state)
    durable.replace(root / STATE_FILE, msgspec.json.encode(state))


class DailyFiles:
    """Writes the files of one archive; at most one of these per folder."""

    def __init__(
        self,
        view: View,
        registry: Registry,
        root: Path,
        reserve: Reserve = NONE,
        remembered_interval_s: float = REMEMBERED_INTERVAL_S,
    ) -> None:
        self._reserve = reserve
        self._remembered_interval_s = remembered_interval_s
        self._view = view
        self._registry = registry
        self._root = root
        private.make_folder(root)
        self._bound = Bound(view, registry, "canonical")
        self._everything = Selection(Filters(), view.series)
        self._router: Router | None = None
        self._folder: Folder | None = None
        self._remembered_at = time.monotonic()
        self._is_remembered = True
        try:
            self.state = read_state(root)
        except StateDamagedError as error:
            self._begin_anew(error)
        self._resume()

    def _begin_anew(self, error: StateDamagedError) -> None:
        """Write all files anew; those that are there are kept aside, for they may be all that is
        left of events.
        """
        aside = put_aside(self._root, "")
        kept = f"those that were are in {aside}" if aside else "there were none"
        self.state = State(failures=1, last_failure=f"{error}: all are written anew, {kept}")
        self._write_state()
        log.error("the daily files are written anew", extra={"context": {"why": str(error)}})

    def _resume(self) -> None:
        """Go on where the state says; begin a day anew whose files have less than that."""
        self._begin_anew_where_replaced()
        state = self.state
        if not state.day:
            return
        router = self._begin(state.day)
        if not router.restore(state.files, self._registry, is_closing=state.is_closing):
            self._begin_day_anew(f"files of {state.day} have lost their ends")
            return
        known = {part for file in state.files for part in file.parts}
        assert self._folder is not None
        for path in self._folder.paths():
            if path not in known and path.removesuffix(".events") not in known:
                self._folder.remove(path)

    def _begin_day_anew(self, why: str) -> None:
        """Write the files of the day anew; those that are there are kept aside."""
        state, day = self.state, self.state.day
        self._let_go()
        aside = put_aside(self._root, day)
        kept = f"those that were are in {aside}" if aside else "there were none"
        self._note_failure(f"{why}: {day} is written anew, {kept}")
        state.cursor_ns = span_of(day)[0] - 1
        state.day, state.files, state.is_closing, state.is_second = "", [], False, False
        self._write_state()
        log.error("the files of a day are written anew", extra={"context": {"why": why}})

    def _begin_anew_where_replaced(self) -> None:
        """Go back to before what the archive does not hold: all of it if it is another archive;
        else it was put back to an earlier state, and the newest event that both hold lies on the
        last day whose end it holds, or on the next one.
        """
        state, archive = self.state, self._view.archive
        archive.catch_up()
        origin = archive.origin().hex()
        held = ends_held(state.ends, archive) if state.origin in ("", origin) else []
        if state.origin in ("", origin) and held == state.ends:
            return
        day = day_of_end(held[-1]) if held else ""
        aside = put_aside(self._root, day)
        self.state = State(
            cursor_ns=span_of(day)[0] - 1 if day else NS_MIN,
            origin=origin,
            ends=held[:-1],
            failures=state.failures,
            last_failure=state.last_failure,
        )
        self._write_state()
        context = {"from": day or "the first day", "kept": str(aside or "")}
        log.warning(
            "the daily files hold events that the archive does not: written anew",
            extra={"context": context},
        )

    def _begin(self, day: str) -> Router:
        self._folder = Folder(self._root / day, self._reserve)
        start_ns = span_of(day)[0]
        openings = Openings(self._view, self._everything, self._bound, "canonical", start_ns)
        self._router = Router(self._folder, self._bound, openings)
        return self._router

    def follow(self, mark: int) -> Iterator[int]:
        """Write everything up to a durable mark; yields now and then how many events were read.
        Where somebody else touched the files of the day, the next call begins it anew.
        """
        try:
            yield from self._follow(mark)
        except FileChangedError as error:
            self._begin_day_anew(str(error))

    def _follow(self, mark: int) -> Iterator[int]:
        if mark <= self.state.cursor_ns:
            self._remember_in_time()
            return
        self._is_remembered = False
        self._view.advance(mark)
        self._view.refresh()
        if self._bound.load(mark) and self._router is not None:
            self._router.reconsider()
        while self.state.cursor_ns < mark:
            if not self.state.day and not self._next_day(mark):
                break
            end_ns = span_of(self.state.day)[1]
            if not self.state.is_closing:
                yield from self._write(min(mark, end_ns))
            if mark <= end_ns:
                break
            yield from self._complete(end_ns)
        if self._router is not None:
            self._router.flush()
        self._remember_in_time()

    def _remember_in_time(self) -> None:
        if time.monotonic() - self._remembered_at < self._remembered_interval_s:
            return
        if not self._is_remembered:
            self.remember()
        elif self._router is not None:
            self._router.require()
            self._remembered_at = time.monotonic()

    def _next_day(self, mark: int) -> bool:
        """Begin the day of the first event behind the cursor; False if there is none."""
        lower = time_key(self.state.cursor_ns + 1)
        found = first(
            self._view.archive.families["canonical"], lower, time_key(mark) + b"\xff" * TIME_BYTES
        )
        if found is None:
            return False
        self.state.origin = self.state.origin or self._view.archive.origin().hex()
        self.state.day = day_of(time_of(found[0]))
        remove_tree(self._root / self.state.day)
        self._begin(self.state.day)
        self.remember()
        return True

    def _write(self, until_ns: int) -> Iterator[int]:
        assert self._router is not None
        span = Span("canonical", self.state.cursor_ns + 1, until_ns)
        reading = Reading(self._view, self._everything, span)
        while not reading.done:
            found = reading.slice(TAKEN_TOGETHER_EVENTS)
            self._router.take(found)
            if found:
                note_end(self.state.ends, found[-1][0])
            is_over = reading.done or reading.after is None
            self.state.cursor_ns = until_ns if is_over else time_of(reading.after or b"")
            self._remember_in_time()
            self._is_remembered = False
            yield len(found)

    def _complete(self, end_ns: int) -> Iterator[int]:
        """Make the files of a day complete, and leave them."""
        assert self._router is not None
        self.state.cursor_ns = end_ns
        self.state.is_closing = True
        self.remember()
        has_failed = False
        for sink in self._router.seal():
            if sink.failed:
                has_failed = True
                self._note_failure(f"{self.state.day}/{sink.paths[0]}: {sink.failed}")
            yield 0
        self._router.sync()
        self._router.tidy()
        self._let_go()
        if has_failed and not self.state.is_second:
            self._again()
        else:
            self.state.day, self.state.files = "", []
            self.state.is_closing = self.state.is_second = False
        self._write_state()

    def _again(self) -> None:
        """Go back to the beginning of the day."""
        state = self.state
        state.cursor_ns = span_of(state.day)[0] - 1
        state.files, state.is_closing, state.is_second = [], False, True
        remove_tree(self._root / state.day)
        self._begin(state.day)

    def _note_failure(self, failure: str) -> None:
        """Count what went wrong."""
        self.state.failures += 1
        self.state.last_failure = failure

    def remember(self) -> None:
        """Make durable what was written, and what it is; raises FileChangedError where somebody
        else touched it.
        """
        if self._router is not None:
            self._router.flush()
            self._router.require()
            self._router.sync()
            self.state.files = self._router.states()
        self._write_state()
        self._is_remembered = True

    def _write_state(self) -> None:
        write_state(self._root, self.state)
        self._remembered_at = time.monotonic()

    def _let_go(self) -> None:
        if self._folder is not None:
            self._folder.close()
        self._folder = self._router = None

    def close(self) -> None:
        """Leave the files as they are; what is not remembered is written again."""
        self._let_go()
