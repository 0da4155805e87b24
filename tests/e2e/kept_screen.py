"""A window that the tests of a file use one after the other: opening a page takes more than half a
second of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser

from tests.e2e.demo_screen import SIZE, Screen, new_context

VISIT = "hash => { document.activeElement?.blur(); location.hash = hash; }"
"""Nothing has the focus: keys go to the page."""


class KeptScreen:
    """One window on each NOVA. It opens for the first test, and again behind one that failed: no
    test begins with what a failed one has left. What a passed one has left is put back by the
    address, the clock with all that belongs to it, and by what the file's own fixture does.
    """

    def __init__(self, browser: Browser, session: pytest.Session) -> None:
        self._browser = browser
        self._session = session
        self._open: dict[str, Screen] = {}
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
            self._open.pop(url).page.context.close()
        assert complaints or found == []

    def _visit(self, url: str, moment: str) -> Screen:
        if url not in self._open:
            screen = self._open[url] = Screen(new_context(self._browser))
            screen.open(f"{url}/#{moment}")
            return screen
        screen, self._visits = self._open[url], self._visits + 1
        screen.sent.clear()
        screen.page.set_viewport_size(SIZE)
        screen.page.mouse.move(0, 0)
        # An address that is already shown would not be opened again.
        screen.page.evaluate(VISIT, f"{moment}&visit={self._visits}")
        return screen
