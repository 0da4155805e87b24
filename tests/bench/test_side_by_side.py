"""Two commits are measured in turns, each by its own code, and compared where both have a task."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click
import pytest

from bench.side_by_side import in_turns, measured, side_by_side, work_tree
from bench.table import Report, Row

BENCH = """
import sys, nova.core, nova.sdk
print('{"machine": "%s", "events": 7, "rows": [{"task": "t", "figure": FIGURE, "unit": "ms"}]}'
      % (" ".join(sys.argv[1:]) + " " + nova.sdk.COMMIT + nova.core.COMMIT))
"""
TWICE = "bench/__main__.py", "sdk/nova/sdk/__init__.py", "core/nova/core/__init__.py"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits of a small project of the same layout, whose bench prints one figure."""
    folder = tmp_path / "repository"
    git(tmp_path, "init", "-q", str(folder))
    for name in TWICE:
        (folder / name).parent.mkdir(parents=True)
    for number in (1, 2):
        (folder / "bench/__main__.py").write_text(BENCH.replace("FIGURE", f"{number}.5"))
        for package in TWICE[1:]:
            (folder / package).write_text(f"COMMIT = 'c{number}'\n")
        git(folder, "add", ".")
        git(folder, "commit", "-qm", str(number))
    return folder


def test_a_commit_is_measured_by_its_own_code(repository: Path) -> None:
    """Its bench and its packages run, not those that are installed here."""
    with work_tree("HEAD~1", repository) as tree:
        report = measured(tree, ["--quick"])
    assert report.machine == "--json --quick c1c1"
    assert [row.figure for row in report.rows] == [1.5]
    assert not tree.exists()
    assert git(repository, "worktree", "list").count("\n") == 0
    assert measured(repository, []).rows[0].figure == 2.5


def test_a_tree_without_the_packages_is_refused(tmp_path: Path) -> None:
    """Else the installed ones would be compared with themselves."""
    with pytest.raises(click.ClickException, match="cannot be measured"):
        measured(tmp_path, [])
    with (
        pytest.raises(click.ClickException, match="invalid reference"),
        work_tree("no-such-commit"),
    ):
        pass


def test_pairs_are_measured_in_changing_order(tmp_path: Path) -> None:
    order: list[str] = []

    def measure(tree: Path) -> Report:
        order.append(tree.name)
        return Report(tree.name, 1, [])

    pairs = in_turns(tmp_path / "here", tmp_path / "there", 3, measure)
    assert order == ["here", "there", "there", "here", "here", "there"]
    assert {(one.machine, other.machine) for one, other in pairs} == {("here", "there")}


def test_ratios_above_1_are_better_here() -> None:
    """For rates as for times; a task that only one side has shows no ratio."""

    def report(hz: float, ms: float, peer_hz: float, *more: Row) -> Report:
        rows = [Row("ingest", hz, "events/s", sqlite=peer_hz), Row("seek", ms, "ms"), *more]
        return Report("a machine", 1_000, rows)

    new = Row("new", 5, "events/s")
    pairs = [
        (report(200, 1, 40, new), report(100, 2, 50)),
        (report(300, 2, 50, new), report(100, 2, 50)),
        (report(100, 8, 50, new), report(100, 2, 50)),
    ]
    head, _, *table = side_by_side(pairs).splitlines()
    assert head == "1,000 events, pairs: 3; a machine"
    assert table[2:] == [
        "| ingest | events/s | 200 | 100 | 2.00 × | 2.00 3.00 1.00 | 1.00 × |",
        "| seek | ms | 2.00 | 2.00 | 1.00 × | 2.00 1.00 0.25 |  |",
        "| new | events/s | 5.00 |  |  |  |  |",
    ]
