"""Sinks of a batch replay: one merged sequence, one file, a file per shard, or a function per
shard.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from nova.sdk.batch.merge import MergedPart, merge_pieces
from nova.sdk.batch.range_messages import (
    FileOutput,
    FunctionOutput,
    RangePiece,
    RangeProgress,
    RangeRequest,
    ReadRequest,
    SplitRequest,
)
from nova.sdk.batch.range_workers import ProgressCallback, RangeWorkers
from nova.sdk.batch.request import ReplayRequest, ReplaySummary, ReportCallback
from nova.sdk.batch.resumable_file import (
    OutputState,
    ReplayPlan,
    ResumableFile,
    read_state,
    state_path,
    write_state,
)
from nova.sdk.errors import NovaError

SHARDS_MAX = 64
PLAN_FILE = "replay.state"
SHARD_FILES = "shard-*.jsonl*"

RequestFields = dict[str, str | None]


def merged_parts(
    request: ReplayRequest, shards: int, report: ReportCallback | None = None
) -> Iterator[MergedPart]:
    """A range in order, as blocks of lines."""
    with RangeWorkers(request.data, _valid_shards(shards)) as workers:
        _, pieces = workers.plan(request.to_range(), SplitRequest(pieces_min=shards))
        yield from _reported(merge_pieces(workers, pieces, None), pieces, 0, report)


def to_file(
    request: ReplayRequest,
    path: Path,
    shards: int,
    *,
    restart: bool = False,
    report: ReportCallback | None = None,
) -> ReplaySummary:
    """Write a range in order to a file; resumes an interrupted replay."""
    started = time.monotonic()
    fields = request.as_stored()
    known = _interrupted_state(path, fields, restart)
    with RangeWorkers(request.data, _valid_shards(shards)) as workers:
        rest = _rest_of(request, known.plan, known.after)
        watermark, pieces = workers.plan(rest, SplitRequest(pieces_min=shards))
        given_back = rest.given_back or 0
        plan = ReplayPlan(request=fields, watermark=watermark, given_back=given_back)
        with ResumableFile(path, plan) as output:
            counted = output.state
            found = merge_pieces(workers, pieces, counted.after)
            for part in _reported(found, pieces, counted.events, report):
                output.write(part.lines, part.events, part.after)
            output.finish()
    state_path(path).unlink()
    return _summary(counted.events, counted.bytes, started, shards)


def _rest_of(request: ReplayRequest, plan: ReplayPlan | None, after: str | None) -> RangeRequest:
    """The rest of an interrupted replay, or all of a new one."""
    if plan is None:
        return request.to_range(after=after)
    return request.to_range(plan.watermark, after, plan.given_back)


def _interrupted_state(path: Path, fields: RequestFields, restart: bool) -> OutputState:
    """The state of an interrupted replay to a file, a new one if there is none; raises NovaError if
    its request differs.
    """
    state = state_path(path)
    if restart:
        state.unlink(missing_ok=True)
    elif (known := read_state(state, OutputState)) is not None:
        _check_same_request(known.plan, fields, state)
        return known
    elif path.exists():
        raise _exists_error(path)
    return OutputState()


def to_folder(
    request: ReplayRequest,
    folder: Path,
    shards: int,
    *,
    restart: bool = False,
    report: ReportCallback | None = None,
) -> ReplaySummary:
    """Write each shard of a range to its file `shard-000.jsonl`…, each by its own process; resumes
    an interrupted replay.
    """
    started = time.monotonic()
    fields = request.as_stored(_valid_shards(shards))
    plan = _interrupted_plan(folder, fields, restart)
    with RangeWorkers(request.data, shards) as workers:
        whole = _rest_of(request, plan, None)
        watermark, ranges = workers.plan(whole, SplitRequest(pieces=shards))
        if plan is None:
            given_back = whole.given_back or 0
            plan = ReplayPlan(
                request=fields, watermark=watermark, given_back=given_back, ranges=ranges
            )
            write_state(folder / PLAN_FILE, plan)
        paths = [folder / f"shard-{number:03}.jsonl" for number in range(shards)]
        reads = [
            ReadRequest(
                start_ns=piece.start_ns, stop_ns=piece.stop_ns, output=FileOutput(path=str(path))
            )
            for piece, path in zip(plan.ranges, paths, strict=True)
        ]
        done = workers.read(reads, _progress_callback(plan.ranges, report))
    for path in paths:
        state_path(path).unlink()
    (folder / PLAN_FILE).unlink()
    return _summary_of(done, started, shards)


def _interrupted_plan(folder: Path, fields: RequestFields, restart: bool) -> ReplayPlan | None:
    """The plan of an interrupted replay to a folder, None if there is none; raises NovaError if its
    request differs.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NovaError(f"cannot write to {folder}: {error.strerror}") from error
    plan = None if restart else read_state(folder / PLAN_FILE, ReplayPlan)
    if plan is not None:
        _check_same_request(plan, fields, folder / PLAN_FILE)
        return plan
    for path in sorted(folder.glob(SHARD_FILES)):
        if not restart:
            raise _exists_error(path)
        path.unlink()
    (folder / PLAN_FILE).unlink(missing_ok=True)
    return None


