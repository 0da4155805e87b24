"""A notification file that changes while NOVA notifies."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.notifications.followed_file import FollowedFile
from tests.core.notifications.test_notification_file import HOOK, RULE, write

POLL_S = 0.05


async def is_changed(followed: FollowedFile) -> bool:
    """Whether another file is to be used, within some polls."""
    try:
        await asyncio.wait_for(followed.changed(), 20 * POLL_S)
    except TimeoutError:
        return False
    return True


async def test_a_fault_leaves_the_file_before_and_is_said(tmp_path: Path) -> None:
    """The first sound one is awaited."""
    path = write(tmp_path, HOOK + RULE.replace('"hook"', '"pager"'))
    followed = FollowedFile(path, POLL_S)
    first = followed.used
    assert first is None and "no target is named 'pager'" in followed.faults[0]
    path.write_text(HOOK + RULE)
    assert await is_changed(followed)
    used = followed.used
    assert used is not None and not followed.faults
    for damage in ("[[rules", None):
        if damage is None:
            path.unlink()
        else:
            path.write_text(damage)
        assert not await is_changed(followed)
        assert followed.used == used and followed.faults
    path.write_text(HOOK + RULE)
    assert not await is_changed(followed), "it is the same"
    assert not followed.faults
