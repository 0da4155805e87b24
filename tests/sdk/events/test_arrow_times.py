"""Times of a column equal those of the scalar parser (A-194)."""

from __future__ import annotations

import pytest

from nova.sdk import timestamps
from nova.sdk.events.arrow_times import timestamp_column
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

EDGES = (NS_MIN, NS_MIN + NS_PER_SECOND, -NS_PER_SECOND - 1, -1, 0, 1, 10**18 + 7, NS_MAX)


@pytest.mark.parametrize("edges", [EDGES[1:], EDGES])
def test_every_moment_is_kept_to_the_nanosecond(edges: tuple[int, ...]) -> None:
    """From the first to the last that int64 holds, whether the library can read all or not."""
    column = timestamp_column([timestamps.text(ns) for ns in edges])
    assert column.cast("int64").to_pylist() == list(edges)


def test_other_forms_are_read_too() -> None:
    """Offsets and fewer digits stand in envelopes as producers write them."""
    texts = [
        "2026-01-01T02:00:00.0000+02:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000000000Z",
    ]
    assert set(timestamp_column(texts).cast("int64").to_pylist()) == {timestamps.parse(texts[1])}
