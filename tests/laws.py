"""Laws that are tried on few examples each time and on many now and then."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

LONGER = int(os.environ.get("NOVA_TEST_EXAMPLES", "1"))
"""`make test-slow` tries this many times as many examples."""

EXAMPLE_MAX_S = 30

Test = TypeVar("Test", bound=Callable[..., object])


def law(examples: int) -> Callable[[Test], Test]:
    """A property test on real parts, which takes its time with each example."""
    tried = settings(
        max_examples=examples * LONGER,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )

    def mark(test: Test) -> Test:
        timeout = pytest.mark.timeout(examples * LONGER * EXAMPLE_MAX_S)
        marked: Test = pytest.mark.law(timeout(tried(test)))
        return marked

    return mark
