"""A Chromium of this machine for tests, with its background network traffic switched off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from nova.sdk.errors import NovaError

BROWSER_VARIABLE = "NOVA_TEST_BROWSER"
HEADLESS_NAMES = ("chromium-headless-shell",)
"""Chromium's engine without its windows: opens a page in less than half the CPU time."""

WHOLE_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-sandbox",  # Needed as root, which has no user namespace to sandbox in.
)
SPARING_ARGUMENTS = (
    "--in-process-gpu",
    "--num-raster-threads=1",
    "--js-flags=--max-lazy --single-threaded-gc",
)
"""Fewer processes and threads, and no compilation ahead of need: a tenth of the CPU time. Not for
a browser that somebody names, or that should be as people have it.
"""


def executable(*, whole: bool = False) -> str:
    """The browser of NOVA_TEST_BROWSER, else the first on PATH; raises NovaError.

    One without windows comes first unless the browser should be `whole`, as people have it.
    """
    given = os.environ.get(BROWSER_VARIABLE)
    names = WHOLE_NAMES + HEADLESS_NAMES if whole else HEADLESS_NAMES + WHOLE_NAMES
    for found in (given, *(shutil.which(name) for name in names)):
        if found:
            return found
    raise NovaError(f"no Chromium found: install the package chromium or set {BROWSER_VARIABLE}")


@contextmanager
def running_browser(*, whole: bool = False) -> Iterator[Browser]:
    """A headless browser that is closed with the block; `whole`: as people have it."""
    with sync_playwright() as playwright:
        path = executable(whole=whole)
        is_spared = not whole and BROWSER_VARIABLE not in os.environ
        arguments = ARGUMENTS + (SPARING_ARGUMENTS if is_spared else ())
        browser = playwright.chromium.launch(executable_path=path, args=list(arguments))
        try:
            yield browser
        finally:
            browser.close()
