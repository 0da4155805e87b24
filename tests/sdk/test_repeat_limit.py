"""What repeats is counted, and the count is never lost."""

from __future__ import annotations

import random

import pytest

from nova.sdk.repeat_limit import Offer, RepeatLimit
from tests.laws import some_of


class RepeatClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def offer(body: str, statement: str = "a:1") -> Offer:
    return Offer(body, body, statement)


def test_an_equal_line_is_logged_at_once_and_then_counted() -> None:
    """Trouble that lasts stays visible: once a minute."""
    clock = RepeatClock()
    limit = RepeatLimit(clock=clock)
    logged, counts = 0, []
    for second in range(180):
        clock.now_s = second
        counts += [one.lines for one in limit.due()]
        logged += limit.admits(offer("broker away"))
    counts += [one.lines for one in limit.rest()]
    assert (logged, counts) == (3, [59, 59, 59])


def test_a_statement_that_floods_is_bounded() -> None:
    """Also where each line differs; other statements are not affected."""
    clock = RepeatClock()
    limit = RepeatLimit(clock=clock, statement_max_lines=5)
    assert sum(limit.admits(offer(f"user {n} failed")) for n in range(100)) == 5
    assert limit.admits(offer("else", "b:2"))
    clock.now_s = 11.0
    (found,) = limit.due()
    assert found == ("user 99 failed", 95)
    assert limit.admits(offer("user 100 failed"))


@pytest.mark.parametrize("seed", some_of(range(20), 4))
def test_each_line_is_logged_or_counted(seed: int) -> None:
    """However many there are at once, and however few windows are remembered."""
    rng, clock = random.Random(seed), RepeatClock()
    limit = RepeatLimit(clock=clock, statement_max_lines=3, remembered_max=rng.choice([1, 4, 50]))
    logged = counted = 0
    for _ in range(2_000):
        clock.now_s += rng.choice([0.0, 0.1, 5.0])
        counted += sum(one.lines for one in limit.due())
        statement = str(rng.randrange(6))
        logged += limit.admits(offer(f"{statement} {rng.randrange(30)}", statement))
    counted += sum(one.lines for one in limit.rest())
    assert logged + counted == 2_000 and counted
    assert not limit.has_suppressed()
