"""The native part of ingest; `nova.sdk.native` finds it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

RecordT = TypeVar("RecordT")

API: int

class BytesColumn(Sequence[bytes]):
    """Bytes that do not change."""

    def __init__(self, items: Sequence[bytes]) -> None: ...
    def chosen(self, places: Sequence[int]) -> BytesColumn: ...
    def merged(self, places: Sequence[int], more: Sequence[bytes]) -> BytesColumn: ...

class NumberColumn(Sequence[int]):
    """Numbers that do not change."""

    def __init__(self, numbers: Sequence[int]) -> None: ...
    def chosen(self, places: Sequence[int]) -> NumberColumn: ...
    def merged(self, places: Sequence[int], more: Sequence[int]) -> NumberColumn: ...
    def places_of(self, wanted: Sequence[int], places: Sequence[int] | None) -> list[int]: ...
    def distinct(self) -> tuple[list[int], NumberColumn]: ...

class KeySet:
    """Keys that are taken."""

    def update(self, keys: Iterable[bytes], /) -> None: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __len__(self) -> int: ...

def publish_frame(
    frame: bytes, record: Callable[[str | None, bytes], RecordT]
) -> tuple[int, Sequence[RecordT]] | None:
    """The number and the records of a publisher's frame; None if it is not sure of it."""

def first_places(
    keys: Sequence[bytes], last: bytes
) -> tuple[list[int] | None, list[int], bytes | None]:
    """Places of the first of equal keys, of keys not after `last`, and the last key."""

def stamped_rows(
    columns: tuple[Sequence[bytes], Sequence[int], Sequence[bytes]],
    places: Sequence[int] | None,
    numbers: Sequence[int],
    first_ns: int,
) -> tuple[BytesColumn, BytesColumn, BytesColumn]:
    """Event keys, order keys and stored envelopes of events that are 1 ns apart."""

def fitting_end(stored: Sequence[bytes], start: int, end: int, room: int) -> int:
    """The end of the envelopes for which there is room in bytes."""

def commit_frame(head: bytes, parts: Sequence[tuple[Sequence[bytes], Sequence[bytes]]]) -> bytes:
    """A frame of the commit feed."""

def rows_bytes(stored: Sequence[bytes]) -> int:
    """The bytes of the rows of events in a write batch."""

EventRows = tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]

def put_events(
    put: Callable[..., None],
    families: tuple[object, object, object, object],
    parts: Sequence[EventRows],
) -> None:
    """Put the rows of events into a write batch."""

def bucket_counts(source_keys: Sequence[bytes], level: int) -> list[tuple[int, int, int]]:
    """How many order keys are of each bucket and lane."""

NativeField = tuple[str, bool, bytearray, bytearray | None, list[str] | None, bool]

def field_columns(
    stored: Sequence[bytes], depth: int
) -> tuple[bytearray, list[NativeField]] | None:
    """The source times and the fields of stored envelopes; None if it is not sure of one."""

def rows_sum(rows: list[tuple[bytes, bytes]], secret: tuple[int, int]) -> int:
    """The sum of the keyed hashes of rows, modulo 2^64."""

def index_sums(
    event_keys: bytes, source_keys: bytes, secret: tuple[int, int]
) -> tuple[int, int, int]:
    """The sums of the rows of events in `source`, `series_canonical` and `series_source`."""

class RecordChecker:
    """Checks records of the streams that it has learned."""

    def __init__(self, max_bytes: int) -> None: ...
    def learn(
        self,
        address: str | None,
        names: Sequence[str | None],
        number: int,
        lane: int,
        kind: str,
        texts: Sequence[bytes],
    ) -> None: ...
    def clear(self) -> None: ...
    def __len__(self) -> int: ...
    def check(
        self, records: Sequence[tuple[str | None, bytes, str]]
    ) -> tuple[BytesColumn, NumberColumn, BytesColumn, list[int]]: ...
    def prove(self, rows: list[tuple[bytes, bytes]], series: bytes) -> tuple[bytes, bytes]: ...
