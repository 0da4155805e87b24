"""The native part of ingest; `nova.sdk.native` finds it."""

from collections.abc import Sequence

API: int

def series_rows(
    event_keys: Sequence[bytes], source_keys: Sequence[bytes]
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The keys of events in `series_canonical` and in `series_source`, and the values of the
    latter, grouped by series.
    """

def event_keys(first_ns: int, series: Sequence[int]) -> list[bytes]:
    """Event keys of events that are 1 ns apart from `first_ns` on."""

def stamped(bodies: Sequence[bytes], first_ns: int) -> list[bytes]:
    """Stored envelopes of bodies without their closing brace, 1 ns apart from `first_ns` on."""

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
