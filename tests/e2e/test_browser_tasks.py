"""What people do at the screen takes no more presses than it may."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from bench import screen_tasks
from bench.screen_tasks import BOUNDS, TASKS
from nova.testkit.running_nova import RunningNova
from tests.e2e.alarm_instance import nova_with_rules
from tests.e2e.demo_screen import apart, screen_on

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def satellite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with nova_with_rules(tmp_path_factory, screen_tasks.RULES) as nova:
        scope = screen_tasks.SCOPE
        apart(lambda: screen_tasks.publish_decades(nova.publish, scope))
        apart(lambda: screen_tasks.publish_yesterday(nova.publish, scope))
        apart(lambda: screen_tasks.publish_low(nova.publish, scope))
        yield nova


@pytest.mark.parametrize("name", TASKS)
def test_a_task_takes_few_presses(browser: Browser, satellite: RunningNova, name: str) -> None:
    with screen_on(browser, satellite.url) as screen:
        assert TASKS[name](screen.page).presses <= BOUNDS[name].presses
