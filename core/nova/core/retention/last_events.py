"""The events that decide states and last values at a time, among those received before it.

Of a series that is the last one, in both timebases: an antenna that was set a year ago is still in
that state. The state of a view is the fold of the updates of one manifestVersion: each key has the
value of the last update with that key, and the last update of all names the version. So of a view's
updates, in both timebases, the last one is needed after the time, and the last one with each key of
each version. Events that are dated at or after the time are all needed: in source time they come
after it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.core.ordering import TIME_BYTES
from nova.sdk import timestamps

NO_KEY = ""


class _EventFields(msgspec.Struct, rename="camel"):
    event_id: str
    source_truth_time: str


class _UpdateFields(_EventFields, rename="camel"):
    manifest_version: str
    data: dict[str, msgspec.Raw]


class _InSource(NamedTuple):
    """The order of an event in source time, and its event key."""

    source_ns: int
    event_id: str
    event_key: bytes


class _ViewKey(NamedTuple):
    """A key of a version of a view; without both it stands for the whole series."""

    series: bytes
    version: str = NO_KEY
    key: str | None = None


_event_decoder = msgspec.json.Decoder(_EventFields)
_update_decoder = msgspec.json.Decoder(_UpdateFields)


class LastEvents:
    """The deciding events of a lane at `time_ns`; those of a series are added in order of
    receipt.
    """

    def __init__(self, time_ns: int, lane: str) -> None:
        self._time_ns = time_ns
        self._are_updates = lane == "ui"
        self._canonical: dict[_ViewKey, bytes] = {}
        self._source: dict[_ViewKey, _InSource] = {}
        self._ahead: set[bytes] = set()

    def add(self, event_key: bytes, stored: bytes) -> int:
        """Add an event that was received before the time; returns its source time in ns."""
        series = event_key[TIME_BYTES:]
        view_keys = [_ViewKey(series)]
        fields: _EventFields
        if self._are_updates:
            fields = update = _update_decoder.decode(stored)
            view_keys += [_ViewKey(series, update.manifest_version, key) for key in update.data]
        else:
            fields = _event_decoder.decode(stored)
        source_ns = timestamps.parse(fields.source_truth_time)
        if source_ns >= self._time_ns:
            self._ahead.add(event_key)
        in_source = _InSource(source_ns, fields.event_id, event_key)
        for view_key in view_keys:
            self._canonical[view_key] = event_key
            if source_ns < self._time_ns:
                self._source[view_key] = max(self._source.get(view_key, in_source), in_source)
        return source_ns

    def event_keys(self) -> frozenset[bytes]:
        """The event keys of the deciding events."""
        in_source = (one.event_key for one in self._source.values())
        return frozenset((*self._canonical.values(), *in_source, *self._ahead))
