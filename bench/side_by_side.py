"""`python -m bench.side_by_side COMMIT`: another commit beside this one, in turns, in one run.

Each commit is measured by its own bench, with its own packages, in the same environment. The peers
do the same work on both sides, so the ratio of SQLite to itself shows what the machine's noise is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from bench.table import Report, Row, improvement, number

ROOT = Path(__file__).parents[1]
PACKAGES = ("sdk", "core", "edge", "transport_kafka", "transport_nats")
HEADER = (
    "| task | unit | here | there | here ÷ there | of each pair | SQLite ÷ itself |",
    "|---|---|---:|---:|---:|---|---:|",
)
WHICH = "import nova.core, nova.sdk; print(*nova.core.__path__, *nova.sdk.__path__, sep='\\n')"

MeasuredT = TypeVar("MeasuredT")


@contextmanager
def work_tree(commit: str, repository: Path = ROOT) -> Iterator[Path]:
    """A commit of a repository in a temporary folder, or the folder of a work tree as it is; raises
    ClickException if it is neither.
    """
    if Path(commit).is_dir():
        yield Path(commit).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="nova-bench-tree-") as name:
        folder = Path(name) / "tree"
        _git(repository, "worktree", "add", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            _git(repository, "worktree", "remove", "--force", str(folder))


def _git(repository: Path, *arguments: str) -> None:
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"git {arguments[0]}: {done.stderr.strip()}")


def probed(
    tree: Path,
    probe: Sequence[str],
    answer: type[MeasuredT],
    programs: Path = ROOT,
    **variables: str,
) -> MeasuredT:
    """What a probe says of the packages of a tree: the arguments of a Python program that prints
    JSON. It has the bench of `programs`, and `variables` in its environment, and the tree's own
    interpreter where the tree has one: the native part is in its environment.
    """
    folders = [str(programs), *(str(tree / name) for name in PACKAGES)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), **variables}
    own = tree / ".venv" / "bin" / "python"
    command = [str(own) if own.exists() else sys.executable, *probe]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=answer)


def measured(tree: Path, options: Sequence[str]) -> Report:
    """What the bench of a tree measures; its progress goes to stderr."""
    folders = [str(tree / name) for name in PACKAGES]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), *folders])}
    _require_own_packages(tree, environment)
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--json", *options],
        cwd=tree, env=environment, stdout=subprocess.PIPE,
    )  # fmt: skip
    if done.returncode:
        raise click.ClickException(f"the bench of {tree} ended with status {done.returncode}")
    return msgspec.json.decode(done.stdout, type=Report)


def _require_own_packages(tree: Path, environment: dict[str, str]) -> None:
    """Raise ClickException if other packages than those of the tree would be measured."""
    command = [sys.executable, "-c", WHICH]
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True)
    foreign = [one for one in done.stdout.split() if not Path(one).is_relative_to(tree)]
    if done.returncode or foreign:
        why = foreign[0] if foreign else done.stderr.strip().rpartition("\n")[2]
        raise click.ClickException(f"the packages of {tree} cannot be measured: {why}")


def in_turns(
    here: Path, there: Path, runs: int, measure: Callable[[Path], MeasuredT]
) -> list[tuple[MeasuredT, MeasuredT]]:
    """Pairs of reports; every second pair is measured in the other order."""
    pairs = []
    for run in range(runs):
        click.echo(f"pair {run + 1} of {runs}…", err=True)
        first, second = (here, there) if run % 2 == 0 else (there, here)
        one, other = measure(first), measure(second)
        pairs.append((one, other) if first is here else (other, one))
    return pairs


def side_by_side(pairs: Sequence[tuple[Report, Report]]) -> str:
    """The pairs as one Markdown table; above 1 is better here."""
    here = pairs[0][0]
    lines = [f"{here.events:,} events, pairs: {len(pairs)}; {here.machine}", "", *HEADER]
    for row in here.rows:
        found = [(_row(one, row.task), _row(other, row.task)) for one, other in pairs]
        both = [(one, other) for one, other in found if one is not None and other is not None]
        cells = _cells(row, both) if both else [row.task, row.unit, number(row.figure), *[""] * 4]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _row(report: Report, task: str) -> Row | None:
    return next((row for row in report.rows if row.task == task), None)


def _cells(row: Row, both: Sequence[tuple[Row, Row]]) -> list[str]:
    ratios = [improvement(one.figure, other.figure, row.unit) for one, other in both]
    peers = [
        improvement(one.sqlite, other.sqlite, row.unit)
        for one, other in both
        if one.sqlite and other.sqlite
    ]
    return [
        *(row.task, row.unit),
        *(
            number(statistics.median(row.figure for row in side))
            for side in zip(*both, strict=True)
        ),
        f"{statistics.median(ratios):.2f} ×",
        " ".join(f"{ratio:.2f}" for ratio in ratios),
        f"{statistics.median(peers):.2f} ×" if peers else "",
    ]


@click.command()
@click.argument("commit")
@click.option("--pairs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--events", type=click.IntRange(min=1_000), help="As of `python -m bench`.")
@click.option("--quick", is_flag=True, help="As of `python -m bench`.")
@click.option("--skip-brokers", is_flag=True, help="As of `python -m bench`.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table here too.")
def compare(
    commit: str, pairs: int, events: int | None, quick: bool, skip_brokers: bool, out: Path | None
) -> None:
    """Measure COMMIT and this tree in turns, and print both with their ratios.

    COMMIT is what git knows as one, or the folder of a work tree.
    """
    options = ["--events", str(events)] if events else []
    options += [
        flag for flag, is_set in (("--quick", quick), ("--skip-brokers", skip_brokers)) if is_set
    ]
    with work_tree(commit) as there:
        found = in_turns(ROOT, there, pairs, lambda tree: measured(tree, options))
    table = side_by_side(found)
    click.echo(table)
    if out is not None:
        out.write_text(table + "\n")


if __name__ == "__main__":
    compare()
