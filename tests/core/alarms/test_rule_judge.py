"""The intervals of numbers that leave an alarm as bad as it is agree with its verdicts."""

from __future__ import annotations

import math
import random

from hypothesis import given
from hypothesis import strategies as st

from nova.core.alarms.rule_judge import judge_of_rule
from tests.core.alarms.alarm_drawing import random_rule
from tests.laws import law


@law(100)
@given(st.integers(0, 2**32 - 1))
def test_numbers_within_an_interval_keep_the_rank_and_no_others_of_a_band_are_missing(
    seed: int,
) -> None:
    draw = random.Random(seed)
    judge = judge_of_rule(random_rule(draw))
    numbers = [draw.randint(-20, 30) / 2 for _ in range(40)]
    numbers += [math.nextafter(one, draw.choice((-99, 99))) for one in numbers]
    for rank in range(5):
        intervals = judge.kept_between(rank)
        bounds = {bound for interval in intervals for bound in interval}
        for number in numbers:
            is_within = any(low < number < high for low, high in intervals)
            if is_within or (judge.bands is not None and number not in bounds):
                assert is_within == (judge.verdict(number, rank) == rank)
