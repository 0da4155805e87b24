"""Initial states: what views showed at the begin of a file's range, folded from events strictly
before it. The result is the same for a day's file and for an export of that day, and does not
depend on which checkpoints exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import msgspec

from core.files.bindings import Chooser
from core.files.layout import paths_of
from core.ordering import Timebase
from core.reader.selection import Selection
from core.reader.ui_state import UiStates
from core.reader.view import View
from core.scratch import scratch_folder
from sdk import timestamps
from sdk.drivers.opening import NO_OPENING, Opening
from sdk.drivers.stream import Stream
from sdk.event import Series
from sdk.timestamps import NS_MIN

_encode = msgspec.json.Encoder(order="deterministic").encode


class Openings:
    """Computes the initial states for files of one range, which begins at `start_ns`."""

    def __init__(
        self, view: View, selection: Selection, chooser: Chooser, timebase: Timebase, start_ns: int
    ) -> None:
        self._view = view
        self._selection = selection
        self._chooser = chooser
        self._timebase: Timebase = timebase
        self._start_ns = start_ns

    def of(self, path: str) -> Opening:
        """The initial state of a file: of the views whose updates it would contain at its begin."""
        if self._start_ns <= NS_MIN:
            return NO_OPENING
        return Opening(self._start_ns, self._checkpoints(path))

    def _checkpoints(self, path: str) -> Iterator[bytes]:
        names = self._view.series.names
        numbers = [
            number for number in self._selection.numbers() if self._goes_to(names[number], path)
        ]
        if not numbers:
            return
        # Sorted by name: series numbers depend on the order of arrival, which differs per archive.
        numbers.sort(key=names.__getitem__)
        head = b'{"checkpointTime":"' + timestamps.text(self._start_ns).encode() + b'",'
        data = self._view.archive.path.parent
        with (
            scratch_folder("opening") as scratch,
            closing(UiStates(self._view, data, scratch)) as states,
        ):
            for info in states.each(numbers, self._timebase, self._start_ns - 1):
                info.key_times = dict(sorted(info.key_times.items()))
                yield head + _encode(info)[1:]

    def _goes_to(self, names: Series, path: str) -> bool:
        """Whether an update of a view at the begin of the range would be written to this file."""
        if names.lane != "ui" or not path.startswith(names.scope_id):
            return False
        entity = (names.scope_id, names.system_id, names.container_id, names.unique_id)
        stream = Stream(*entity, names.lane, names.message_type)
        driver = self._chooser.choose(stream, self._start_ns).driver
        return driver is not None and path in paths_of(driver, stream)
