"""A window that the tests of a file use one after the other: opening a page takes more than half a
second of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.e2e.demo_screen import SIZE, Screen, new_context

VISIT = "hash => { document.activeElement?.blur(); location.hash = hash; }"
"""Nothing has the focus: keys go to the page."""


class KeptScreen:
    """It opens for the first test, and again behind one that failed: no test begins with what a
    failed one has left. What a passed one has left is put back by the address, the clock with all
    that belongs to it, and by what the file's own fixture does.
    """

    def __init__(self, browser: Browser, session: pytest.Session) -> None:
        self._browser = browser
        self._session = session
        self._context: BrowserContext | None = None
        self._screen: Screen | None = None
        self._visits = 0

    @contextmanager
    def at(
        self, url: str, moment: str = "state=live&tb=source", *, complaints: bool = False
    ) -> Iterator[Screen]:
        """The window on a NOVA, at a moment as a link has it; it must not have complained by the
        end of the test, unless that is expected.
        """
        failed = self._session.testsfailed
        screen = self._visit(url, moment)
        yield screen
        found, screen.complaints = screen.complaints, []
        is_unsound = found != [] and not complaints
        if is_unsound or self._session.testsfailed > failed:
            self.close()
        assert complaints or found == []

    def _visit(self, url: str, moment: str) -> Screen:
        if self._screen is None:
            self._context = new_context(self._browser)
            self._screen = Screen(self._context)
            self._screen.open(f"{url}/#{moment}")
            return self._screen
        screen, self._visits = self._screen, self._visits + 1
        assert screen.page.url.startswith(f"{url}/"), f"this window is not on {url}"
        screen.sent.clear()
        screen.page.set_viewport_size(SIZE)
        screen.page.mouse.move(0, 0)
        # An address that is already shown would not be opened again.
        screen.page.evaluate(VISIT, f"{moment}&visit={self._visits}")
        return screen

    def close(self) -> None:
        """The next test has another window."""
        if self._context is not None:
            self._context.close()
        self._context = self._screen = None
