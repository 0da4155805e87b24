"""The measurements can be made: small runs through all real parts but the brokers."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench import postgres_peer
from bench.__main__ import bench
from bench.table import Report, Row

PEERED = [
    "ingest, the writer's own path",
    "replay to frames, canonical",
    "replay to frames, source",
    *(
        f"seek to first event, {base}, {share}"
        for base in ("canonical", "source")
        for share in ("p50", "p99")
    ),
    "on disk, as written",
    "on disk, compacted",
]
WHOLE = ["all on, until everything derived has caught up", "all on, published"]
ALONE = [
    *(
        f"all on, {task}"
        for task in (
            "lag of what is derived",
            "CPU of all processes",
            "on disk",
            "CPU of the idle instance",
            *(
                f"memory of the {name} at most"
                for name in (
                    *("supervisor", "writer", "reader"),
                    *("sampler", "files", "edge"),
                )
            ),
        )
    ),
    "one entity's events",
    "latest before a time, p50",
    "newest 50 of 50 rare series, p50",
    "newest 50 of 50 rare series, p99",
    "latest before a time, p99",
    "ingest, local transport",
    *(
        f"replay, {way}, {base}"
        for way in (
            "reader to client, all lanes",
            "edge to client, its lanes of the mix",
            "edge to client, ui events alone",
        )
        for base in ("canonical", "source")
    ),
    "query pages, edge to client, all lanes",
    *(
        f"{task}, {share}"
        for task in (
            "seek to first chunk, edge to client",
            "live, publish to client",
            "live, beside a full replay",
        )
        for share in ("p50", "p99")
    ),
    "memory of the writer at most",
    "memory of the reader at most",
]
OF_CHECKER = "all on, memory of the checker at most"
"""Only where records are checked in a process of their own."""

SHARDED = ["replay to files, 1 shard", "replay to files, 2 shards", "2 shards against 1"]


@pytest.mark.slow
@pytest.mark.timeout(1_200)  # sampler and files wait for a machine that is busy
def test_a_small_run_fills_every_row(tmp_path: Path) -> None:
    """Every task has a figure, those that peers can do have theirs, and the table shows them."""
    out = tmp_path / "table.md"
    arguments = ["--events", "3000", "--quick", "--skip-brokers", "--json", "--out", str(out)]
    done = CliRunner().invoke(bench, arguments)
    assert done.exit_code == 0, done.output
    report = msgspec.json.decode(done.stdout, type=Report)
    rows = {row.task: row for row in report.rows}
    expected = {*WHOLE, *PEERED, *ALONE, *SHARDED}
    assert set(rows) - {OF_CHECKER} == expected and len(report.rows) == len(rows)
    assert report.rows[0].task == WHOLE[0]
    assert [row.task for row in report.rows if not row.figure > 0] == []
    peered = [rows[task] for task in (*WHOLE, *PEERED)]
    assert [row.task for row in peered if not (row.sqlite or 0) > 0] == []
    assert [row.task for row in peered if not (row.duckdb or 0) > 0] == []
    if postgres_peer.programs() is not None:
        assert [row.task for row in peered if not (row.postgres or 0) > 0] == []
    lines = [line for line in out.read_text().splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[1:]] == list(rows)


@pytest.mark.parametrize(
    ("unit", "ratio"), [("events/s", 4.0), ("ms", 0.25), ("bytes/event", 0.25), ("MiB", 0.25)]
)
def test_a_ratio_above_one_is_always_better(unit: str, ratio: float) -> None:
    """More events a second is good, more milliseconds is not."""
    assert Row("task", 400.0, unit, sqlite=100.0).ratio() == ratio
    assert Row("task", 400.0, unit).ratio() is None
