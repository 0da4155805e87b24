"""After days were given back, alarms and their history are those of the events that are left."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from nova.core.derived.alarm_limits import AlarmLimits
from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.archive import Archive
from nova.core.writer.rule_events import rule_event
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from tests.core.retaining import Retaining
from tests.core.telling import START_NS

LIMITS = AlarmLimits(chunk_max_events=50, mark_inputs=10, pause_inputs=40)
RULE = AlarmRule(
    rule_id="n-high", message_type="Numbers", field="n", ranges={"warning": Bounds(high=800)}
)
Rows = dict[bytes, bytes]


class JudgedDays:
    """An archive of ten days with a rule, whose alarms are followed by one maker after another."""

    def __init__(self, data: Path, stack: ExitStack) -> None:
        self.retaining = Retaining(data, 60)
        self.retaining.fill()
        committer = self.retaining.committer
        assert committer.record(rule_event("sat", "n-high", RULE, START_NS))
        committer.close_commit()
        self.retaining.sync()
        archive = stack.enter_context(closing(Archive.open_secondary(data, data / "follower")))
        self._snapshot = ArchiveSnapshot(archive)

    def follow(self, steps: int | None = None, *, anew: bool = False) -> Rows:
        """Run a new maker, or kill it after some steps; returns the transitions, by key."""
        with closing(AlarmStore.open_primary(self.retaining.data)) as store:
            maker = AlarmMaker(self._snapshot, store, "sat", LIMITS)
            if anew:
                maker.reset()
            for done, _ in enumerate(maker.make(self.retaining.committer.last_ns), 1):
                if done == steps:
                    break
            return {key: row for key, row in store.all_rows() if key[:4] in (b"time", b"row/")}

    def left(self, rows: Rows) -> Rows:
        """Without marks, which are where the maker was."""
        return {key: row for key, row in rows.items() if key[-1:] != b"m" or key[:4] == b"time"}


@pytest.mark.parametrize("is_killed", [False, True])
async def test_history_of_deleted_days_goes_with_them(tmp_path: Path, is_killed: bool) -> None:
    with ExitStack() as stack:
        judged = JudgedDays(tmp_path, stack)
        before = judged.left(judged.follow())
        assert await judged.retaining.give_back()
        if is_killed:
            for steps in (1, 2, 3):
                judged.follow(steps)
        after = judged.left(judged.follow())
        assert len(after) < len(before)
        assert after == judged.left(judged.follow(anew=True)), "as if only they had been there"
