"""A Chromium of this machine for tests, with its background network traffic switched off."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from nova.sdk.errors import NovaError

BROWSER_VARIABLE = "NOVA_TEST_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-sync",
    "--no-sandbox",  # Needed as root, which has no user namespace to sandbox in.
)


def executable() -> str:
    """The browser of NOVA_TEST_BROWSER, else the first on PATH; raises NovaError."""
    given = os.environ.get(BROWSER_VARIABLE)
    for found in (given, *(shutil.which(name) for name in NAMES)):
        if found:
            return found
    raise NovaError(f"no Chromium found: install the package chromium or set {BROWSER_VARIABLE}")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless browser that is closed with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
