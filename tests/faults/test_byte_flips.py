"""A flipped bit in a closed archive is found, or harms nothing."""

from __future__ import annotations

import pytest

from tests.faults.__main__ import run_flips

FLIPS, MANY_FLIPS = range(5), range(100, 2_100)


def test_some_flipped_bits() -> None:
    """A-299: no reader's answer is silently wrong or short."""
    figures, faults = run_flips(FLIPS)
    assert faults == []
    assert figures["flipped bits"] == len(FLIPS)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_two_thousand_flipped_bits() -> None:
    """Of every file."""
    figures, faults = run_flips(MANY_FLIPS)
    assert faults == []
    assert figures["files with flipped bits"] > 30
