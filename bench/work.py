"""The work: telemetry as a spacecraft sends it, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from sdk import timestamps
from sdk.address import entity
from sdk.timestamps import NS_PER_SECOND
from sdk.transport.base import Record

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
UI_SHARE, PARSED_SHARE, RAW_SHARE = 0.5, 0.3, 0.18
FRAME_BYTES = 64


class Work(NamedTuple):
    """How much of what: `rate_hz` events a second of source time over so many entities."""

    events: int
    scope: str = "bench"
    units: int = 50
    rate_hz: float = 1_000.0
    duplicates: float = 0.0
    late: float = 0.0
    shuffle_window: int = 0
    seed: int = 1

    def records(self) -> list[Record]:
        """The records in the order of their arrival."""
        dice = random.Random(self.seed)
        made = list(self._made(dice))
        for _ in range(int(self.events * self.duplicates)):
            made.insert(dice.randrange(len(made)), dice.choice(made))
        for start in range(0, len(made), self.shuffle_window or len(made) or 1):
            if self.shuffle_window:
                window = made[start : start + self.shuffle_window]
                dice.shuffle(window)
                made[start : start + self.shuffle_window] = window
        return made

    def last_ns(self) -> int:
        """The source time of the last event, late ones aside."""
        return START_NS + int((self.events - 1) / self.rate_hz * NS_PER_SECOND)

    def _made(self, dice: random.Random) -> Iterator[Record]:
        for number in range(self.events):
            at_ns = START_NS + int(number / self.rate_hz * NS_PER_SECOND)
            if dice.random() < self.late:
                at_ns -= dice.randrange(3 * 86_400) * NS_PER_SECOND
            yield record(self.scope, number, f"u{number % self.units}", at_ns, dice)


def record(scope: str, number: int, unit: str, at_ns: int, dice: random.Random) -> Record:
    """One event of about 270 bytes, on a lane by chance."""
    chance = dice.random()
    if chance < UI_SHARE:
        lane, body = "ui", _ui(number, dice)
    elif chance < UI_SHARE + PARSED_SHARE:
        lane, body = "parsed", _parsed(number, dice)
    elif chance < UI_SHARE + PARSED_SHARE + RAW_SHARE:
        lane, body = "raw", {"bytes": dice.randbytes(FRAME_BYTES), "sequence": number}
    else:
        lane, body = "metadata", {"messageType": "ModeChanged", "payload": {"number": number}}
    header = {
        "scopeId": scope,
        "lane": lane,
        "systemId": "sat",
        "containerId": "eps",
        "uniqueId": unit,
        "sourceTruthTime": timestamps.text(at_ns),
    }
    address = str(entity(scope, lane, "sat", "eps", unit))
    return Record(address, msgspec.json.encode({**header, **body}))


def _values(number: int, dice: random.Random) -> dict[str, object]:
    return {
        "voltage": round(28 + dice.gauss(0, 0.4), 3),
        "current": round(dice.gauss(1.2, 0.3), 4),
        "temperature": round(dice.gauss(21, 3), 2),
        "mode": dice.choice(("NOMINAL", "SAFE", "ECLIPSE")),
        "number": number,
    }


def _ui(number: int, dice: random.Random) -> dict[str, object]:
    manifest = {"viewId": "telemetry.battery", "manifestId": "battery", "manifestVersion": "1.0.0"}
    return {"messageType": "UiUpdate", **manifest, "data": _values(number, dice)}


def _parsed(number: int, dice: random.Random) -> dict[str, object]:
    return {"messageType": "Battery", "schemaVersion": "1", "payload": _values(number, dice)}
