"""ASAM MDF 4 (`.mf4`): the CAN frames of bus logging, which asammdf reads."""

from __future__ import annotations

import heapq
import struct
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from nova.recordings.can_message import (
    BITRATE_SWITCH,
    ERROR_STATE,
    MeasuredFrame,
    MeasuredFrames,
    interface_of,
    since_start_ns,
)
from nova.recordings.candump import ERROR_FLAG, CanFrame
from nova.recordings.recording import RecordingError
from nova.sdk import timestamps
from nova.sdk.optional_imports import import_optional

MF4_MAGICS = (b"MDF     4.", b"UnFinMF 4.")
CHUNK_RECORDS = 1000
BUS_EVENT_FLAG = 2
CAN_BUS = 2
KINDS = ("CAN_DataFrame", "CAN_RemoteFrame", "CAN_ErrorFrame")
NO_FRAMES = "has no CAN frames of bus logging: export its signals as a table (CSV, Parquet)"
CUT = "it ends within a block, or before one that it points to"
_HEADER_AT = 64
_LINKS_AT, _LINK_BYTES = 16, 8
_START = struct.Struct("<QhhB")
_LOCAL_FLAG = 1


class _MdfSamples(Protocol):
    dtype: object

    def __getitem__(self, name: str) -> Sequence[object]: ...


class _MdfSignal(Protocol):
    samples: _MdfSamples
    timestamps: Sequence[float]


class _MdfSource(Protocol):
    bus_type: int


class _MdfChannelGroup(Protocol):
    flags: int
    cycles_nr: int
    acq_source: _MdfSource | None


class _MdfChannel(Protocol):
    name: str


class _MdfGroup(Protocol):
    channel_group: _MdfChannelGroup
    channels: Sequence[_MdfChannel]


class _Mdf(Protocol):
    groups: Sequence[_MdfGroup]

    def get(
        self, name: str, group: int, *, record_offset: int, record_count: int, raw: bool
    ) -> _MdfSignal: ...
    def close(self) -> None: ...


def mf4_start(path: Path) -> tuple[str | None, bool]:
    """The start of the measurement as an ISO time without a zone, and whether it is UTC."""
    with path.open("rb") as file:
        file.seek(_HEADER_AT)
        head = file.read(1024)
    try:
        (links,) = struct.unpack_from("<Q", head, _LINKS_AT)
        start_ns, _, _, flags = _START.unpack_from(head, _LINKS_AT + _LINK_BYTES * (links + 1))
    except struct.error:
        raise RecordingError(f"{path} is cut in the head of an MF4 file") from None
    if not 0 < start_ns <= timestamps.NS_MAX:
        return None, False
    return timestamps.text(start_ns).removesuffix("Z"), not flags & _LOCAL_FLAG


def mf4_frames(path: Path) -> MeasuredFrames:
    """The frames of a log, in the order of their times."""
    library = import_optional("asammdf", "recordings")
    # An open file, because the library would open a path for writing.
    with path.open("rb") as file:
        try:
            mdf = cast(_Mdf, library.MDF(file))
        except Exception as error:  # The library raises whatever a damaged block leads to.
            _close_half_opened(error)
            reason = " ".join(str(error).split()) or type(error).__name__
            if isinstance(error, struct.error):
                reason = CUT
            raise RecordingError(f"{path} is not a whole MF4 file: {reason}") from None
        try:
            yield from _frames_of(mdf, path)
        finally:
            mdf.close()


def _close_half_opened(error: BaseException) -> None:
    """Close what asammdf had opened when it failed. Its own `close` needs members that it had not
    set yet, and would print a trace when the object is collected.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        half_opened = frame.f_locals.get("self")
        if half_opened is not None and type(half_opened).__name__ == "MDF4":
            for member in ("header", "identification", "_file"):
                vars(half_opened).setdefault(member, None)
            half_opened.close()
            return


def _frames_of(mdf: _Mdf, path: Path) -> MeasuredFrames:
    end_bytes = path.stat().st_size
    try:
        groups = [_group_frames(mdf, number, kind) for number, kind in _bus_groups(mdf)]
        if groups:
            yield from heapq.merge(*groups, key=lambda one: one.since_start_ns)
    except Exception as error:
        reason = f"the rest cannot be read: {error or type(error).__name__}"
        yield MeasuredFrame(end_bytes, "the rest", problem=reason)
        return
    if not groups:
        raise RecordingError(f"{path} {NO_FRAMES}")


def _bus_groups(mdf: _Mdf) -> Iterator[tuple[int, str]]:
    for number, group in enumerate(mdf.groups):
        source = group.channel_group.acq_source
        if not group.channel_group.flags & BUS_EVENT_FLAG or source is None:
            continue
        names = {channel.name for channel in group.channels}
        kind = next((kind for kind in KINDS if kind in names), None)
        if kind is not None and source.bus_type == CAN_BUS:
            yield number, kind


def _group_frames(mdf: _Mdf, number: int, kind: str) -> MeasuredFrames:
    count = mdf.groups[number].channel_group.cycles_nr
    for begin in range(0, count, CHUNK_RECORDS):
        found = mdf.get(kind, number, record_offset=begin, record_count=CHUNK_RECORDS, raw=False)
        frames = _frames(found.samples, kind)
        for row, (seconds, frame) in enumerate(zip(found.timestamps, frames, strict=True), begin):
            at_ns = since_start_ns(float(seconds))
            yield MeasuredFrame(0, f"{kind} {row}", frame, at_ns)


def _frames(samples: _MdfSamples, kind: str) -> Iterator[CanFrame]:
    names = getattr(samples.dtype, "names", None) or ()
    columns = {name.removeprefix(f"{kind}."): list(samples[name]) for name in names}
    for row in range(len(columns.get("ID", ()))):
        yield _frame({name: values[row] for name, values in columns.items()}, kind)


def _frame(row: dict[str, object], kind: str) -> CanFrame:
    """A frame from the members that ASAM's standard gives it; only some are always there."""

    def number(name: str) -> int:
        value = row.get(name, 0)
        return int(cast(int, value)) if not isinstance(value, bytes) else 0

    is_remote = kind == "CAN_RemoteFrame"
    is_error = kind == "CAN_ErrorFrame"
    can_id = number("ID") & 0x1FFF_FFFF
    if is_error:
        text = f"{can_id | ERROR_FLAG:08X}"
    else:
        text = f"{can_id:08X}" if number("IDE") else f"{can_id:03X}"
    data = bytes(cast(Sequence[int], row.get("DataBytes", b"")))[: number("DataLength")]
    flags = BITRATE_SWITCH * number("BRS") | ERROR_STATE * number("ESI")
    return CanFrame(
        "0",
        interface_of(number("BusChannel")),
        text,
        b"" if is_remote else data,
        is_remote,
        flags if number("EDL") else None,
        number("DLC") if is_remote else 0,
    )
