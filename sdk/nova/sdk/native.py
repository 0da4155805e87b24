"""The native part of ingest: `nova.native`, of the distribution nova-native, where it is installed.

Without it the same work is done in Python. The variable NOVA_NATIVE decides: 0 never uses the
native part, 1 requires it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, TypeVar

from nova.sdk import native_columns
from nova.sdk.errors import SettingsError
from nova.sdk.native_columns import BytesColumn, NumberColumn

MODULE = "nova.native"
VARIABLE = "NOVA_NATIVE"
NEVER, REQUIRED = "0", "1"
API = 8
"""Of another API the native part is of another version, and is not used."""


class RecordChecker(Protocol):
    """`nova.native.RecordChecker`: checks records of the streams that it has learned."""

    def learn(
        self,
        address: str | None,
        names: Sequence[str | None],
        number: int,
        lane: int,
        kind: str,
        texts: Sequence[bytes],
    ) -> None:
        """Learn a stream: how its records name it, and the texts that its events share."""

    def clear(self) -> None:
        """Forget all streams."""

    def __len__(self) -> int: ...

    def check(
        self, records: Sequence[tuple[str | None, bytes, str]]
    ) -> tuple[BytesColumn, NumberColumn, BytesColumn, list[int]]:
        """The order keys, stream numbers and bodies of the events that it is sure of, and the
        places of all other records.
        """

    def prove(self, rows: list[tuple[bytes, bytes]], series: bytes) -> tuple[bytes, bytes]:
        """For each row of `canonical` a byte, which is 1 if all of it is that of an event of its
        series, and the order keys of those events, one behind the other. `series` are the series
        bytes of the streams.
        """


NativeField = tuple[str, bool, bytearray, bytearray | None, list[str] | None, bool]
"""The path of a field, whether it is a text field, its values (float64), their rows (int64; None:
each event has one), the texts to which the values of a text field are places, and whether all
values are booleans.
"""


EventRows = tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]
"""Event keys, order keys and stored envelopes of events, which are parallel."""

RecordT = TypeVar("RecordT")

StampedColumns = tuple[BytesColumn, BytesColumn, BytesColumn]
"""Event keys, order keys and stored envelopes."""


class NativePart(Protocol):
    """The module `nova.native`."""

    API: int

    @staticmethod
    def RecordChecker(max_bytes: int) -> RecordChecker: ...

    BytesColumn: type[native_columns.BytesColumn]
    NumberColumn: type[native_columns.NumberColumn]
    KeySet: type[native_columns.KeySet]

    @staticmethod
    def publish_frame(
        frame: bytes, record: Callable[[str | None, bytes], RecordT]
    ) -> tuple[int, Sequence[RecordT]] | None:
        """The number of a publisher's frame over the local transport, and its records, each made by
        `record` when it is asked for; None if it is not sure of the frame.
        """

    @staticmethod
    def first_places(
        keys: Sequence[bytes], last: bytes
    ) -> tuple[list[int] | None, list[int], bytes | None]:
        """Of the keys that are equal the places of the first (None: no two are equal), of these the
        places of keys not after `last`, and the last key of all.
        """

    @staticmethod
    def stamped_rows(
        columns: tuple[Sequence[bytes], Sequence[int], Sequence[bytes]],
        places: Sequence[int] | None,
        numbers: Sequence[int],
        first_ns: int,
    ) -> StampedColumns:
        """Event keys, order keys and stored envelopes of the events at `places` (None: all) of
        columns of order keys, of indexes into `numbers`, and of bodies; 1 ns apart.
        """

    @staticmethod
    def rows_bytes(stored: Sequence[bytes]) -> int:
        """The bytes that a write batch has for the rows of events with these envelopes."""

    @staticmethod
    def put_events(
        put: Callable[..., None],
        families: tuple[object, object, object, object],
        parts: Sequence[EventRows],
    ) -> None:
        """Put the rows of the events of all parts into a write batch, whose method `put` is;
        `families` are the handles of those that have a row for each event, as EVENT_FAMILIES names
        them.
        """

    @staticmethod
    def fitting_end(stored: Sequence[bytes], start: int, end: int, room: int) -> int:
        """The end of the envelopes from `start` to before `end` for which there is room, in bytes:
        at least one, and the one that fills it.
        """

    @staticmethod
    def commit_frame(
        head: bytes, parts: Sequence[tuple[Sequence[bytes], Sequence[bytes]]]
    ) -> bytes:
        """A frame of the commit feed: `head`, and an array of the events of these parts, each of
        event keys and stored envelopes, as MessagePack.
        """

    @staticmethod
    def bucket_counts(source_keys: Sequence[bytes], level: int) -> list[tuple[int, int, int]]:
        """How many of the order keys are of each bucket of `2^level` ns and lane: bucket, lane,
        count.
        """

    @staticmethod
    def rows_sum(rows: list[tuple[bytes, bytes]], secret: tuple[int, int]) -> int:
        """The sum of the hashes of rows, modulo 2^64."""

    @staticmethod
    def index_sums(
        event_keys: bytes, source_keys: bytes, secret: tuple[int, int]
    ) -> tuple[int, int, int]:
        """The sums of the rows of events in `source`, `series_canonical` and `series_source`; their
        keys stand one behind the other.
        """

    @staticmethod
    def field_columns(
        stored: Sequence[bytes], depth: int
    ) -> tuple[bytearray, list[NativeField]] | None:
        """The source times (int64) of stored envelopes and their fields, by first event, then by
        path; objects more than `depth` levels below a payload have none. None if it is not sure of
        an envelope.
        """


def native_part() -> NativePart | None:
    """The native part; None where it is not installed or not wanted. Raises SettingsError if it is
    required and absent, or if the variable has another value.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", NEVER, REQUIRED):
        raise SettingsError(f"{VARIABLE} is {wanted[:64]!r}: set it to 0 (never) or 1 (required)")
    if wanted == NEVER:
        return None
    fault = _fault()
    if fault is None:
        module: NativePart = sys.modules[MODULE]  # type: ignore[assignment]  # a module as Protocol
        return module
    if wanted == REQUIRED:
        raise SettingsError(
            f"{VARIABLE} is 1, but {fault}: install nova-native of this version, or unset it"
        )
    return None


def _fault() -> str | None:
    """Why the native part cannot be used, None if it is imported."""
    module = sys.modules.get(MODULE)
    if module is None:  # `import_module` of one that is there took a twentieth of a writer's time.
        try:
            module = import_module(MODULE)
        except ImportError as error:
            return f"{MODULE} cannot be imported ({error})"
    found = getattr(module, "API", None)
    return None if found == API else f"{MODULE} has API {found}, not {API}"
