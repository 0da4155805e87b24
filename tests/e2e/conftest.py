"""Fixtures of end-to-end tests: a running NOVA, a browser, and ten recorded minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.browser_of_process import BrowserOfProcess
from tests.e2e.demo_screen import LOADED_MS, apart
from tests.e2e.kept_screen import KeptScreen
from tests.e2e.recorded_flight import SCOPE, publish_history

expect.set_options(timeout=LOADED_MS)


@pytest.fixture
def nova(tmp_path: Path) -> Iterator[RunningNova]:
    """A payload's NOVA of scope `sat` on the local transport."""
    with running_nova(tmp_path / "data", "--scope", SCOPE) as running:
        yield running
        running.kill()


@pytest.fixture(scope="session")
def browser_of_process() -> Iterator[BrowserOfProcess]:
    browser = BrowserOfProcess()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser(browser_of_process: BrowserOfProcess) -> Iterator[Browser]:
    """The browser of this process, without any window."""
    with browser_of_process.lent() as running:
        yield running


@pytest.fixture(scope="module")
def kept(browser: Browser, request: pytest.FixtureRequest) -> Iterator[KeptScreen]:
    """One window on each NOVA, for all tests of a file that can leave it to the next. It closes
    with the browser of the file.
    """
    yield KeptScreen(browser, request.session)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A NOVA whose archive holds ten minutes of the past, for tests that add nothing to it."""
    with running_nova(tmp_path_factory.mktemp("recorded") / "data", "--scope", SCOPE) as running:
        apart(lambda: publish_history(running.publish))
        yield running
        running.kill()


@pytest.fixture(scope="module")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """Such a NOVA for tests of a file that add to its archive, or kill and stop its processes; each
    leaves it working.
    """
    with running_nova(tmp_path_factory.mktemp("shaken") / "data", "--scope", SCOPE) as running:
        apart(lambda: publish_history(running.publish))
        yield running
        running.kill()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """The demo, with ten minutes of its satellite's past."""
    with running_nova(tmp_path_factory.mktemp("demo"), command="demo") as running:
        yield running
        running.kill()


@pytest.fixture
def page(kept: KeptScreen, demo: RunningNova) -> Iterator[Page]:
    """The page of the demo, LIVE; it is the same for all tests of a file."""
    with kept.at(demo.url) as screen:
        screen.expect_state("LIVE")
        yield screen.page
