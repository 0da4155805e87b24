"""The catalog: the archive's small records beside the events, each kind with its key and codec.

schema/version            the layout's version, text
series/<4 bytes>          JSON array: the names of a series
position/<link>           JSON object: stream -> next position
counters                  JSON: events, duplicates, rejects, and per link
request/<scope>/<id>      order key of the first CommandRequest with that requestId
command/<scope>/<id>      requestId of the first CommandRequest with that commandId
dispatch/<scope>/<id>     MessagePack: a command of this Core whose dispatch is not finished
carrier/<entity>          JSON object: link -> order key of the newest descriptor that it delivered
reject/<8 bytes>          MessagePack: one rejected record
canonical/last            8 bytes: the last canonical time that was assigned
binding/<stream>          text: the driver that the writer has selected for a stream, empty if none
seal/<day>                order key of the event that seals a UTC day
manifest/conflicts        JSON array: conflicts between manifests of one name, as text
rollup/…                  event counts per time bucket, see rollup.py
given/…, archive/origin   the days that retention has deleted, see given_back.py
gone/…                    the ids of deleted events, see deleted_ids.py
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from nova.core.errors import ArchiveError
from nova.core.ordering import TIME_BYTES, time_key, time_of
from nova.core.store.keys import series_bytes
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.events.event import Series

SCHEMA_VERSION = b"3"
FORMER_LAYOUTS = (b"1", b"2")
SCHEMA_KEY = b"schema/version"
ARCHIVE_ID_KEY = b"archive/id"
COUNTERS_KEY = b"counters"
LAST_CANONICAL_KEY = b"canonical/last"
SERIES_PREFIX = b"series/"
POSITION_PREFIX = b"position/"
REQUEST_PREFIX = b"request/"
COMMAND_PREFIX = b"command/"
DISPATCH_PREFIX = b"dispatch/"
LINK_ROUTES_PREFIX = b"carrier/"
REJECT_PREFIX = b"reject/"
BINDING_PREFIX = b"binding/"
MANIFEST_CONFLICTS_KEY = b"manifest/conflicts"
SEAL_PREFIX = b"seal/"
NUMBER_BYTES = 8
BIN_HEADS = {0xC4: 2, 0xC5: 3, 0xC6: 5}
"""Bytes before the content of a MessagePack binary, by its first byte."""


class LinkCounters(msgspec.Struct, kw_only=True):
    """Records of one link since the archive was created, and the canonical time in ns of its last
    record.
    """

    received: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    gaps: int = 0
    last_ns: int = 0


class Counters(msgspec.Struct, kw_only=True):
    """Totals since the archive was created; exact, because they are committed with the events."""

    events: int = 0
    duplicates: int = 0
    rejects: int = 0
    request_clashes: int = 0
    unknown_commands: int = 0
    deleted: int = 0
    """Events that retention has deleted, of those in `events`."""

    days_given_back: int = 0
    """Days of a scope and lane that retention has deleted."""

    links: dict[str, LinkCounters] = msgspec.field(default_factory=dict)

    @property
    def held(self) -> int:
        """The number of events that the archive holds."""
        return self.events - self.deleted

    def of_link(self, link: str) -> LinkCounters:
        """The counters of one link; creates them for a new link."""
        return self.links.setdefault(link, LinkCounters())


class Reject(msgspec.Struct, kw_only=True, array_like=True):
    """A rejected record: time, reason, origin, and its first bytes; `size` is its full size."""

    canonical_ns: int
    code: str
    member: str
    reason: str
    link: str
    position: str
    address: str | None
    size: int
    raw: bytes


def series_record_key(number: int) -> bytes:
    return SERIES_PREFIX + series_bytes(number)


def series_number(key: bytes) -> int:
    return int.from_bytes(key[len(SERIES_PREFIX) :], "big")


def encode_series(series: Series) -> bytes:
    return msgspec.json.encode(tuple(series))


def decode_series(value: bytes) -> Series:
    """Raises msgspec.DecodeError or ValueError if these are no names of a series."""
    series = Series(*msgspec.json.decode(value, type=tuple[str, str, str, str, str, str, str]))
    if series.lane not in LANE_PRIORITY:
        raise ValueError(f"lane {series.lane!r} is not one of {', '.join(LANE_PRIORITY)}")
    return series


def position_key(link: str) -> bytes:
    return POSITION_PREFIX + link.encode()


def encode_positions(positions: dict[str, int]) -> bytes:
    return msgspec.json.encode(positions)


def decode_positions(value: bytes) -> dict[str, int]:
    return msgspec.json.decode(value, type=dict[str, int])


def request_key(scope_id: str, request_id: str) -> bytes:
    """A requestId is unique in its scope."""
    return REQUEST_PREFIX + f"{scope_id}/{request_id}".encode()


def command_key(scope_id: str, command_id: str) -> bytes:
    """A commandId is unique in its scope."""
    return COMMAND_PREFIX + f"{scope_id}/{command_id}".encode()


class Dispatch(msgspec.Struct, array_like=True):
    """The state of one command's dispatch; `request_key` is the order key of its request.

    The record is committed with the request and removed when the dispatch has ended. `is_begun` is
    durable before the transport is called: without it the command has certainly not been sent.
    """

    request_key: bytes
    is_begun: bool = False


def dispatch_key(scope_id: str, request_id: str) -> bytes:
    return DISPATCH_PREFIX + f"{scope_id}/{request_id}".encode()


def encode_dispatch(dispatch: Dispatch) -> bytes:
    return msgspec.msgpack.encode(dispatch)


def decode_dispatch(value: bytes) -> Dispatch:
    return msgspec.msgpack.decode(value, type=Dispatch)


def link_routes_key(series: Series) -> bytes:
    """The key of an entity's link routes; of the series only the entity's ids count."""
    ids = (series.scope_id, series.system_id, series.container_id, series.unique_id)
    return LINK_ROUTES_PREFIX + "/".join(ids).encode()


def encode_link_routes(routes: dict[str, str]) -> bytes:
    """From link name to the order key, in hex, of the newest descriptor that it delivered."""
    return msgspec.json.encode(routes)


def decode_link_routes(value: bytes | None) -> dict[str, str]:
    """The inverse of `encode_link_routes`; empty for an entity without a record."""
    return {} if value is None else msgspec.json.decode(value, type=dict[str, str])


def binding_key(stream: DriverStream) -> bytes:
    return BINDING_PREFIX + "/".join(stream).encode()


def seal_key(day: str) -> bytes:
    """The key of the order key of the event that seals a day (YYYY-MM-DD)."""
    return SEAL_PREFIX + day.encode()


def reject_key(number: int) -> bytes:
    return REJECT_PREFIX + number.to_bytes(NUMBER_BYTES, "big")


def reject_number(key: bytes) -> int:
    return int.from_bytes(key[len(REJECT_PREFIX) :], "big")


def encode_reject(reject: Reject) -> bytes:
    return msgspec.msgpack.encode(reject)


class _Sized(msgspec.Struct, array_like=True):
    """A Reject whose record is not copied."""

    canonical_ns: int
    code: str
    member: str
    reason: str
    link: str
    position: str
    address: str | None
    size: int
    raw: msgspec.Raw


_sized = msgspec.msgpack.Decoder(_Sized)


def decode_reject(value: bytes, raw_max_bytes: int | None = None) -> Reject:
    """A row of the reject log with at most `raw_max_bytes` of its record (None: all)."""
    if raw_max_bytes is None:
        return msgspec.msgpack.decode(value, type=Reject)
    stored = _sized.decode(value)
    binary = memoryview(stored.raw)
    head = BIN_HEADS[binary[0]]
    return Reject(
        canonical_ns=stored.canonical_ns,
        code=stored.code,
        member=stored.member,
        reason=stored.reason,
        link=stored.link,
        position=stored.position,
        address=stored.address,
        size=stored.size,
        raw=bytes(binary[head : head + raw_max_bytes]),
    )


def encode_counters(counters: Counters) -> bytes:
    return msgspec.json.encode(counters)


def decode_counters(value: bytes | None) -> Counters:
    """All counters are zero in a new archive."""
    return Counters() if value is None else msgspec.json.decode(value, type=Counters)


def encode_time(ns: int) -> bytes:
    return time_key(ns)


def decode_time(value: bytes | None) -> int:
    """The time in ns, 0 in a new archive; raises ValueError for bytes that are none."""
    if value is not None and len(value) != TIME_BYTES:
        raise ValueError(f"a time has {TIME_BYTES} bytes, not {len(value)}")
    return 0 if value is None else time_of(value)


def check_schema(version: bytes | None, path: Path) -> None:
    """Raise ArchiveError if the archive has another layout than this version reads."""
    if version in (None, SCHEMA_VERSION):
        return
    advice = "a later version wrote it: install that one"
    if version in FORMER_LAYOUTS:
        advice = f"an earlier version wrote it: run `nova migrate --data {path.parent}` once"
    raise ArchiveError(
        f"the archive in {path} has layout {version.decode('ascii', 'backslashreplace')}, but this "
        f"NOVA reads {SCHEMA_VERSION.decode()}; {advice}"
    )


def encode_conflicts(conflicts: list[str]) -> bytes:
    return msgspec.json.encode(conflicts)


def decode_conflicts(stored: bytes | None) -> list[str]:
    """The conflicts that the writer found at its last start; empty in a new archive."""
    return [] if stored is None else msgspec.json.decode(stored, type=list[str])
