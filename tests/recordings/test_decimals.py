"""Decimals: the shortest that gives a narrow float back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.decimals import shortest


@given(st.sampled_from([(16, "e"), (32, "f")]), st.data())
def test_gives_the_same_float_back(width: tuple[int, str], data: st.DataObject) -> None:
    """And no float of that width has a longer text than nine digits need."""
    bits, code = width
    value = data.draw(st.floats(width=16 if bits == 16 else 32, allow_nan=False))
    said = shortest(value, bits)
    assert struct.pack(code, said) == struct.pack(code, value)
    assert len(repr(said)) <= len(repr(value))


@pytest.mark.parametrize(
    ("value", "bits", "text"),
    [
        (20.010000228881836, 32, "20.01"),
        (-0.0999755859375, 16, "-0.1"),
        (65504.0, 16, "65504.0"),
        (3.4028234663852886e38, 32, "3.4028235e+38"),
        (16777216.0, 32, "16777216.0"),
        (0.1, 64, "0.1"),
        (2.0**-149, 32, "1e-45"),
        (3 * 2.0**-149, 32, "4e-45"),
        (float("inf"), 32, "inf"),
        (-0.0, 32, "-0.0"),
    ],
)
def test_known_values(value: float, bits: int, text: str) -> None:
    """Wider floats and infinities stay as they are."""
    assert repr(shortest(value, bits)) == text
