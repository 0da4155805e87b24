"""The order of test files in a run of several processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

LONGEST = (
    "test_wheel.py",
    "test_kafka.py",
    "e2e",
    "examples",
    "transport_kafka",
    "test_export_jobs.py",
    "test_command_handler_killed.py",
    "test_files_process.py",
    "test_instances.py",
    "test_former_files.py",
    "test_driver_stream.py",
    "test_login_throttle_hour.py",
)
"""Folders and files of the tests that start whole instances and brokers: each takes long and mostly
waits.
"""

SHARE_AT_END = 0.25
"""The share of the other files that comes behind all of these."""


def spread(files: Sequence[Path]) -> list[Path]:
    """The longest files, spread among others: while some processes wait for disks and sockets,
    others compute. Short ones come at the end, so that the processes end together.
    """
    longest = sorted((file for file in files if _turn(file) < len(LONGEST)), key=_turn)
    others = [file for file in files if _turn(file) == len(LONGEST)]
    if not longest:
        return others
    beside = others[: len(others) - int(len(others) * SHARE_AT_END)]
    order: list[Path] = []
    for number, file in enumerate(longest):
        some = slice(*(at * len(beside) // len(longest) for at in (number, number + 1)))
        order += [file, *beside[some]]
    return order + others[len(beside) :]


def _turn(file: Path) -> int:
    """Its own or its folder's place among the longest; else their number."""
    places = (file.name, file.parent.name)
    found = [LONGEST.index(name) for name in places if name in LONGEST]
    return min(found, default=len(LONGEST))
