"""The states of an instance's processes, which its supervisor writes to the stdin of those that
report them to clients.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec

from nova.sdk.protocol.health import ProcessInfo

log = logging.getLogger(__name__)


class ProcessesLine(msgspec.Struct):
    """One line."""

    processes: Sequence[ProcessInfo]


_decoder = msgspec.json.Decoder(ProcessesLine)


def encode_line(processes: Sequence[ProcessInfo]) -> bytes:
    return msgspec.json.encode(ProcessesLine(processes)) + b"\n"


class ProcessStates:
    """What the supervisor has written last; empty in a process without a supervisor."""

    def __init__(self) -> None:
        self.processes: Sequence[ProcessInfo] = ()

    def apply(self, line: bytes) -> None:
        try:
            self.processes = _decoder.decode(line).processes
        except msgspec.DecodeError as error:
            log.error("unreadable line from the supervisor", extra={"context": {"why": str(error)}})
