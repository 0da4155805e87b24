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
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import CardManifest, violation
from nova.sdk.native_columns import BytesColumn, NumberColumn

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


class _UpdateData(msgspec.Struct):
    data: JsonObject


_update_decoder = msgspec.json.Decoder(_UpdateData)
_HEAD_CHARS = len('{"eventId":"') + 64
_TIME = b'"sourceTruthTime":"'


class KnownEvents(NamedTuple):
    """The events of a batch: item i of `keys` (order keys), `streams` (numbers) and `bodies` is one
    event. `unsure` has the places of the records that are to be checked otherwise.
    """

    keys: BytesColumn
    streams: NumberColumn
    bodies: BytesColumn
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
        self._manifest_of: dict[int, CardManifest] = {}
        """By stream number, the manifest that its updates have to conform to."""

        self.series: list[Series] = []
        """By stream number, its series."""

        self.versions: list[str] = []
        """By stream number, its schemaVersion; empty but on parsed."""

    def check(self, records: Sequence[tuple[str | None, bytes, str]]) -> KnownEvents:
        """Check a batch; the interpreter's lock is released meanwhile."""
        found = KnownEvents(*self._checker.check(records))
        if self._manifest_of and (refused := self._refused_updates(found)):
            return _without(found, refused, len(records))
        return found

    def prove(self, rows: list[tuple[bytes, bytes]], series: bytes) -> tuple[bytes, bytes]:
        """Prove rows of an archive; manifests are not looked at."""
        return self._checker.prove(rows, series)

    def _refused_updates(self, found: KnownEvents) -> list[int]:
        """The indexes of updates that their manifests do not allow, which the native part does not
        know.
        """
        return [
            index
            for index, stream in enumerate(found.streams)
            if (manifest := self._manifest_of.get(stream)) is not None
            and violation(manifest, _update_decoder.decode(found.bodies[index] + b"}").data)
        ]

    def learn(self, address: str | None, given: Envelope, found: Event, hashed_head: bytes) -> bool:
        """Learn the stream of an event; `given` is its envelope as written. Returns whether all
        other streams were forgotten for it.
        """
        names = [getattr(given, name, None) for name in NAMES]
        if (address, *names) in self._learned:
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
        update = found.envelope
        if isinstance(update, UiUpdate):
            manifest = self._manifests.get((update.manifest_id, update.manifest_version))
            if manifest is not None:
                self._manifest_of[number] = manifest
        return was_full

    def _forget(self) -> None:
        """Forget all streams. Numbers that were given before mean nothing any more."""
        self._checker.clear()
        self.series, self.versions = [], []
        self._manifest_of.clear()
        self._learned.clear()


def _without(found: KnownEvents, indexes: Sequence[int], records: int) -> KnownEvents:
    """The events without some, whose records are unsure."""
    unsure, refused = set(found.unsure), set(indexes)
    sure = [place for place in range(records) if place not in unsure]
    kept = [index for index in range(len(sure)) if index not in refused]
    return KnownEvents(
        found.keys.chosen(kept),
        found.streams.chosen(kept),
        found.bodies.chosen(kept),
        sorted((*found.unsure, *(sure[index] for index in indexes))),
    )


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
