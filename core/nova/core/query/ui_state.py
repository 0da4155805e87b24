"""The state of views at a time: a checkpoint, and the updates after it folded in.

Checkpoints are derived data and may lag. They contain exactly the updates received up to their
cursor. For updates received later, the earliest position is determined per view and no checkpoint
after it is used, so the state is the same with and without checkpoints. In canonical time no update
is ever inserted before a checkpoint.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.errors import DerivedDamagedError, RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_filter import EventFilter
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.updates import Update, newest_update, updates_after, updates_between
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.checkpoint_store import (
    AFTER_ALL,
    BEFORE_ALL,
    VERSIONS_MAX,
    CheckpointStore,
    ViewState,
    encode_data,
    position_time,
)
from nova.core.store.keys import event_id_of
from nova.sdk import timestamps
from nova.sdk.protocol.views import CheckpointInfo, GetUiState, UiStateInfo, UiStateResponse
from nova.sdk.timestamps import NS_MIN

PAUSE_EVERY_EVENTS = 500
"""Events folded before the event loop serves sockets."""

LATE_CACHE_MAX_SERIES = 20_000


class FoldStart(NamedTuple):
    """The start of a fold: the state before a position; by default the beginning."""

    position: bytes = BEFORE_ALL
    state: ViewState | None = None


class _LateUpdates(NamedTuple):
    """The earliest position among a series' updates received after the checkpoint cursor and up to
    canonical time `until_ns`.
    """

    cursor_ns: int
    until_ns: int
    earliest: bytes


class UiStates:
    """Answers GetUiState requests from checkpoints; shared by all sessions of a reader."""

    def __init__(self, snapshot: ArchiveSnapshot, data: Path, scratch: Path) -> None:
        self._snapshot = snapshot
        self._derived = DerivedReader(CheckpointStore, data, scratch)
        self._late: dict[int, _LateUpdates] = {}
        self._lock = asyncio.Lock()

    def close(self) -> None:
        self._derived.close()

    async def respond(
        self,
        request: GetUiState,
        timebase: Timebase,
        at_ns: int,
        max_bytes: int = PAGE_MAX_BYTES,
        visibility: Visibility = EVERYTHING,
    ) -> UiStateResponse:
        """A page of states in the order of series numbers; raises RequestError."""
        self._snapshot.refresh()
        wanted = EventFilter(request.filters, self._snapshot.series, visibility).numbers()
        start = 0 if request.after_key is None else _parse_key(request.after_key)
        response = UiStateResponse(time=timestamps.text(at_ns), states=[])
        size = 0
        async with self._lock:  # One request at a time sees the database at one cursor.
            store, cursor_ns = self._checkpoints()
            for place, number in enumerate(wanted[start:], start):
                if len(response.states) == request.limit or size >= max_bytes:
                    response.next_key = str(place)
                    return response
                if self._snapshot.series.names[number].lane != "ui":
                    continue
                steps = self._fold_state(number, timebase, at_ns, store, cursor_ns)
                while (done := _advance(steps)) is None:
                    await asyncio.sleep(0)
                if done.state is not None:
                    info, updates = done.state
                    info.updates = [msgspec.Raw(stored) for stored in updates if request.updates]
                    size += len(info.state) + sum(map(len, info.updates))
                    response.states.append(info)
                await asyncio.sleep(0)
        return response

    def fold_each(
        self, numbers: Iterable[int], timebase: Timebase, at_ns: int
    ) -> Iterator[UiStateInfo]:
        """The states of these views, one by one, without yielding to an event loop; for processes
        that serve no clients.
        """
        store, cursor_ns = self._checkpoints()
        for number in numbers:
            steps = self._fold_state(number, timebase, at_ns, store, cursor_ns)
            while (done := _advance(steps)) is None:
                pass
            if done.state is not None:
                info = done.state[0]
                info.checkpoint = None  # Which one was used is not reproducible.
                yield info

    def _checkpoints(self) -> tuple[CheckpointStore | None, int]:
        """The database, None without a usable one, and its canonical cursor in ns."""
        store = self._derived.current()
        try:
            state = None if store is None else store.state()
        except DerivedDamagedError as error:
            self._derived.discard(error)
            return None, NS_MIN
        # Events past the watermark must not be visible through a checkpoint either.
        if state is None or state.cursor_ns > self._snapshot.watermark:
            return None, NS_MIN
        return store, state.cursor_ns

    def _fold_state(
        self,
        number: int,
        timebase: Timebase,
        at_ns: int,
        store: CheckpointStore | None,
        cursor_ns: int,
    ) -> Generator[None, None, tuple[UiStateInfo, list[bytes]] | None]:
        """Compute one view's state and the updates after its checkpoint; yields to pause."""
        watermark = self._snapshot.watermark
        if at_ns < self._snapshot.archive.given_back.kept_from(self._snapshot.series.names[number]):
            return None  # Of the updates until then only those are left that later states need.
        newest = newest_update(self._snapshot, number, timebase, at_ns)
        if newest is None:
            return None
        version = newest.fields.manifest_version
        base = FoldStart()
        if store is not None:
            try:
                base = self._fold_start(store, cursor_ns, number, timebase, newest)
            except DerivedDamagedError as error:  # Fold all updates from the events instead.
                self._derived.discard(error)
        state = ViewState() if base.state is None else base.state.copy()
        checkpoint = None if base.state is None else _checkpoint_info(base.position, base.state)
        folded: list[bytes] = []
        updates = updates_between(self._snapshot, number, timebase, base.position, newest.position)
        while part := list(islice(updates, PAUSE_EVERY_EVENTS)):
            for update in part:
                # Updates received during a pause are not part of this state.
                if update.fields.manifest_version == version and update.canonical_ns <= watermark:
                    state.apply(update.fields.data, update.time_ns)
                    folded.append(update.stored)
            if len(part) == PAUSE_EVERY_EVENTS:
                yield
        return self._info(number, newest, state, checkpoint), folded

    def _fold_start(
        self,
        store: CheckpointStore,
        cursor_ns: int,
        number: int,
        timebase: Timebase,
        newest: Update,
    ) -> FoldStart:
        """The last checkpoint of the manifest version that no late update invalidates."""
        latest = newest.position
        if timebase == "source":
            latest = min(latest, self._earliest_late(number, cursor_ns))
        version = newest.fields.manifest_version
        folded = store.series(number)
        known = [] if folded is None else folded.in_timebase(timebase).versions
        if version not in known and len(known) < VERSIONS_MAX:
            # All updates before the last checkpoint have other versions.
            last = next(store.at_or_before(timebase, number, latest), None)
            return FoldStart() if last is None else FoldStart(last.position, ViewState())
        for checkpoint in store.at_or_before(timebase, number, latest):
            if checkpoint.version == version:
                return FoldStart(checkpoint.position, checkpoint.state())
        return FoldStart()

    def _earliest_late(self, number: int, cursor_ns: int) -> bytes:
        """The earliest source position of updates received after the cursor; each update is read
        once.
        """
        known = self._late.get(number)
        if known is None or known.cursor_ns != cursor_ns:
            known = _LateUpdates(cursor_ns, cursor_ns, AFTER_ALL)
        watermark, earliest = self._snapshot.watermark, known.earliest
        for update in updates_after(self._snapshot, number, known.until_ns):
            earliest = min(earliest, update.position)
        if len(self._late) >= LATE_CACHE_MAX_SERIES:
            self._late.clear()
        self._late[number] = _LateUpdates(cursor_ns, watermark, earliest)
        return earliest

    def _info(
        self, number: int, newest: Update, state: ViewState, checkpoint: CheckpointInfo | None
    ) -> UiStateInfo:
        names = self._snapshot.series.names[number]
        return UiStateInfo(
            scope_id=names.scope_id,
            system_id=names.system_id,
            container_id=names.container_id,
            unique_id=names.unique_id,
            view_id=names.view_id,
            manifest_id=newest.fields.manifest_id,
            manifest_version=newest.fields.manifest_version,
            checkpoint=checkpoint,
            state=msgspec.Raw(encode_data(state)),
            last_time=timestamps.text(newest.time_ns),
            last_event_id=event_id_of(newest.stored).hex(),
            key_times={key: timestamps.text(time_ns) for key, time_ns in state.times.items()},
        )


class _FoldResult(NamedTuple):
    """The return value of the generator of a state."""

    state: tuple[UiStateInfo, list[bytes]] | None


def _advance(
    steps: Generator[None, None, tuple[UiStateInfo, list[bytes]] | None],
) -> _FoldResult | None:
    """Run a generator to its next pause (None) or to its end."""
    try:
        next(steps)
    except StopIteration as end:
        return _FoldResult(end.value)
    return None


def _checkpoint_info(position: bytes, state: ViewState) -> CheckpointInfo:
    return CheckpointInfo(
        time=timestamps.text(position_time(position)), data=msgspec.Raw(encode_data(state))
    )


def _parse_key(key: str) -> int:
    if not (key.isascii() and key.isdecimal()):
        raise RequestError(
            "badKey", "afterKey is not the nextKey of a uiStateResponse: pass it unchanged"
        )
    return int(key)
