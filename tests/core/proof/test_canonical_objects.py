"""Many objects at once have the forms that each has alone."""

from __future__ import annotations

import json
import random

import pytest

from nova.core.proof.canonical_objects import canonical_objects
from nova.sdk.errors import CanonicalError
from nova.sdk.events.canonical import canonical_json

NUMBERS = [0, -0.0, 0.0, 28.0, 1.5, 1e-7, 1e21, 123456789012345.0, 2**53 - 1, 2**53, -1.05, 10.01]
TEXTS = [
    "",
    "a.0,",
    "1e5",
    "3e-4",
    "0123456789012345",
    '"',
    "\\",
    "é",
    "\u20ac",
    "😀",
    '},"x",{',
    "{",
]
NO_OBJECTS = [
    b"",
    b"}",
    b"{",
    b'"a":1},{"b":2',
    b'"a":1}]',
    b'"a"',
    b'"a":01',
    b'"a":"',
    b'"a":\xff',
]


def made(dice: random.Random, depth: int = 3) -> object:
    kind = dice.randrange(6 if depth else 4)
    if kind == 4:
        return [made(dice, depth - 1) for _ in range(dice.randrange(4))]
    if kind == 5:
        names = dice.sample(TEXTS, dice.randrange(4))
        return {name: made(dice, depth - 1) for name in names}
    return dice.choice((dice.choice(NUMBERS), dice.choice(TEXTS), None, True))


def alone(members: bytes) -> bytes | None:
    try:
        return canonical_json(json.loads(b"{%b}" % members))
    except (ValueError, CanonicalError):
        return None


@pytest.mark.law
def test_they_have_the_forms_of_each_alone() -> None:
    """A stored event is proved from its content, whatever stands beside it."""
    dice = random.Random(5)
    for _ in range(300):
        texts: list[bytes] = []
        for _ in range(dice.randrange(12)):
            value = {name: made(dice) for name in dice.sample(TEXTS, dice.randrange(5))}
            is_ascii = dice.random() < 0.5
            texts.append(json.dumps(value, ensure_ascii=is_ascii)[1:-1].encode())
        assert canonical_objects(texts) == list(map(alone, texts))
        texts.insert(dice.randrange(len(texts) + 1), dice.choice(NO_OBJECTS))
        assert canonical_objects(texts) == list(map(alone, texts)), texts
