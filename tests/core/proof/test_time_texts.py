"""Times that are parsed together are those that are parsed one by one."""

from __future__ import annotations

import random

from nova.core.proof.time_texts import TimeTexts, normal_texts
from nova.sdk import timestamps
from nova.sdk.errors import TimestampError

WRITTEN = [
    "2026-01-31T12:00:00.123456789Z",
    "2026-01-31T12:00:00.5Z",
    "2026-01-31T12:00:00Z",
    "2024-02-29T23:59:59.999Z",
    "2023-02-29T23:59:59.999Z",
    "1969-12-31T23:59:59.999999999Z",
    "1700-03-01T00:00:00Z",
    "2026-01-31T12:00:00.123+02:00",
    "2026-01-31T12:00:00.0000+02:00",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:60Z",
    "2026-01-31T12:00:00.12345678aZ",
    "2026-13-31T12:00:00.123456789Z",
    "2026-01-31 12:00:00.123456789Z",
    "",
]


def alone(text: str) -> int | None:
    try:
        return timestamps.parse(text)
    except TimestampError:
        return None


def test_they_are_those_that_are_parsed_alone() -> None:
    dice, times = random.Random(1), TimeTexts()
    for _ in range(200):
        written = [dice.choice(WRITTEN) for _ in range(dice.randrange(1, 9))]
        found = times.parse(b"".join(normal_texts([text.encode() for text in written])))
        is_strict = [text != "2026-01-31T12:00:00.0000+02:00" for text in written]
        wanted = [alone(text) for text in written]
        for ns, is_valid, one, strict in zip(
            found.ns.tolist(), found.is_valid.tolist(), wanted, is_strict, strict=True
        ):
            assert (ns if is_valid else None) == (one if strict else None), written


def test_the_ends_of_the_range_are_left_to_the_validator() -> None:
    for ns in (timestamps.NS_MIN, timestamps.NS_MAX):
        text = timestamps.text(ns).encode()
        assert not TimeTexts().parse(text).is_valid.any()
