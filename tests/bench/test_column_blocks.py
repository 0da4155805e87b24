"""The measurement of columns runs on a few values."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from bench.column_blocks import ColumnBench, duckdb_lines
from nova.core.store.sample_store import SampleStore

EVENTS = 20_000


def test_each_task_has_a_line(tmp_path: Path) -> None:
    with closing(SampleStore.open_primary(tmp_path)) as store:
        lines = [*ColumnBench(store, EVENTS).lines(), *duckdb_lines(tmp_path, EVENTS)]
    assert len(lines) == 12
    assert all(":" in line for line in lines)
