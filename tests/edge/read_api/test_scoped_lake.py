"""A lake that is made through an edge has what its principal may see."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.command_here import command_here
from tests.edge.read_api.http_reader import HttpReader


@pytest.mark.parametrize(
    ("key", "scopes", "lanes"),
    [("alpha-only", {"alpha"}, 3), ("parsed-only", {"alpha", "beta"}, 1)],
)
def test_a_principal_makes_a_lake_of_what_it_may_see(
    api: HttpReader, tmp_path: Path, key: str, scopes: set[str], lanes: int
) -> None:
    """The events of a query by HTTP, in its order."""
    limited = api.by(key)
    done = command_here(
        "lake", "--url", api.url, "--token", limited.token or "", "--to", str(tmp_path / "lake"),
        "--timebase", "source", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = msgspec.json.decode(done.stdout)
    stored = limited.lines(limit="all", stopTime=f"{summary['lastDay']}T23:59:59.999999999Z")
    with duckdb.connect() as lake:
        lake.execute((tmp_path / "lake" / "views.sql").read_text())
        rows = lake.sql(
            "select eventId, scope, lane from events order by sourceTruthTime, "
            "list_position(['metadata', 'command', 'ui', 'parsed', 'raw'], lane), eventId"
        ).fetchall()
    assert [row[0] for row in rows] == [json.loads(line)["eventId"] for line in stored]
    assert {row[1] for row in rows} == scopes and len({row[2] for row in rows}) >= lanes
    assert summary["events"] == len(stored) > 0
