"""Initial states: what views showed at the begin of a file's range, folded from events strictly
before it. The result is the same for a day's file and for an export of that day, and does not
depend on which checkpoints exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import msgspec

from nova.core.files.bound_drivers import DriverChooser
from nova.core.files.file_layout import file_paths
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.ui_state import UiStates
from nova.core.scratch import scratch_folder
from nova.sdk import timestamps
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.drivers.initial_state import NO_INITIAL_STATE, InitialState
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MIN

_encode = msgspec.json.Encoder(order="deterministic").encode


class InitialStates:
    """Computes the initial states for files of one range, which begins at `start_ns`."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        event_filter: EventFilter,
        chooser: DriverChooser,
        timebase: Timebase,
        start_ns: int,
    ) -> None:
        self._snapshot = snapshot
        self._event_filter = event_filter
        self._chooser = chooser
        self._timebase: Timebase = timebase
        self._start_ns = start_ns

    def of(self, path: str) -> InitialState:
        """The initial state of a file: of the views whose updates it would contain at its begin."""
        if self._start_ns <= NS_MIN:
            return NO_INITIAL_STATE
        return InitialState(self._start_ns, self._fold_views(path))

    def _fold_views(self, path: str) -> Iterator[bytes]:
        names = self._snapshot.series.names
        numbers = [
            number
            for number in self._event_filter.numbers()
            if self._is_written_to(names[number], path)
        ]
        if not numbers:
            return
        # Sorted by name: series numbers depend on the order of arrival, which differs per archive.
        numbers.sort(key=names.__getitem__)
        head = b'{"checkpointTime":"' + timestamps.text(self._start_ns).encode() + b'",'
        data = self._snapshot.archive.path.parent
        with (
            scratch_folder("initial-state") as scratch,
            closing(UiStates(self._snapshot, data, scratch)) as states,
        ):
            for info in states.fold_each(numbers, self._timebase, self._start_ns - 1):
                info.key_times = dict(sorted(info.key_times.items()))
                yield head + _encode(info)[1:]

    def _is_written_to(self, names: Series, path: str) -> bool:
        """Whether an update of a view at the begin of the range would be written to this file."""
        if names.lane != "ui" or not path.startswith(names.scope_id):
            return False
        entity = (names.scope_id, names.system_id, names.container_id, names.unique_id)
        stream = DriverStream(*entity, names.lane, names.message_type)
        driver = self._chooser.choose(stream, self._start_ns).driver
        return driver is not None and path in file_paths(driver, stream)
