"""The catalog: the small records beside the events, each kind with its key and its codec.

schema/version            the layout's version, text
series/<4 bytes>          JSON array: the names of a series
position/<link>           JSON object: stream -> next position
counters                  JSON: events, duplicates, rejects, and per link
request/<scope>/<id>      order key of the first CommandRequest with that requestId
command/<scope>/<id>      requestId of the first CommandRequest with that commandId
dispatch/<scope>/<id>     MessagePack: an own command whose dispatch has not come to its end
carrier/<entity>          JSON object: link -> order key of the newest descriptor that it brought
reject/<8 bytes>          MessagePack: one refused record
canonical/last            8 bytes: the last canonical time given out
binding/<stream>          text: the driver that the writer has selected for a stream, empty if none
manifest/conflicts        JSON array: what differs under one name among manifests, for people
rollup/…                  counts per bucket of time, see rollup.py
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.errors import ArchiveError
from core.ordering import time_key, time_of
from core.store.keys import series_bytes
from sdk.drivers.stream import Stream
from sdk.event import Series

SCHEMA_VERSION = b"3"
SCHEMA_KEY = b"schema/version"
ARCHIVE_ID_KEY = b"archive/id"
COUNTERS_KEY = b"counters"
LAST_CANONICAL_KEY = b"canonical/last"
SERIES_PREFIX = b"series/"
POSITION_PREFIX = b"position/"
REQUEST_PREFIX = b"request/"
COMMAND_PREFIX = b"command/"
DISPATCH_PREFIX = b"dispatch/"
CARRIER_PREFIX = b"carrier/"
REJECT_PREFIX = b"reject/"
BINDING_PREFIX = b"binding/"
MANIFEST_CONFLICTS_KEY = b"manifest/conflicts"
NUMBER_BYTES = 8


class LinkCounters(msgspec.Struct, kw_only=True):
    """What came over one link since the archive was made, and when its last record was stored."""

    received: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    gaps: int = 0
    last_ns: int = 0


class Counters(msgspec.Struct, kw_only=True):
    """What the archive has taken in since it was made; exact, for it is committed with the
    events.
    """

    events: int = 0
    duplicates: int = 0
    rejects: int = 0
    request_clashes: int = 0
    unknown_commands: int = 0
    links: dict[str, LinkCounters] = msgspec.field(default_factory=dict)

    def of_link(self, link: str) -> LinkCounters:
        """The counters of one link, made when it is first seen."""
        return self.links.setdefault(link, LinkCounters())


class Reject(msgspec.Struct, kw_only=True, array_like=True):
    """A refused record: when, why, where it came from, and its bytes."""

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
    """The key of a series' names."""
    return SERIES_PREFIX + series_bytes(number)


def series_number(key: bytes) -> int:
    """The number in a series record's key."""
    return int.from_bytes(key[len(SERIES_PREFIX) :], "big")


def encode_series(series: Series) -> bytes:
    """A series' names as stored."""
    return msgspec.json.encode(tuple(series))


def decode_series(value: bytes) -> Series:
    """A series' names as read."""
    return Series(*msgspec.json.decode(value, type=tuple[str, str, str, str, str, str, str]))


def position_key(link: str) -> bytes:
    """The key of a link's positions."""
    return POSITION_PREFIX + link.encode()


def encode_positions(positions: dict[str, int]) -> bytes:
    """A link's positions as stored."""
    return msgspec.json.encode(positions)


def decode_positions(value: bytes) -> dict[str, int]:
    """A link's positions as read."""
    return msgspec.json.decode(value, type=dict[str, int])


def request_key(scope_id: str, request_id: str) -> bytes:
    """The key under which a requestId is known; unique per scope (AMB-21)."""
    return REQUEST_PREFIX + f"{scope_id}/{request_id}".encode()


def command_key(scope_id: str, command_id: str) -> bytes:
    """The key under which a commandId is known; unique per scope."""
    return COMMAND_PREFIX + f"{scope_id}/{command_id}".encode()


class Dispatch(msgspec.Struct, array_like=True):
    """How far the dispatch of an own command is; `request_key` is the order key of its request.

    It is there from the commit of the request on and goes when the dispatch is over. `is_begun` is
    durable before the transport is asked: without it the command has certainly not been sent.
    """

    request_key: bytes
    is_begun: bool = False


def dispatch_key(scope_id: str, request_id: str) -> bytes:
    """The key of a dispatch that is under way."""
    return DISPATCH_PREFIX + f"{scope_id}/{request_id}".encode()


def encode_dispatch(dispatch: Dispatch) -> bytes:
    """A dispatch as stored."""
    return msgspec.msgpack.encode(dispatch)


def decode_dispatch(value: bytes) -> Dispatch:
    """A dispatch as read."""
    return msgspec.msgpack.decode(value, type=Dispatch)


def carrier_key(series: Series) -> bytes:
    """The key of the links that brought an entity's descriptors."""
    ids = (series.scope_id, series.system_id, series.container_id, series.unique_id)
    return CARRIER_PREFIX + "/".join(ids).encode()


def encode_carriers(carriers: dict[str, str]) -> bytes:
    """Links with their newest descriptors' order keys (hex) as stored."""
    return msgspec.json.encode(carriers)


def decode_carriers(value: bytes | None) -> dict[str, str]:
    """Links with their newest descriptors' order keys (hex) as read."""
    return {} if value is None else msgspec.json.decode(value, type=dict[str, str])


def binding_key(stream: Stream) -> bytes:
    """The key of what was selected for a stream."""
    return BINDING_PREFIX + "/".join(stream).encode()


def reject_key(number: int) -> bytes:
    """The key of the n-th refused record."""
    return REJECT_PREFIX + number.to_bytes(NUMBER_BYTES, "big")


def reject_number(key: bytes) -> int:
    """The number in a reject's key."""
    return int.from_bytes(key[len(REJECT_PREFIX) :], "big")


def encode_reject(reject: Reject) -> bytes:
    """A refused record as stored."""
    return msgspec.msgpack.encode(reject)


def decode_reject(value: bytes) -> Reject:
    """A refused record as read."""
    return msgspec.msgpack.decode(value, type=Reject)


def encode_counters(counters: Counters) -> bytes:
    """The counters as stored."""
    return msgspec.json.encode(counters)


def decode_counters(value: bytes | None) -> Counters:
    """The counters as read; all zero in a new archive."""
    return Counters() if value is None else msgspec.json.decode(value, type=Counters)


def encode_time(ns: int) -> bytes:
    """A time as stored."""
    return time_key(ns)


def decode_time(value: bytes | None) -> int:
    """A time as read; 0 in a new archive."""
    return 0 if value is None else time_of(value)


def check_schema(version: bytes | None, path: Path) -> None:
    """Raise ArchiveError if an archive was written by a layout that this code does not know."""
    if version not in (None, SCHEMA_VERSION):
        raise ArchiveError(
            f"the archive in {path} has layout {version!r}, this NOVA knows {SCHEMA_VERSION!r}: "
            "open it with the version that wrote it"
        )


def encode_conflicts(conflicts: list[str]) -> bytes:
    """The manifest conflicts that the writer has found when it started."""
    return msgspec.json.encode(conflicts)


def decode_conflicts(stored: bytes | None) -> list[str]:
    """The same from the catalog; none where no writer has looked yet."""
    return [] if stored is None else msgspec.json.decode(stored, type=list[str])
