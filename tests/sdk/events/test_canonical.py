"""Canonical JSON: the fast path prints what RFC 8785 requires, or declines."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from nova.sdk.errors import CanonicalError
from nova.sdk.events.canonical import canonical_json
from nova.sdk.field_types import JsonObject
from tests.laws import law

SAFE_INT = 2**53 - 1


def double_of_bits(bits: int) -> float:
    """The float that eight bytes are."""
    return cast(float, struct.unpack(">d", struct.pack(">Q", bits))[0])


floats_by_bits = st.integers(0, 2**64 - 1).map(double_of_bits).filter(math.isfinite)
floats = st.one_of(
    floats_by_bits,
    st.builds(
        lambda digits, exponent: float(f"{digits}e{exponent}"),
        st.integers(-(10**17), 10**17),
        st.integers(-330, 290),
    ).filter(math.isfinite),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(1e15, 1e22),
    st.floats(-1e22, -1e15),
    st.floats(1e-8, 1e-4),
    st.floats(-1e-4, -1e-8),
    st.integers(-SAFE_INT, SAFE_INT).map(float),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]),
)
integers = st.one_of(
    st.integers(-SAFE_INT, SAFE_INT), st.sampled_from([SAFE_INT, -SAFE_INT, 10**15, -(10**15), 0])
)
odd_characters = st.one_of(
    st.characters(min_codepoint=0xE000, max_codepoint=0xFFFF),
    st.characters(min_codepoint=0x10000),
    st.characters(max_codepoint=0x20),
    st.sampled_from('"\\/\x7f\x80\u2028\u2029\ufeff\ud7ff<>&null1e5.0'),
)
texts = st.one_of(st.text(max_size=12), st.text(odd_characters, max_size=6))
scalars = st.one_of(st.none(), st.booleans(), integers, floats, texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(texts, inner, max_size=6)),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=8)


def reference(value: Mapping[str, object]) -> bytes:
    """What the RFC's own implementation prints."""
    return rfc8785.dumps(value)  # type: ignore[arg-type]  # its value type is recursive, ours open


@law(150)
@given(objects)
@example({"\ue000": 1, "\U00010000": 2, "\uffff": 3, "a": 4})
@example({"": [{}, [], ""], "\x00\x1f\x7f\u2028": '\x08\x09\x0a\x0c\x0d"\\/'})
def test_the_fast_path_prints_what_rfc_8785_prints(value: JsonObject) -> None:
    """Equal content has equal bytes in every language (A-068, A-075, AMB-08)."""
    assert canonical_json(value) == reference(value)


@law(1_500)
@given(floats)
def test_floats_of_every_exponent(number: float) -> None:
    """Shortest round trip as ECMAScript prints it (A-068)."""
    assert canonical_json({"a": number, "b": [-number]}) == reference({"a": number, "b": [-number]})


def test_floats_around_every_power_of_ten_and_two() -> None:
    """The line between plain and exponent form is ECMAScript's (A-068)."""
    powers = [float(f"1e{exponent}") for exponent in range(-323, 309)]
    powers += [2.0**exponent for exponent in range(-1074, 1024)]
    for power in powers:
        near = (power, math.nextafter(power, 0), math.nextafter(power, math.inf), power * 1.5)
        for number in (number for number in near if math.isfinite(number)):
            assert canonical_json({"n": number}) == reference({"n": number}), number


def test_every_character_as_value_and_as_key() -> None:
    """All of Unicode but the surrogates (A-068)."""
    everything = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
    bmp = [character for character in everything if ord(character) < 0x10000]
    for characters in (bmp, everything):
        whole = {"text": "".join(characters)}
        assert canonical_json(whole) == reference(whole)
        keys: JsonObject = dict.fromkeys(characters[::7], 0)
        assert canonical_json(keys) == reference(keys)


@law(60)
@given(objects)
def test_what_was_printed_prints_the_same_again(value: JsonObject) -> None:
    """Reading a canonical text, whose numbers are doubles, changes nothing in it (A-063, A-068)."""
    printed = canonical_json(value)
    assert canonical_json(json.loads(printed, parse_int=float)) == printed


def test_ordinary_telemetry_stays_on_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow path is for the few values that need it (nova.md §3)."""

    def forbidden(value: object) -> bytes:
        raise AssertionError(f"slow path taken for {value!r}")

    monkeypatch.setattr(rfc8785, "dumps", forbidden)
    telemetry: JsonObject = {
        "volts": 3.3,
        "small": 0.0001,
        "count": 123_456_789_012_345,
        "negative": -12,
        "name": "Größe → 温度",
        "flags": [True, False],
        "nested": {"zeta": 1.05, "alpha": {}},
    }
    assert canonical_json(telemetry).startswith(b'{"count":123456789012345,"flags":[true,false]')


def nested_in_list(value: object) -> JsonObject:
    """The value as an item."""
    return {"a": [1, {"b": value}]}


def on_top(value: object) -> JsonObject:
    """The value as a member."""
    return {"a": value, "z": 1.5}


@pytest.mark.parametrize("place", [on_top, nested_in_list])
@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        2**63,
        2**64 - 1,
        2**64,
        -(2**63) - 1,
        10**4000,
        10**5000,
        math.nan,
        math.inf,
        -math.inf,
        "\ud800",
        "a\udfffb",
        "\udc00\ud800",
        {"\ud800": 1},
        {"\U0001f600\udc00": 1},
        b"bytes",
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_an_error(
    place: Callable[[object], JsonObject], value: object
) -> None:
    """Big integers, lone surrogates, NaN and infinity are refused, never printed (AMB-08)."""
    with pytest.raises(CanonicalError):
        canonical_json(place(value))


def deep(levels: int, leaf: object = 1) -> JsonObject:
    """Objects in objects."""
    value: JsonObject = {"a": leaf}
    for _ in range(levels):
        value = {"a": value}
    return value


def at_depth(frames: int, run: Callable[[], bytes]) -> bytes:
    """Run something from deep inside the Python stack."""
    return run() if frames == 0 else at_depth(frames - 1, run)


@pytest.mark.parametrize("leaf", [1, 1e21], ids=["fast", "slow"])
def test_how_deep_is_too_deep_does_not_depend_on_who_asks(leaf: object) -> None:
    """The same value is taken or refused from any depth of the stack (A-005)."""
    for levels in (0, 100, 200, 250, 300, 400, 900, 5_000):
        value = deep(levels, leaf)
        verdicts = set()
        for frames in (0, 400):
            try:
                verdicts.add(at_depth(frames, partial(canonical_json, value)))
            except CanonicalError as error:
                verdicts.add(str(error).encode())
        assert len(verdicts) == 1, levels
    with pytest.raises(CanonicalError, match="nested too deeply"):
        canonical_json(deep(300, leaf))
