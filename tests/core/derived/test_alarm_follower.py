"""A process that makes alarms may be killed at any time: what it leaves is continued."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack

from nova.core.derived.alarm_limits import ALARM_LIMITS
from nova.core.store.alarm_store import ALARMS_FOLDER
from nova.core.store.durability_marker import write_marker
from tests.core.derived.alarming import SCOPE, AlarmedArchive, draw_event

FOLLOWING = """
import sys
from pathlib import Path
from nova.core.derived.alarm_limits import AlarmLimits
from nova.core.derived.alarm_maker import AlarmMaker
from nova.core.query import derived_writer
from nova.core.store.alarm_store import AlarmStore

with derived_writer.open_for_writing(Path(sys.argv[1]), AlarmStore) as (snapshot, store):
    maker = AlarmMaker(snapshot, store, sys.argv[2], AlarmLimits(chunk_max_events=20))
    for _ in maker.make(int(sys.argv[3])):
        print(maker.cursor_ns, flush=True)
"""


def follow(archived: AlarmedArchive, kill_after: int | None) -> None:
    """Make alarms in a process, which is killed after some of its steps."""
    until = str(archived.committer.last_ns)
    command = [sys.executable, "-c", FOLLOWING, str(archived.data), SCOPE, until]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for step, _ in enumerate(process.stdout, 1):
            if step == kill_after:
                time.sleep(random.random() / 100)
                process.send_signal(signal.SIGKILL)
                break
        process.stdout.read()
    assert kill_after is not None or process.returncode == 0


def test_a_killed_process_is_continued_and_one_digest_holds() -> None:
    draw = random.Random(21)
    with ExitStack() as stack:
        archived = AlarmedArchive(stack, ALARM_LIMITS)
        for _ in range(30):
            archived.record([draw_event(draw) for _ in range(12)], draw.randint(0, 1))
        archived.archive.sync()
        write_marker(archived.data, archived.committer.marker())
        for kill_after in (4, 9):
            follow(archived, kill_after)
        follow(archived, None)
        assert (archived.data / ALARMS_FOLDER).is_dir()
        killed = archived.digest()
        archived.make(anew=True)
        assert archived.digest() == killed