def to_function(
    request: ReplayRequest, name: str, shards: int, *, report: ReportCallback | None = None
) -> ReplaySummary:
    """Call a function `package.module:function` in each shard's process with the shard's number and
    its events. The function itself must handle a restart after an interruption.
    """
    started = time.monotonic()
    with RangeWorkers(request.data, _valid_shards(shards)) as workers:
        _, ranges = workers.plan(request.to_range(), SplitRequest(pieces=shards))
        reads = [
            ReadRequest(
                start_ns=piece.start_ns,
                stop_ns=piece.stop_ns,
                output=FunctionOutput(call=name, shard=number),
            )
            for number, piece in enumerate(ranges)
        ]
        done = workers.read(reads, _progress_callback(ranges, report))
    return _summary_of(done, started, shards)


def _reported(
    parts: Iterable[MergedPart],
    pieces: Sequence[RangePiece],
    before: int,
    report: ReportCallback | None,
) -> Iterator[MergedPart]:
    """Yield the parts, and report each after the caller has processed it."""
    total = before + sum(piece.events for piece in pieces)
    events = before
    for part in parts:
        yield part
        events += part.events
        if report is not None:
            report(before + part.events_read, total, events)


def _progress_callback(
    ranges: Sequence[RangePiece], report: ReportCallback | None
) -> ProgressCallback:
    total = sum(piece.events for piece in ranges)

    def watch(shards: Sequence[RangeProgress]) -> None:
        if report is not None:
            passed = sum(progress.passed for progress in shards)
            report(passed, total, sum(progress.events for progress in shards))

    return watch


def _check_same_request(plan: ReplayPlan | None, fields: RequestFields, state: Path) -> None:
    """Raise NovaError unless an interrupted replay has the same request."""
    known = plan.request if plan else {}
    differing = [
        f"{name} was {known.get(name)}, is {value}"
        for name, value in fields.items()
        if known.get(name) != value
    ]
    if differing:
        raise NovaError(
            f"{state} belongs to another replay: {'; '.join(differing)}. "
            "Repeat its request to resume it, or give --restart"
        )


def _exists_error(path: Path) -> NovaError:
    return NovaError(
        f"{path} exists, without a state to resume from: "
        "remove it, or give --restart to overwrite it"
    )


def _valid_shards(shards: int) -> int:
    if not 1 <= shards <= SHARDS_MAX:
        raise NovaError(f"{shards} shards requested, 1 to {SHARDS_MAX} are allowed")
    return shards


def _summary_of(done: Sequence[RangeProgress], started: float, shards: int) -> ReplaySummary:
    events, size = sum(each.events for each in done), sum(each.bytes for each in done)
    return _summary(events, size, started, shards)


def _summary(events: int, size: int, started: float, shards: int) -> ReplaySummary:
    seconds = round(time.monotonic() - started, 3)
    return ReplaySummary(events=events, bytes=size, seconds=seconds, shards=shards)
