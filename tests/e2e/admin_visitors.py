"""People at the admin page, each at a browser of their own."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.e2e.demo_screen import new_context

OWN_PASSWORD = "a password of my own"


class Visitor:
    """One person's browser; breaches of the CSP and errors of its pages are complaints."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self._heard(line.text))

    def _heard(self, text: str) -> None:
        """A refused login is an error of the console too, and expected."""
        if "Content Security Policy" in text:
            self.complaints.append(text)

    def log_in(self, name: str, password: str) -> None:
        self.page.get_by_test_id("login-username").fill(name)
        self.page.get_by_test_id("login-password").fill(password)
        self.page.get_by_test_id("login-submit").click()

    def replace_password(self, password: str) -> None:
        """What the page asks for first, when somebody else has set the password."""
        self.page.get_by_test_id("password-current").fill(password)
        self.page.get_by_test_id("password-new").fill(OWN_PASSWORD)
        self.page.get_by_test_id("password-again").fill(OWN_PASSWORD)
        self.page.get_by_test_id("password-submit").click()

    def row(self, key: str) -> Locator:
        """The row of a table with this key."""
        return self.page.locator(f'[data-testid="row"][data-key="{key}"]')

    def act(self, title: str, name: str) -> None:
        """Press the button of a row."""
        self.page.get_by_role("button", name=f"{title}: {name}", exact=True).click()

    def submit(self) -> None:
        """Submit the open dialog."""
        self.page.get_by_test_id("dialog-submit").click()

    def secret(self) -> str:
        """The secret that is shown once; its dialog is closed."""
        value = self.page.get_by_test_id("secret-value").input_value()
        self.page.get_by_test_id("secret-done").click()
        expect(self.page.get_by_test_id("secret")).to_have_count(0)
        return value

    def add_user(self, name: str, role: str) -> str:
        """Add a user; returns the generated password."""
        self.page.get_by_test_id("add-user-open").click()
        self.page.get_by_test_id("field-name").fill(name)
        self.page.get_by_test_id("field-role").select_option(role)
        self.submit()
        return self.secret()


class Visitors:
    """Three people at most, each at a browser of their own that opens when somebody comes."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: dict[int, tuple[BrowserContext, Visitor]] = {}

    def __getitem__(self, number: int) -> Visitor:
        if number not in self._open:
            context = new_context(self._browser)
            self._open[number] = context, Visitor(context)
        return self._open[number][1]

    def leave(self, *kept: int) -> list[str]:
        """Close the others' browsers; returns what the pages of all complained of."""
        found = [complaint for _, one in self._open.values() for complaint in one.complaints]
        for number in self._open.keys() - set(kept):
            self._open.pop(number)[0].close()
        return found
