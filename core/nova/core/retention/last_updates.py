"""The updates of views that decide their states at a time, among those received before it.

A state is the fold of the updates of one manifestVersion: each key has the value of the last update
with that key, and the last update of all names the version. So of the updates before a time few are
needed after it: for each view, in both timebases, the last one, and the last one with each key of
each version. Updates that are dated at or after the time are all needed: in source time they come
after it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.core.ordering import TIME_BYTES
from nova.sdk import timestamps

NO_KEY = ""


class _UpdateFields(msgspec.Struct, rename="camel"):
    event_id: str
    source_truth_time: str
    manifest_version: str
    data: dict[str, msgspec.Raw]


class _InSource(NamedTuple):
    """The order of an update in source time, and its event key."""

    source_ns: int
    event_id: str
    event_key: bytes


class _ViewKey(NamedTuple):
    """A key of a version of a view; without both it stands for the whole view."""

    series: bytes
    version: str = NO_KEY
    key: str | None = None


_decoder = msgspec.json.Decoder(_UpdateFields)


class LastUpdates:
    """The deciding updates of views at `time_ns`; those of a view are added in order of receipt."""

    def __init__(self, time_ns: int) -> None:
        self._time_ns = time_ns
        self._canonical: dict[_ViewKey, bytes] = {}
        self._source: dict[_ViewKey, _InSource] = {}
        self._ahead: set[bytes] = set()

    def add(self, event_key: bytes, stored: bytes) -> int:
        """Add an update that was received before the time; returns its source time in ns."""
        fields = _decoder.decode(stored)
        source_ns = timestamps.parse(fields.source_truth_time)
        if source_ns >= self._time_ns:
            self._ahead.add(event_key)
        series = event_key[TIME_BYTES:]
        version = fields.manifest_version
        view_keys = [_ViewKey(series, version, key) for key in fields.data]
        in_source = _InSource(source_ns, fields.event_id, event_key)
        for view_key in (_ViewKey(series), *view_keys):
            self._canonical[view_key] = event_key
            if source_ns < self._time_ns:
                self._source[view_key] = max(self._source.get(view_key, in_source), in_source)
        return source_ns

    def event_keys(self) -> frozenset[bytes]:
        """The event keys of the deciding updates."""
        in_source = (one.event_key for one in self._source.values())
        return frozenset((*self._canonical.values(), *in_source, *self._ahead))
