"""JSON lines of envelopes, published byte for byte; the Core validates them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from nova.recordings.bounded_lines import bounded_lines
from nova.recordings.recording import Step
from nova.sdk import address as addresses
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY, SCOPE_TOKEN, Address
from nova.sdk.errors import TimestampError
from nova.sdk.transport.base import Record

LINE_MAX_BYTES = 4 * 1024 * 1024
"""Far above the envelope limit, so that the Core records an envelope that is only too large."""


class _EnvelopePeek(msgspec.Struct, rename="camel"):
    """The members of the address and the time, of any type, since the envelope may be invalid."""

    scope_id: object = None
    lane: object = None
    system_id: object = None
    container_id: object = None
    unique_id: object = None
    source_truth_time: object = None


class JsonLinesReader:
    """Reads a file with one envelope per line; `scope_id` is the default for those without one."""

    def __init__(self, path: Path, scope_id: str) -> None:
        self._path = path
        self._scope_id = scope_id

    def steps(self) -> Iterator[Step]:
        """A step per line; empty lines are skipped."""
        with self._path.open("rb") as file:
            for line in bounded_lines(file, LINE_MAX_BYTES):
                place = f"line {line.number}"
                if line.data is None:
                    problem = f"the line has {line.size_bytes} bytes; the limit is {LINE_MAX_BYTES}"
                    yield Step(line.end_bytes, place, problem=problem)
                elif line.data.strip():
                    yield self._step(line.end_bytes, place, line.data)

    def _step(self, end_bytes: int, place: str, line: bytes) -> Step:
        peek = _peek_envelope(line)
        address = _address(peek, self._scope_id) if peek else None
        record = Record(str(address) if address else None, line)
        return Step(end_bytes, place, (record,), _source_ns(peek) if peek else None)


def _peek_envelope(line: bytes) -> _EnvelopePeek | None:
    try:
        return msgspec.json.decode(line, type=_EnvelopePeek)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _address(peek: _EnvelopePeek, scope_id: str) -> Address | None:
    """The entity's address, or that of scope and lane if the ids are invalid.

    Commands too get their entity's address, never a dispatch address: publishing a recording must
    not command a device.
    """
    scope = scope_id if peek.scope_id is None else peek.scope_id
    lane = peek.lane
    if not isinstance(scope, str) or not addresses.is_id(scope):
        return None
    if not isinstance(lane, str) or lane not in LANE_PRIORITY:
        return None
    ids = [peek.system_id, peek.container_id, peek.unique_id]
    if peek.unique_id == SCOPE_TOKEN:
        ids = [SCOPE_TOKEN if part is None else part for part in ids]
    texts = [part for part in ids if isinstance(part, str) and addresses.is_id(part)]
    if len(texts) < len(ids):
        return Address(scope, lane)
    return Address(scope, lane, *texts)


def _source_ns(peek: _EnvelopePeek) -> int | None:
    if not isinstance(peek.source_truth_time, str):
        return None
    try:
        return timestamps.parse(peek.source_truth_time)
    except TimestampError:
        return None
