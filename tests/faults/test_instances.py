"""Every process of `nova up` is killed in turn, and the disk fails for a while."""

from __future__ import annotations

import pytest

from tests.faults.__main__ import run_instances
from tests.faults.instance_run import PROCESSES

SEEDS, SOME = range(6, 7), 2
MANY_SEEDS, MANY = range(100, 105), 3 * (len(PROCESSES) + 1)


def test_some_processes_are_killed() -> None:
    """A-299: nothing acknowledged is lost, and clients see all of it in both orders."""
    figures, faults = run_instances(SEEDS, SOME)
    assert faults == []
    assert figures["kills"] == SOME


@pytest.mark.slow
def test_every_process_is_killed_and_the_disk_fails() -> None:
    """Three times each, in five instances."""
    figures, faults = run_instances(MANY_SEEDS, MANY)
    assert faults == []
    assert figures["kills"] == len(MANY_SEEDS) * 3 * len(PROCESSES)
