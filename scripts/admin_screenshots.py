#!/usr/bin/env python3
"""Takes the screenshot of the admin page for the documentation, on a new demo.

Run in the project's environment:
    .venv/bin/python scripts/admin_screenshots.py
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, expect

from nova.testkit.browser import running_browser
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova

ROOT = Path(__file__).resolve().parents[1]
SIZE: ViewportSize = {"width": 1280, "height": 420}
USERS = (("ann", "operator", ""), ("bob", "viewer", "demo"), ("carla", "admin", ""))


def main() -> None:
    """Take the screenshot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, default=ROOT / "docs/images")
    into: Path = parser.parse_args().into
    with (
        tempfile.TemporaryDirectory() as folder,
        running_nova(Path(folder), command="demo") as nova,
        running_browser() as browser,
    ):
        users(browser, nova, into)


def users(browser: Browser, nova: RunningNova, into: Path) -> None:
    """The users, one of them disabled."""
    page = browser.new_page(viewport=SIZE)
    page.goto(f"{nova.url}/admin")
    page.get_by_test_id("login-username").fill("admin")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    for user in USERS:
        add(page, *user)
    page.get_by_role("button", name="Disable: bob").click()
    page.get_by_test_id("dialog-submit").click()
    expect(page.get_by_role("button", name="Enable: bob")).to_be_visible()
    page.mouse.move(0, SIZE["height"] - 1)
    page.screenshot(path=str(into / "admin.png"))
    page.close()


def add(page: Page, name: str, role: str, scopes: str) -> None:
    """Add a user and close what shows the password."""
    page.get_by_test_id("add-user-open").click()
    page.get_by_test_id("field-name").fill(name)
    page.get_by_test_id("field-role").select_option(role)
    page.get_by_test_id("field-scopes").fill(scopes)
    page.get_by_test_id("dialog-submit").click()
    page.get_by_test_id("secret-done").click()
    expect(page.get_by_test_id("secret")).to_have_count(0)


if __name__ == "__main__":
    main()
