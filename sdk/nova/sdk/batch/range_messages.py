"""Messages between a process that reads a range in parallel and its workers. The body of a progress
message is lines of stored envelopes, byte for byte.
"""

from __future__ import annotations

import msgspec

from nova.sdk.channel import FrameCodec
from nova.sdk.files_settings import FILES_MAX
from nova.sdk.protocol.messages import Filters, GivenBackInfo, Timebase

ResultJson = bytes


class RangeRequest(msgspec.Struct, kw_only=True, tag="range"):
    """First request: the events to read, in a range of ns with both ends included.

    `after` is the hex of the order key to start after, `watermark` the canonical time that limits
    the read; if it is None, the worker uses its present durable watermark. `given_back` is the
    number of days that retention had deleted then; more of the range must not be deleted. Whatever
    the filters say, only `scopes` and `lanes` are read (None: all), and the audit trail only
    `with_audit`.
    """

    start_ns: int
    stop_ns: int
    timebase: Timebase
    filters: Filters
    after: str | None = None
    watermark: int | None = None
    given_back: int | None = None
    scopes: list[str] | None = None
    lanes: list[str] | None = None
    with_audit: bool = False


class SplitRequest(msgspec.Struct, kw_only=True, tag="cut"):
    """Split the range into exactly `pieces`, or into at least `pieces_min` small ones."""

    pieces: int | None = None
    pieces_min: int = 1


class PipeOutput(msgspec.Struct, frozen=True, tag="pipe"):
    """Events are the body of the progress messages."""


class FileOutput(msgspec.Struct, kw_only=True, tag="file"):
    """Events are appended to a file, which an interrupted replay resumes."""

    path: str


class FunctionOutput(msgspec.Struct, kw_only=True, tag="function"):
    """Events are passed to a function `module:name`, with the number of their shard."""

    call: str
    shard: int


class DriverOutput(msgspec.Struct, kw_only=True, tag="drivers"):
    """Events are written to files by a driver (None: the bound drivers); a file's path determines
    which share of `shares` writes it.
    """

    folder: str
    preference: list[str]
    driver: str | None = None
    share: int = 0
    shares: int = 1
    max_bytes: int
    reserve_bytes: int = 0
    files_max: int = FILES_MAX


class ReadRequest(msgspec.Struct, kw_only=True, tag="read"):
    """Deliver the events of a half-open part of the range to an output."""

    start_ns: int
    stop_ns: int
    after: str | None = None
    output: PipeOutput | FileOutput | FunctionOutput | DriverOutput = PipeOutput()


class PackRequest(msgspec.Struct, kw_only=True, tag="pack"):
    """Pack the files of all shares of an export into one archive `name`, given their results."""

    output: DriverOutput
    name: str
    results: list[ResultJson]


class RangePiece(msgspec.Struct, array_like=True, frozen=True):
    """A half-open range of time in ns, and its estimated number of events."""

    start_ns: int
    stop_ns: int
    events: int


class SplitReply(msgspec.Struct, kw_only=True, tag="planned"):
    """Reply to a cut: pieces that cover the range, and the watermark and deleted days for all."""

    watermark: int
    given_back: int
    deleted: list[GivenBackInfo] = []
    """What retention has deleted of the range."""
    pieces: list[RangePiece]


class RangeProgress(msgspec.Struct, kw_only=True, omit_defaults=True, tag="progress"):
    """Progress of a read: events and bytes delivered so far, the key (hex) after which to resume,
    and the estimated number of the range's events that were read, of `total`.
    """

    events: int = 0
    bytes: int = 0
    after: str = ""
    passed: int = 0
    total: int = 0
    is_done: bool = False
    result: ResultJson = b""
    """The output's own result, when it is done."""


class PackReply(msgspec.Struct, kw_only=True, tag="packed"):
    """The export is complete; its archive of `bytes` bytes is in the output's folder."""

    bytes: int
    events: int
    digest: str
    failures: int


class RangeFailure(msgspec.Struct, kw_only=True, tag="failed"):
    """Why a worker failed."""

    code: str
    reason: str


WorkerRequest = RangeRequest | SplitRequest | ReadRequest | PackRequest
WorkerReply = SplitReply | RangeProgress | PackReply | RangeFailure

REQUESTS: FrameCodec[WorkerRequest] = FrameCodec(WorkerRequest)
REPLIES: FrameCodec[WorkerReply] = FrameCodec(WorkerReply)
