"""Starting processes: a child may take its time as long as it says how far it is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sdk.cli import supervisor
from sdk.cli.supervisor import Child
from sdk.errors import NovaError

SLOW = """
import sys, time
from sdk import lifecycle
for part in range(int(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
    lifecycle.say_progress("slow", f"{part}")
if sys.argv[1] != "0":
    lifecycle.say_ready("slow", at="last")
sys.stdin.read()
"""
TIMEOUT_S = 2.0


@pytest.fixture
async def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Child]:
    """A child that is not started."""
    monkeypatch.setattr(supervisor, "READY_TIMEOUT_S", TIMEOUT_S)
    (tmp_path / "slow_child.py").write_text(SLOW)
    path = os.pathsep.join((str(tmp_path), str(Path.cwd())))
    made = Child("slow", (), {"PYTHONPATH": path})
    yield made
    await made.stop()


async def test_a_child_that_says_how_far_it_is_is_waited_for(child: Child) -> None:
    """Issue 5: a writer that counts a large archive takes longer than the limit."""
    child.arguments = ("slow_child", "5", str(TIMEOUT_S / 4))
    await child.start()
    assert child.facts == {"ready": "slow", "at": "last"}


async def test_a_child_that_says_nothing_is_given_up(child: Child) -> None:
    """It hangs, and the message names it."""
    child.arguments = ("slow_child", "0", "0")
    with pytest.raises(NovaError, match=r"slow was not ready within 2 s, nor did it say how far"):
        await child.start()


async def test_a_child_that_ends_before_it_is_ready_has_failed(child: Child) -> None:
    """Progress is no excuse."""
    child.arguments = ("slow_child", "x", "0")
    with pytest.raises(NovaError, match=r"slow ended with status 1 before it was ready"):
        await child.start()
