"""Payloads of the work's events: texts of telemetry values, made ahead and joined per event.

A payload is a left half and a right half, each drawn from a pool of its own, so that a kind of
message has some 260,000 different payloads and costs hardly more than a join.
"""

from __future__ import annotations

import json
import random
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import NamedTuple

POOL = 512
FRAME_HALF_BYTES = 60
"""A multiple of three, so that halves of Base64 can be joined."""

Value = Callable[[random.Random], object]


class Halves(NamedTuple):
    """Pools of JSON members, without braces, for the two halves of one kind's payload."""

    left: tuple[bytes, ...]
    right: tuple[bytes, ...]


def _near(middle: float, spread: float, decimals: int) -> Value:
    """A value with few decimals; some are integral, and none is a negative zero."""
    return lambda dice: round(dice.gauss(middle, spread), decimals) + 0.0


def _count(highest: int) -> Value:
    return lambda dice: dice.randrange(highest)


def _one_of(*choices: object) -> Value:
    return lambda dice: dice.choice(choices)


_MODE = _one_of("NOMINAL", "SAFE", "ECLIPSE", "DOWNLINK")
_FLAG = _one_of(True, False)
_AXES: Mapping[str, Value] = {f"rate{axis}": _near(0, 0.02, 5) for axis in "XYZ"}

MESSAGES: Mapping[str, Mapping[str, Value]] = {
    "Heartbeat": {
        "uptimeS": _count(10**7),
        "cpuPercent": _near(30, 9, 1),
        "freeBytes": _count(2**31),
        "mode": _MODE,
    },
    "Battery": {
        "voltage": _near(28, 0.4, 1),
        "current": _near(1.2, 0.3, 3),
        "temperature": _near(21, 3, 2),
        "chargePercent": _near(80, 10, 1),
        "heater": _FLAG,
        "mode": _MODE,
    },
    "Thermal": {f"zone{number:02d}": _near(18, 9, 2) for number in range(10)},
    "Attitude": {
        **{f"q{axis}": _near(0.5, 0.2, 6) for axis in "WXYZ"},
        **_AXES,
        "tracking": _FLAG,
    },
    "Wheel": {
        "speedRpm": _near(2_400, 300, 1),
        "torqueMilliNm": _near(2, 0.8, 3),
        "temperature": _near(30, 4, 1),
        "ok": _FLAG,
    },
    "Position": {
        "latitude": _near(12, 30, 5),
        "longitude": _near(40, 60, 5),
        "altitudeM": _near(520_000, 900, 1),
        "satellites": _count(14),
        "fix": _one_of("3D", "2D", "NONE"),
    },
    "Radio": {
        "carrierHz": _near(2_245e6, 4e4, 0),
        "powerDbm": _near(-92, 4, 1),
        "locked": _FLAG,
        "frames": _count(10**6),
        "lost": _count(40),
    },
    "Storage": {
        "usedBytes": _count(2**37),
        "files": _count(4_000),
        "writeErrors": _count(3),
        "state": _one_of("RW", "RO"),
    },
}
"""Message types with their members: four to ten, of every JSON type that telemetry has."""


def pools(seed: int) -> dict[str, Halves]:
    """The pools of every message type."""
    return {name: _halves(random.Random(f"{seed}/{name}"), name) for name in MESSAGES}


def _halves(dice: random.Random, name: str) -> Halves:
    members = list(MESSAGES[name].items())
    middle = len(members) // 2
    left, right = dict(members[:middle]), dict(members[middle:])
    return Halves(_texts(dice, left), _texts(dice, right))


def _texts(dice: random.Random, members: Mapping[str, Value]) -> tuple[bytes, ...]:
    return tuple(
        json.dumps({name: value(dice) for name, value in members.items()}, separators=(",", ":"))[
            1:-1
        ].encode()
        for _ in range(POOL)
    )


def frames(seed: int) -> Halves:
    """Halves of raw frames in Base64: bytes that nothing compresses."""
    dice = random.Random(f"{seed}/frames")
    left, right = (
        tuple(b64encode(dice.randbytes(FRAME_HALF_BYTES)) for _ in range(POOL)) for _ in range(2)
    )
    return Halves(left, right)
