"""The native part of ingest; `nova.sdk.native` finds it."""

from collections.abc import Callable, Sequence

API: int

def first_places(
    keys: list[bytes], last: bytes
) -> tuple[list[int] | None, list[int], bytes | None]:
    """Places of the first of equal keys, of keys not after `last`, and the last key."""

def stamped_rows(
    columns: tuple[list[bytes], list[int], list[bytes]],
    places: Sequence[int] | None,
    numbers: Sequence[int],
    first_ns: int,
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Event keys, order keys and stored envelopes of events that are 1 ns apart."""

def put_events(
    put: Callable[..., None],
    families: tuple[object, object, object, object],
    event_keys: Sequence[bytes],
    source_keys: Sequence[bytes],
    stored: Sequence[bytes],
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
    ) -> tuple[list[bytes], list[int], list[bytes], list[int]]: ...
    def prove(self, rows: list[tuple[bytes, bytes]], series: bytes) -> tuple[bytes, bytes]: ...
