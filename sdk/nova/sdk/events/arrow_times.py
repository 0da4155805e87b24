"""Converts timestamps of stored envelopes to an Arrow column of nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nova.sdk import timestamps
from nova.sdk.optional_imports import import_optional

if TYPE_CHECKING:
    import pyarrow as pa

SECOND_CHARS = len("2026-01-01T00:00:00")
NORMAL_CHARS = SECOND_CHARS + len(".000000000Z")


def timestamp_column(texts: Sequence[str]) -> pa.Array:
    """A UTC timestamp column from texts that were validated at ingest."""
    pa = import_optional("pyarrow", "arrow")
    kind = pa.timestamp("ns", tz="UTC")
    if all([len(text) == NORMAL_CHARS and text[-1] == "Z" for text in texts]):
        try:
            return pa.array(texts, pa.string()).cast(kind)
        except pa.ArrowInvalid:
            pass  # Arrow rejects times within the first, partial second of the int64 range.
    return pa.array([timestamps.parse_accepted(text) for text in texts], kind)
