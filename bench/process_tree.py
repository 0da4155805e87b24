"""The processes that a process has started, and their CPU time (Linux)."""

from __future__ import annotations

from pathlib import Path

from bench.cpu_cost import cpu_us


def process_tree(process_id: int) -> list[int]:
    """A process and all that it started, which still run."""
    found = [process_id]
    for task in Path(f"/proc/{process_id}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += process_tree(int(child))
    return found


def tree_cpu_us(process_id: int) -> float:
    """The CPU time that a process and all that it started have spent."""
    return sum(map(cpu_us, process_tree(process_id)))
