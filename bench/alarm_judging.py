"""Alarms: CPU time of judging, per event and per judged value.

`python -m bench.alarm_judging --rules N --fields M` publishes N rules over N/M entities, each of
which sends events with M fields, and has the maker of alarms judge them in passes of a quarter of a
second at 10,000 events/s. The first pass, which makes the alarms, is not counted.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import msgspec

from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.rule_events import rule_event
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.transport.base import Batch, Record

SCOPE = "sat"
START_NS = timestamps.parse("2026-01-01T00:00:00Z")
PASS_EVENTS = 2_500
RATE_PER_S = 10_000
OUT_EVERY = 500
"""One value in this number is out of limits."""


def rule_of(unit: int, field: int) -> AlarmRule:
    """A rule of one field of one entity."""
    return AlarmRule(
        rule_id=f"u{unit}-f{field}",
        message_type="Power",
        unique_id=f"u{unit}",
        field=f"f{field}",
        ranges={"warning": Bounds(low=0, high=90), "critical": Bounds(low=-10, high=99)},
    )


def record_of(number: int, units: int, fields: int) -> Record:
    """An event of the entity whose turn it is, with a value of each field."""
    value = 95 if number % OUT_EVERY == 0 else number % 90
    envelope = {
        "scopeId": SCOPE,
        "lane": "parsed",
        "systemId": "bus",
        "containerId": "eps",
        "uniqueId": f"u{number % units}",
        "sourceTruthTime": timestamps.text(START_NS + number * 10**9 // RATE_PER_S),
        "messageType": "Power",
        "schemaVersion": "1",
        "payload": {f"f{field}": value for field in range(fields)},
    }
    return Record(None, msgspec.json.encode(envelope))


def measure(data: Path, rules: int, fields: int, passes: int) -> str:
    """The line of the result."""
    units, spent, worst, judged = max(1, rules // fields), 0.0, 0.0, 0
    with ExitStack() as stack:
        archive = stack.enter_context(closing(Archive.open_primary(data)))
        committer = Committer(archive, data, own_scope=SCOPE)
        for unit in range(units):
            committer.record_all(
                [
                    rule_event(SCOPE, rule_of(unit, field).rule_id, rule_of(unit, field), START_NS)
                    for field in range(fields)
                ]
            )
        secondary = stack.enter_context(closing(Archive.open_secondary(data, data / "secondary")))
        store = stack.enter_context(closing(AlarmStore.open_primary(data)))
        maker = AlarmMaker(ArchiveSnapshot(secondary), store, SCOPE)
        for one in range(passes + 1):
            first = one * max(PASS_EVENTS, units)
            part = range(first, first + max(PASS_EVENTS, units))
            committer.add_batch("link", Batch([record_of(n, units, fields) for n in part]))
            committer.close_commit()
            before, begun = time.process_time(), time.perf_counter()
            for _ in maker.make(committer.last_ns):
                pass
            if one:
                spent += time.process_time() - before
                worst = max(worst, time.perf_counter() - begun)
                judged += len(part)
    per_event = spent / judged * 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{rules:,} rules, {fields} fields: {per_event:.1f} µs/event, "
        f"{per_event / fields:.2f} µs/value, {per_event * RATE_PER_S / 1e4:.0f} % of a core at "
        f"{RATE_PER_S:,} events/s; longest pass {worst:.2f} s, {memory} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.alarm_judging")
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--fields", type=int, default=1, help="Of each event, one rule for each.")
    parser.add_argument("--passes", type=int, default=8)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        print(measure(Path(folder), chosen.rules, chosen.fields, chosen.passes))


if __name__ == "__main__":
    main()
