"""Known streams: the records of the lanes with most events, checked by the native part.

It is sure only of plain events of streams that a whole check has accepted before. All others,
errors included, are left to the checker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from nova.sdk import native
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.canonical import canonical_json
from nova.sdk.events.envelope import Envelope, ParsedMessage, UiUpdate
from nova.sdk.events.event import Event, Series
from nova.sdk.events.manifest_policy import ManifestIndex

NAMES = (
    "lane",
    "scope_id",
    "system_id",
    "container_id",
    "unique_id",
    "message_type",
    "schema_version",
    "view_id",
    "manifest_id",
    "manifest_version",
)
"""The members that name a stream, in the order in which the native part expects them."""

_HEAD_CHARS = len('{"eventId":"') + 64
_TIME = b'"sourceTruthTime":"'


class KnownEvents(NamedTuple):
    """The events of a batch: item i of `keys` (order keys), `streams` (numbers) and `bodies` is one
    event. `unsure` has the places of the records that are to be checked otherwise.
    """

    keys: list[bytes]
    streams: list[int]
    bodies: list[bytes]
    unsure: list[int]


class KnownStreams:
    """The streams that the native part knows; at most `max_streams`."""

    def __init__(
        self, checker: native.RecordChecker, max_streams: int, manifests: ManifestIndex
    ) -> None:
        self._checker = checker
        self._max_streams = max_streams
        self._manifests = manifests
        self._learned: set[tuple[str | None, ...]] = set()
        self.series: list[Series] = []
        """By stream number, its series."""

        self.versions: list[str] = []
        """By stream number, its schemaVersion; empty but on parsed."""

    def check(self, records: Sequence[tuple[str | None, bytes, str]]) -> KnownEvents:
        """Check a batch; the interpreter's lock is released meanwhile."""
        return KnownEvents(*self._checker.check(records))

    def learn(self, address: str | None, given: Envelope, found: Event, hashed_head: bytes) -> bool:
        """Learn the stream of an event, unless updates of it need a manifest; `given` is its
        envelope as written. Returns whether all other streams were forgotten for it.
        """
        names = [getattr(given, name, None) for name in NAMES]
        if (address, *names) in self._learned or self._is_restricted(found.envelope):
            return False
        was_full = len(self.series) >= self._max_streams
        if was_full:
            self._forget()
        self._learned.add((address, *names))
        start = found.body.index(_TIME, _HEAD_CHARS) + len(_TIME)
        shared = (hashed_head, found.body[_HEAD_CHARS:start], *_payload_texts(found.envelope))
        number, lane = len(self.series), found.series.lane
        self._checker.learn(address, names, number, LANE_PRIORITY[lane], lane, shared)
        self.series.append(found.series)
        self.versions.append(found.schema_version)
        return was_full

    def _is_restricted(self, envelope: Envelope) -> bool:
        if not isinstance(envelope, UiUpdate):
            return False
        return (envelope.manifest_id, envelope.manifest_version) in self._manifests

    def _forget(self) -> None:
        """Forget all streams. Numbers that were given before mean nothing any more."""
        self._checker.clear()
        self.series, self.versions = [], []
        self._learned.clear()


def known_streams(
    max_bytes: int, max_streams: int, manifests: ManifestIndex
) -> KnownStreams | None:
    """What the native part will know; None without it."""
    part = native.native_part()
    if part is None:
        return None
    return KnownStreams(part.RecordChecker(max_bytes), max_streams, manifests)


def _payload_texts(envelope: Envelope) -> tuple[bytes, bytes, bytes]:
    """The stored text between time and payload, and the hashed texts before and after it."""
    if isinstance(envelope, ParsedMessage):
        kind = {"messageType": envelope.message_type, "schemaVersion": envelope.schema_version}
        hashed = {"schemaVersion": envelope.schema_version}
        return _between(kind, "payload"), b'{"payload":', _after(hashed)
    if isinstance(envelope, UiUpdate):
        manifest = {
            "manifestId": envelope.manifest_id,
            "manifestVersion": envelope.manifest_version,
        }
        view = {"viewId": envelope.view_id}
        kind = {"messageType": envelope.message_type, **view, **manifest}
        return _between(kind, "data"), b'{"data":', _after({**manifest, **view})
    return b'","bytes":"', b"", b""


def _between(members: dict[str, str], payload: str) -> bytes:
    return b'",%b,"%b":' % (msgspec.json.encode(members)[1:-1], payload.encode())


def _after(members: dict[str, object] | dict[str, str]) -> bytes:
    return b",%b" % canonical_json(dict(members))[1:]
