"""The CPU time of an instance's processes is read by name, and says when their work was done."""

from __future__ import annotations

import os

from bench.process_use import SUPERVISOR, ProcessUse, UseSample, cpu_seconds


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
