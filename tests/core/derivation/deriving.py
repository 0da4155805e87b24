"""Definitions, events of their inputs, and what they make, the plain way."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.derivation.formula import Formula, load_formula
from nova.core.derivation.formula_messages import Evaluated, InputCells
from nova.core.derivation.formula_worker import cells_of
from nova.sdk import timestamps
from nova.sdk.events.event import check
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

BASE_NS = timestamps.parse("2026-03-01T00:00:00Z")
VOLTS = {"address": "nova.sat.parsed.eps.battery.main.v1", "type": "Battery", "field": "volts"}
AMPS = {"address": "nova.sat.parsed.eps.load.main.v1", "type": "Load", "field": "now.amps"}
OUTPUT = {"address": "nova.sat.parsed.derived.battery.main.v1", "type": "Power", "field": "watts"}


def definition_of(**members: Any) -> Definition:
    """A definition of power from volts and amps, with other members as given."""
    whole = {
        "id": "power",
        "version": "1.0.0",
        "inputs": {"volts": VOLTS, "amps": AMPS},
        "output": {**OUTPUT, "unit": "W", "card": False},
        **members,
    }
    if "function" not in whole:
        whole.setdefault("expression", "volts * amps")
    return msgspec.convert(whole, Definition)


class InlineEvaluator:
    """Evaluates formulas in this process."""

    def __init__(self) -> None:
        self._formulas: dict[str, Formula] = {}

    async def evaluate(
        self, definition: Definition, inputs: Mapping[str, InputCells], rows: int
    ) -> Evaluated:
        formula = self._formulas.setdefault(definition.name, load_formula(definition))
        cells = {name: cells_of(one) for name, one in inputs.items()}
        values, failures, reason = formula.evaluate(cells, rows)
        return Evaluated(values=values, failures=failures, reason=reason)


class Sent(NamedTuple):
    """One event of an input: whether it is of volts, its source time and its value."""

    is_volts: bool
    at_ns: int
    value: float

    def record(self) -> Record:
        observer = Observer("sat")
        if self.is_volts:
            at = observer.observe(Entity("eps", "battery", "main"), self.at_ns)
            return record_of(at.parsed("Battery", {"volts": self.value, "other": "x"}))
        at = observer.observe(Entity("eps", "load", "main"), self.at_ns)
        return record_of(at.parsed("Load", {"now": {"amps": self.value}}))


def random_events(seed: int, count: int, late: float = 0.3) -> list[Sent]:
    """Events with ties of source time, late ones and exact duplicates, in the order of arrival."""
    chance = random.Random(seed)
    sent: list[Sent] = []
    now_s = 0
    for _ in range(count):
        now_s += chance.choice((0, 0, 1, 1, 2))
        at_s = now_s - (chance.randint(1, 40) if chance.random() < late else 0)
        if sent and chance.random() < 0.1:
            sent.append(chance.choice(sent))
        else:
            value = float(chance.randint(-5, 5)) + chance.choice((0.0, 0.1))
            sent.append(Sent(chance.random() < 0.5, BASE_NS + at_s * NS_PER_SECOND, value))
    return sent


def expected(definition: Definition, sent: Sequence[Sent]) -> list[tuple[int, float]]:
    """The outputs by the rule alone: each event of a trigger, as it arrives, with what has arrived
    by then of times up to its own.
    """
    arrived: list[Sent] = []
    made: set[tuple[int, float]] = set()
    for event in dict.fromkeys(sent):
        arrived.append(event)
        if ("volts" if event.is_volts else "amps") not in definition.triggering:
            continue
        found = {
            name: _value(spec, event, [one for one in arrived if one.is_volts == (name == "volts")])
            for name, spec in definition.inputs.items()
        }
        if None not in found.values():
            result = found["volts"] * found["amps"]  # type: ignore[operator]
            if math.isfinite(result):
                made.add((event.at_ns, result))
    return sorted(made)


def _value(spec: Any, event: Sent, arrived: Sequence[Sent]) -> float | None:
    known = sorted((one for one in arrived if one.at_ns <= event.at_ns), key=lambda one: one.at_ns)
    if spec.max_age_s is not None:
        oldest = event.at_ns - spec.max_age_s * NS_PER_SECOND
        known = [one for one in known if one.at_ns >= oldest]
    if spec.seconds is not None:
        known = [one for one in known if one.at_ns > event.at_ns - spec.seconds * NS_PER_SECOND]
    if spec.samples is not None:
        known = known[-spec.samples :]
    if not known:
        return None
    values = [one.value for one in reversed(known)]
    if spec.aggregate == "mean":
        total = 0.0
        for value in values:
            total += value
        return total / len(values)
    if spec.aggregate == "max":
        return max(values)
    if spec.aggregate == "count":
        return float(len(values))
    return values[0]


def outputs_of(records: Sequence[Record]) -> list[tuple[int, float]]:
    """Source times and values of derived records, each once."""
    made: set[tuple[int, float]] = set()
    for record in records:
        event = check(record.value)
        payload = msgspec.json.decode(record.value)["payload"]
        made.add((event.source_ns, float(payload["watts"])))
    return sorted(made)


def write_definition(folder: Path, definition: Definition) -> Path:
    """Write a definition as a file."""
    path = folder / f"{definition.id}-{definition.version}.json"
    members = msgspec.to_builtins(definition)
    path.write_bytes(msgspec.json.encode({k: v for k, v in members.items() if v is not None}))
    return path
