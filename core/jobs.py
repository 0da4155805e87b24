"""The protocol between a reader and its export processes: lines of JSON on pipes."""

from __future__ import annotations

import msgspec

from sdk.protocol import Filters, Timebase


class ExportJob(msgspec.Struct, kw_only=True, tag="export"):
    """The first request: the events, the driver (None: the bound drivers), the folder, and which
    share of the files this process writes.
    """

    start_ns: int
    stop_ns: int
    timebase: Timebase
    filters: Filters
    mark: int
    folder: str
    preference: list[str]
    driver: str | None = None
    share: int = 0
    shares: int = 1
    max_bytes: int
    reserve_bytes: int = 0


class Written(msgspec.Struct, kw_only=True, rename="camel"):
    path: str
    driver: str
    events: int
    bytes: int


class NotWritten(msgspec.Struct, kw_only=True, rename="camel"):
    """A stream or file that the export lacks, and the reason."""

    target_id: str = ""
    lane: str = ""
    stream_type: str = ""
    schema_version: str = ""
    path: str = ""
    driver: str = ""
    reason: str
    events: int


class Brought(msgspec.Struct, kw_only=True, tag="brought"):
    """The result of one process' share. Only the first process fills the totals of all that was
    read: `events`, `lanes`, keys, `digest` and `bindings`.
    """

    files: list[Written]
    failures: list[NotWritten]
    events: int = 0
    lanes: dict[str, int] = {}
    first_key: str | None = None
    last_key: str | None = None
    digest: str = ""
    bindings: list[msgspec.Raw] = []


class Pack(msgspec.Struct, kw_only=True, tag="pack"):
    """The last request, to the first process: pack the files of all processes into one archive."""

    name: str
    brought: list[Brought]


class Passed(msgspec.Struct, kw_only=True, tag="passed"):
    """Progress of a process: events done of `total`, both estimates, and bytes written."""

    done: int
    total: int
    bytes: int


class Packed(msgspec.Struct, kw_only=True, tag="packed"):
    """The export is complete; its archive of `bytes` bytes is in the job's folder."""

    bytes: int


class Failed(msgspec.Struct, kw_only=True, tag="failed"):
    """The export failed; `code` goes to the client."""

    code: str
    reason: str


Request = ExportJob | Pack
Report = Passed | Brought | Packed | Failed

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)

LINE_MAX_BYTES = 256 * 1024 * 1024
"""Generous, because a report lists every file of a share."""


def line(message: Request | Report) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode_request(text: bytes) -> Request:
    """Raises msgspec.DecodeError."""
    return _requests.decode(text)


def decode_report(text: bytes) -> Report:
    """Raises msgspec.DecodeError."""
    return _reports.decode(text)
