"""The protocol between a reader and its export processes: lines of JSON on pipes."""

from __future__ import annotations

import msgspec

from nova.sdk.protocol.messages import Filters, Timebase


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


class ExportedFile(msgspec.Struct, kw_only=True, rename="camel"):
    path: str
    driver: str
    events: int
    bytes: int


class ExportOmission(msgspec.Struct, kw_only=True, rename="camel"):
    """A stream or file that the export lacks, and the reason."""

    target_id: str = ""
    lane: str = ""
    stream_type: str = ""
    schema_version: str = ""
    path: str = ""
    driver: str = ""
    reason: str
    events: int


class WorkerResult(msgspec.Struct, kw_only=True, tag="brought"):
    """The result of one process' share. Only the first process fills the totals of all that was
    read: `events`, `lanes`, keys, `digest` and `bindings`.
    """

    files: list[ExportedFile]
    failures: list[ExportOmission]
    events: int = 0
    lanes: dict[str, int] = {}
    first_key: str | None = None
    last_key: str | None = None
    digest: str = ""
    bindings: list[msgspec.Raw] = []


class PackRequest(msgspec.Struct, kw_only=True, tag="pack"):
    """The last request, to the first process: pack the files of all processes into one archive."""

    name: str
    brought: list[WorkerResult]


class WorkerProgress(msgspec.Struct, kw_only=True, tag="passed"):
    """Progress of a process: events done of `total`, both estimates, and bytes written."""

    done: int
    total: int
    bytes: int


class PackResult(msgspec.Struct, kw_only=True, tag="packed"):
    """The export is complete; its archive of `bytes` bytes is in the job's folder."""

    bytes: int


class WorkerFailure(msgspec.Struct, kw_only=True, tag="failed"):
    """The export failed; `code` goes to the client."""

    code: str
    reason: str


WorkerRequest = ExportJob | PackRequest
WorkerReport = WorkerProgress | WorkerResult | PackResult | WorkerFailure

_requests: msgspec.json.Decoder[WorkerRequest] = msgspec.json.Decoder(WorkerRequest)
_reports: msgspec.json.Decoder[WorkerReport] = msgspec.json.Decoder(WorkerReport)

LINE_MAX_BYTES = 256 * 1024 * 1024
"""Generous, because a report lists every file of a share."""


def encode_line(message: WorkerRequest | WorkerReport) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode_request(text: bytes) -> WorkerRequest:
    """Raises msgspec.DecodeError."""
    return _requests.decode(text)


def decode_report(text: bytes) -> WorkerReport:
    """Raises msgspec.DecodeError."""
    return _reports.decode(text)
