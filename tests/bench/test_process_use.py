"""The CPU time of an instance's processes is read by name, and says when their work was done."""

from __future__ import annotations

import os
import subprocess
import sys

from bench.process_use import SUPERVISOR, ProcessUse, UseSample, cpu_seconds

SHOWN_AS = (
    "import setproctitle as one, sys; one.setproctitle(sys.argv[1]); print(flush=True); "
    "sys.stdin.read()"
)


def test_work_is_done_at_the_moment_after_which_nearly_nothing_is_spent() -> None:
    """What a process spends on waiting afterwards is no work; the last process counts."""
    use = ProcessUse(os.getpid())
    spent = [(0, 5.0, 1.0), (1, 7.0, 1.5), (2, 8.99, 2.0), (3, 9.0, 2.5), (4, 9.0, 2.5)]
    use.samples = [UseSample(at_s, {"files": one, "sampler": two}) for at_s, one, two in spent]
    assert use.done_s(("files",)) == 2
    assert use.done_s(("files", "sampler")) == 3
    use.samples[0].cpu_s.pop("sampler")  # It was being restarted.
    assert use.done_s(("files", "sampler")) == 3


def test_the_processes_of_an_instance_are_found_by_name() -> None:
    """This process stands for the supervisor; it spends time between two looks."""
    use, spent_s = ProcessUse(os.getpid()), cpu_seconds(os.getpid())
    first = use.look()
    while cpu_seconds(os.getpid()) <= spent_s:
        pass
    assert use.look().cpu_s[SUPERVISOR] > first.cpu_s[SUPERVISOR]
    assert use.peak_mib[SUPERVISOR] > 1


def test_a_forked_process_is_found_by_the_command_that_it_shows() -> None:
    """Its title has spaces between the arguments, where others have zero bytes."""
    command = [sys.executable, "-c", SHOWN_AS, "nova core writer --data folder"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.readline()
        assert "writer" in ProcessUse(os.getpid()).look().cpu_s
        assert child.stdin is not None
        child.stdin.close()
