"""Every bit of an array comes back from its bytes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.errors import DerivedDamagedError
from nova.core.store.column_codec import (
    decode_integers,
    decode_numbers,
    encode_integers,
    encode_numbers,
    encode_times,
)
from nova.sdk.timestamps import NS_MAX, NS_MIN

EXACT = 2**53
TIMES = st.lists(
    st.integers(NS_MIN, NS_MAX) | st.integers(-3, 3) | st.just(NS_MIN) | st.just(NS_MAX)
)
BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
NUMBERS = st.sampled_from(
    [
        BITS,
        st.floats(),
        st.floats(width=32),
        st.integers(-EXACT, EXACT).map(float),
        st.integers(-200, 200).map(lambda number: number / 100),
        st.sampled_from([0.0, -0.0, 1.0]),
        st.floats() | st.sampled_from([float(EXACT), -0.0, 24.5]),
    ]
).flatmap(st.lists)


@given(TIMES)
def test_times_come_back(times: list[int]) -> None:
    array = np.array(times, np.int64)
    assert decode_integers(encode_times(array)).tolist() == times
    assert decode_integers(encode_integers(array)).tolist() == times


@given(NUMBERS)
def test_numbers_come_back_bit_by_bit(numbers: list[float]) -> None:
    """NaN with its payload, infinities and negative zeros among them."""
    array = np.array(numbers, np.float64)
    assert decode_numbers(encode_numbers(array)).tobytes() == array.tobytes()


def test_what_telemetry_sends_is_small() -> None:
    """Steady times take no byte each, decimals as many as their digits need."""
    times = NS_MAX - np.arange(8_000, dtype=np.int64)[::-1] * 1_000_000
    assert len(encode_times(times)) < 50
    decimals = np.round(np.linspace(20, 30, 1_000), 2)
    assert len(encode_numbers(decimals)) < 2_050
    assert len(encode_numbers(np.array([True] * 999, np.float64))) < 50


@pytest.mark.parametrize("damage", [b"", b"x" * 40, encode_numbers(np.arange(9.0))[:-1]])
def test_damage_is_an_error(damage: bytes) -> None:
    with pytest.raises(DerivedDamagedError):
        decode_numbers(damage)
    with pytest.raises(DerivedDamagedError):
        decode_integers(damage)
