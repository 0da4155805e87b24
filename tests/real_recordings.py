"""Real recordings, which others made and which are not part of this repository.

Tests over them run where the folder is. Where it is not they are left out before the run and listed
at its end: what was not proved is said, and nothing waits for data that a clone does not have.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

VARIABLE = "NOVA_TEST_DATA"
DEFAULT_FOLDER = Path(__file__).parents[2] / "shared" / "data"
FIXTURE = "recordings"


def folder() -> Path | None:
    """Where recordings lie; None if there are none. A folder that is named has to hold them."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else DEFAULT_FOLDER
    if (found / "ccsds").is_dir():
        return found
    if named:
        raise pytest.UsageError(f"no recordings in {named} ({VARIABLE}): it has no folder 'ccsds'")
    return None


def without_recordings(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests that need a recording, taken out of `items`."""
    needy = [item for item in items if FIXTURE in getattr(item, "fixturenames", ())]
    items[:] = [item for item in items if item not in needy]
    return needy


def listing(ids: Iterable[str]) -> list[str]:
    """Lines for the end of a run that say which tests were not run, by file."""
    files = Counter(one.split("::", 1)[0] for one in ids)
    if not files:
        return []
    head = f"not here: {files.total()} tests over real recordings ({VARIABLE} names their folder)"
    return [head, *(f"  {file}: {count}" for file, count in sorted(files.items()))]
