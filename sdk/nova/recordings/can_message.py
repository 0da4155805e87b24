"""Frames as python-can returns them from a log, and their places in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from nova.recordings.candump import ERROR_FLAG, CanFrame

BITRATE_SWITCH, ERROR_STATE = 1, 2
"""SocketCAN's flags of CAN FD frames."""


class LibraryMessage(Protocol):
    """A message of python-can; its time is in seconds."""

    timestamp: float
    arbitration_id: int
    is_extended_id: bool
    is_remote_frame: bool
    is_error_frame: bool
    is_fd: bool
    bitrate_switch: bool
    error_state_indicator: bool
    channel: int | str | None
    dlc: int
    data: bytes


class MeasuredFrame(NamedTuple):
    """One place of a log: a frame with its time since the start, or the problem there."""

    offset_bytes: int
    place: str
    frame: CanFrame | None = None
    since_start_ns: int = 0
    problem: str | None = None


MeasuredFrames = Iterator[MeasuredFrame]


def since_start_ns(seconds: float) -> int:
    """Nanoseconds of a float of seconds since the start, which has them for 52 days."""
    return round(seconds * 1e9)


def frame_of(message: LibraryMessage) -> CanFrame:
    """The same frame as a log of candump has it."""
    number = message.arbitration_id
    if message.is_error_frame:
        can_id = f"{number | ERROR_FLAG:08X}"
    else:
        can_id = f"{number:08X}" if message.is_extended_id else f"{number:03X}"
    flags = BITRATE_SWITCH * message.bitrate_switch | ERROR_STATE * message.error_state_indicator
    return CanFrame(
        f"{message.timestamp:.9f}",
        interface_of(message.channel),
        can_id,
        bytes(message.data),
        message.is_remote_frame,
        flags if message.is_fd else None,
        message.dlc if message.is_remote_frame else 0,
    )


def interface_of(channel: int | str | None) -> str:
    """A channel as SocketCAN names it: logs of Vector count from 1, python-can from 0."""
    return f"can{channel or 0}"
