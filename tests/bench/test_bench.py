"""The measurements can be made: a small run through all real parts but the broker."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from bench.__main__ import bench
from bench.work import Work
from sdk.event import address_of, check


def test_the_work_is_the_same_for_the_same_seed_and_valid() -> None:
    """Two makings are equal, every record is an event, and options do what they say."""
    work = Work(500, duplicates=0.2, late=0.05, shuffle_window=50)
    records = work.records()
    assert records == work.records()
    ids = [check(record.value, address_of(record.address)).event_id for record in records]
    assert (len(ids), len(set(ids))) == (600, 500)
    assert records != work._replace(seed=2).records()


def test_a_small_run_prints_one_table(tmp_path: Path) -> None:
    """Every task is a row with a figure."""
    out = tmp_path / "table.md"
    done = CliRunner().invoke(
        bench, ["--events", "1000", "--quick", "--skip-brokers", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    rows = [line for line in out.read_text().splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 5 + 9
    assert all(float(row.split("|")[2].replace(",", "")) > 0 for row in rows[1:])
