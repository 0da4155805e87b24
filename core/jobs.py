"""What a reader and the processes of an export say to each other, as lines of JSON on pipes."""

from __future__ import annotations

import msgspec

from sdk.protocol import Filters, Timebase


class ExportJob(msgspec.Struct, kw_only=True, tag="export"):
    """First request: which events, by which driver (None: those that are bound), into which folder,
    and which share of the files is this process'.
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
    """A file of an export."""

    path: str
    driver: str
    events: int
    bytes: int


class NotWritten(msgspec.Struct, kw_only=True, rename="camel"):
    """A stream, or a file, that is not in an export, and why."""

    target_id: str = ""
    lane: str = ""
    stream_type: str = ""
    schema_version: str = ""
    path: str = ""
    driver: str = ""
    reason: str
    events: int


class Brought(msgspec.Struct, kw_only=True, tag="brought"):
    """What one process has made of its share; the first one also says what it has read."""

    files: list[Written]
    failures: list[NotWritten]
    events: int = 0
    lanes: dict[str, int] = {}
    first_key: str | None = None
    last_key: str | None = None
    digest: str = ""
    bindings: list[msgspec.Raw] = []


class Pack(msgspec.Struct, kw_only=True, tag="pack"):
    """Last request, to the first process: make one archive of all that was brought."""

    name: str
    brought: list[Brought]


class Passed(msgspec.Struct, kw_only=True, tag="passed"):
    """How far a process is: about so many events of about so many, and the bytes written."""

    done: int
    total: int
    bytes: int


class Packed(msgspec.Struct, kw_only=True, tag="packed"):
    """The export is complete and lies in its folder."""

    bytes: int


class Failed(msgspec.Struct, kw_only=True, tag="failed"):
    """Why it cannot be made; the code goes to the client."""

    code: str
    reason: str


Request = ExportJob | Pack
Report = Passed | Brought | Packed | Failed

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_reports: msgspec.json.Decoder[Report] = msgspec.json.Decoder(Report)

LINE_MAX_BYTES = 256 * 1024 * 1024
"""A report names every file."""


def line(message: Request | Report) -> bytes:
    """A message as it is sent."""
    return msgspec.json.encode(message) + b"\n"


def decode_request(text: bytes) -> Request:
    """A request as it came."""
    return _requests.decode(text)


def decode_report(text: bytes) -> Report:
    """A report as it came."""
    return _reports.decode(text)
