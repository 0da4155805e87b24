"""The work of views: updates of ten thousand entities, half of all of them of one busy view.

Update number k is a function of k alone, so that a run can continue another. Source time
runs at a thousand updates a second, and one in a thousand is a minute late. The first event of an
entity is its descriptor.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import msgspec

from nova.sdk import timestamps
from nova.sdk.address import entity
from nova.sdk.transport.base import Record

ENTITIES = 10_000
SCOPE = "bench"
VIEW_ID = "telemetry.battery"
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
STEP_NS = 1_000_000
LATE_EVERY = 1_000
LATE_NS = 60 * 10**9
KEYS = ("stateOfCharge", "voltage", "current", "solarPower", "load", "temperature")
KEYS_MAX = 3


class Views(NamedTuple):
    """How many updates there are, and of how many entities."""

    updates: int
    entities: int = ENTITIES

    def batches(self, size: int, first: int = 0) -> Iterator[list[Record]]:
        """Descriptors, then updates, in the order of arrival, some at once; `first` events are left
        out.
        """
        arrivals = self._arrivals(first)
        while part := list(islice(arrivals, size)):
            yield part

    def _arrivals(self, first: int) -> Iterator[Record]:
        for number in range(first, self.entities):
            yield _descriptor(number)
        for number in range(max(0, first - self.entities), self.updates):
            yield self._update(number)

    def _update(self, number: int) -> Record:
        dice = random.Random(number)
        of = 0 if number % 2 else 1 + dice.randrange(self.entities - 1)
        keys = dice.sample(KEYS, dice.randint(1, KEYS_MAX))
        late_ns = LATE_NS if number % LATE_EVERY == 0 else 0
        body = {
            "messageType": "UiUpdate",
            "sourceTruthTime": timestamps.text(START_NS + number * STEP_NS - late_ns),
            "viewId": VIEW_ID,
            "manifestId": "battery",
            "manifestVersion": "1.0.0",
            "data": {key: round(dice.uniform(0, 100), 3) for key in keys},
        }
        return _record("ui", of, body)

    def last_ns(self) -> int:
        """The end of source time."""
        return START_NS + (self.updates - 1) * STEP_NS


def unit_of(number: int) -> str:
    """The uniqueId of an entity; number 0 is the busy one."""
    return f"unit-{number:05}"


def _descriptor(number: int) -> Record:
    time = timestamps.text(START_NS - 1)
    body = {
        "messageType": "ProducerDescriptor",
        "sourceTruthTime": time,
        "capabilities": ["telemetry:Battery", "command:heater.set"],
        "schemaVersion": "1",
        "effectiveTime": time,
    }
    return _record("metadata", number, body)


def _record(lane: str, number: int, body: Mapping[str, object]) -> Record:
    address = entity(SCOPE, lane, "sat", "eps", unit_of(number))
    return Record(str(address), msgspec.json.encode(body))
