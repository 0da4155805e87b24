"""The steps of a scale run, stored as JSON lines beside the archive so that a rerun continues."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.table import number

STEPS = (1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000)
STEP_SHARES = (50, 25, 10, 5, 5 / 2, 1)
"""The ratio of the last step to the one before."""


class ScaleStep(msgspec.Struct, kw_only=True):
    """What was measured at one size of the archive; times in µs and ms as their names say, sizes in
    bytes per event and MiB. `size` is the step's name, `events` what there were.
    """

    size: int
    events: int
    ingest_hz: float
    look_up_new_us: float
    look_up_known_us: float
    seek_p50_ms: dict[str, float]
    seek_p99_ms: dict[str, float]
    entity_p50_ms: float
    entity_events: int
    latest_p50_ms: float
    newest_p99_ms: float = 0.0
    bytes_per_event: float
    family_bytes_per_event: dict[str, float]
    writer_mib: float
    reader_mib: float


def sizes(events: int) -> list[int]:
    """The sizes to measure at on the way to a number of events."""
    if events == STEPS[-1]:
        return list(STEPS)
    return [int(events / share) for share in STEP_SHARES]


def load(path: Path) -> list[ScaleStep]:
    """The finished steps."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=ScaleStep) for line in path.read_bytes().splitlines()]


def append(path: Path, step: ScaleStep) -> None:
    with path.open("ab") as file:
        file.write(msgspec.json.encode(step) + b"\n")


def markdown(steps: Sequence[ScaleStep]) -> str:
    """The steps as a Markdown table, one column per size."""
    rows: list[tuple[str, list[float]]] = [
        ("ingest over the last of it, events/s", [step.ingest_hz for step in steps]),
        ("dedupe look-up of new events, µs/event", [step.look_up_new_us for step in steps]),
        ("dedupe look-up of copies, µs/event", [step.look_up_known_us for step in steps]),
    ]
    for base in ("canonical", "source"):
        rows.append((f"seek, {base}, p50, ms", [step.seek_p50_ms[base] for step in steps]))
        rows.append((f"seek, {base}, p99, ms", [step.seek_p99_ms[base] for step in steps]))
    rows += [
        ("one entity's 1,000 events, ms", [step.entity_p50_ms for step in steps]),
        ("latest before a time, p50, ms", [step.latest_p50_ms for step in steps]),
        ("newest 50 of 50 rare series, p99, ms", [step.newest_p99_ms for step in steps]),
        ("on disk, bytes/event", [step.bytes_per_event for step in steps]),
        *(
            (f"of these {name}", [step.family_bytes_per_event[name] for step in steps])
            for name in steps[0].family_bytes_per_event
        ),
        ("memory of the writer, MiB", [step.writer_mib for step in steps]),
        ("memory of the reader, MiB", [step.reader_mib for step in steps]),
    ]
    lines = [
        f"| events in the archive | {' | '.join(f'{step.events:,}' for step in steps)} |",
        f"|---|{'---:|' * len(steps)}",
        *(f"| {name} | {' | '.join(number(value) for value in found)} |" for name, found in rows),
    ]
    return "\n".join(lines)
