"""A browser for all files of a process of the run: with its driver it takes a second of a processor
to start.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from playwright.sync_api import Browser

from nova.testkit.browser import running_browser


class BrowserOfProcess:
    """It starts for the first file that asks for it, and again if it has ended.

    Playwright marks its own event loop as the running one, for as long as its driver runs. Between
    two files there is none: other tests of the process start loops.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._browser: Browser | None = None
        self._loop: AbstractEventLoop | None = None

    @contextmanager
    def lent(self) -> Iterator[Browser]:
        """The browser, without any window before and after."""
        _set_running_loop(self._loop)
        try:
            browser = self._started()
            yield browser
            for context in browser.contexts:
                context.close()
        finally:
            self._loop = _get_running_loop()
            _set_running_loop(None)

    def _started(self) -> Browser:
        if self._browser is None or not self._browser.is_connected():
            self._end()
            self._browser = self._running.enter_context(running_browser())
        return self._browser

    def close(self) -> None:
        """End it."""
        _set_running_loop(self._loop)
        self._end()

    def _end(self) -> None:
        self._browser = None
        self._running.close()
