"""The admin page in a real browser: people and programs that an admin lets in, and takes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from nova.cli.demo import DEMO_SCOPE
from nova.edge.user_store import LAST_ADMIN
from nova.sdk.events.envelope import AuditEvent, encode
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command
from tests.e2e.admin_visitors import OWN_PASSWORD, Visitor, Visitors
from tests.e2e.commander import action, choose
from tests.e2e.demo_screen import SIZE, serious
from tests.e2e.held_session import hold_session

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
SECTIONS = {"API keys": "html", "Limits": "main", "Audit trail": "main", "Users": "main"}
"""By title, what axe looks at."""

ADMIN = 0
"""The visitor who is the admin."""

RECORDED = 120
"""Audit events of the past: more than one page."""


@pytest.fixture(scope="module")
def people(browser: Browser) -> Iterator[Visitors]:
    people = Visitors(browser)
    yield people
    people.leave()


@pytest.fixture
def visitors(people: Visitors, request: pytest.FixtureRequest) -> Iterator[Visitors]:
    """The admin's browser stays for the next test, unless this one fails."""
    failed = request.session.testsfailed
    yield people
    is_sound = request.session.testsfailed == failed
    assert people.leave(*([ADMIN] if is_sound else [])) == []


@pytest.fixture
def admin(visitors: Visitors, demo: RunningNova) -> Visitor:
    """The admin, at the list of users."""
    visitor = visitors[ADMIN]
    if visitor.page.url.startswith(demo.url):
        visitor.page.set_viewport_size(SIZE)
        visitor.page.get_by_role("link", name="Users").click()
    else:
        hold_session(visitor.page, demo.url)
        visitor.page.goto(f"{demo.url}/admin")
    expect(visitor.row("admin")).to_contain_text("enabled")
    return visitor


def test_an_admin_lets_people_in_and_takes_them_out(
    admin: Visitor, visitors: Visitors, demo: RunningNova
) -> None:
    """Each chooses a password, sees what the role may, and is out when that changes."""
    passwords = {name: admin.add_user(name, name) for name in ("operator", "viewer")}
    people = [visitors[1], visitors[2]]
    for name, visitor in zip(passwords, people, strict=True):
        visitor.page.goto(f"{demo.url}/admin")
        visitor.log_in(name, passwords[name])
        visitor.replace_password(passwords[name])
        refusal = visitor.page.get_by_test_id("admin-refusal")
        expect(refusal).to_contain_text(f"needs the role admin; your role is {name}")
        expect(visitor.page.get_by_role("navigation")).to_have_count(0)
        visitor.page.get_by_test_id("to-screen").click()
        expect(visitor.page.get_by_test_id("panels")).to_be_visible()
        expect(visitor.page.get_by_test_id("admin-link")).to_have_count(0)
    operator, viewer = (visitor.page for visitor in people)
    for page, is_refused in ((operator, False), (viewer, True)):
        page.get_by_test_id("live").click()
        choose(page, "temperature")
        send = action(page, "heater.set").get_by_test_id("send")
        expect(send).to_have_attribute("aria-disabled", str(is_refused).lower())
    admin.act("Edit", "operator")
    admin.page.get_by_test_id("field-role").select_option("viewer")
    admin.submit()
    expect(admin.row("operator")).to_contain_text("viewer")
    expect(operator.get_by_test_id("login-error")).to_contain_text("session has ended")
    admin.act("Disable", "viewer")
    expect(admin.page.get_by_test_id("consequence-text")).to_contain_text("cannot log in until")
    admin.submit()
    expect(admin.row("viewer")).to_contain_text("disabled")
    expect(viewer.get_by_test_id("login-error")).to_contain_text("session has ended")
    visitors[2].log_in("viewer", OWN_PASSWORD)
    expect(viewer.get_by_test_id("login-error")).not_to_contain_text("session has ended")
    expect(viewer.get_by_test_id("panels")).to_have_count(0)
    admin.act("Delete", "viewer")
    expect(admin.page.get_by_test_id("consequence-text")).to_contain_text("gone for good")
    admin.submit()
    expect(admin.row("viewer")).to_have_count(0)
    expect(admin.page.locator("#section-title")).to_be_focused()


def test_the_last_admin_stays_and_the_server_says_why(admin: Visitor) -> None:
    """The refusal stands in the dialog, which keeps the focus and can be left by Escape."""
    for title in ("Disable", "Delete"):
        admin.act(title, "admin")
        admin.submit()
        error = admin.page.get_by_test_id("dialog-error")
        expect(error).to_have_text(LAST_ADMIN)
        expect(admin.page.get_by_test_id("dialog-submit")).to_be_focused()
        admin.page.keyboard.press("Escape")
        expect(admin.page.get_by_test_id("consequence")).to_have_count(0)
        opener = admin.page.get_by_role("button", name=f"{title}: admin", exact=True)
        expect(opener).to_be_focused()
    expect(admin.row("admin")).to_contain_text("enabled")


def test_a_reset_password_and_an_ended_session(
    admin: Visitor, visitors: Visitors, demo: RunningNova
) -> None:
    """Of the same user: the session ends from the admin's list, then the password changes."""
    first = admin.add_user("dora", "operator")
    other = visitors[1]
    other.page.goto(demo.url)
    other.log_in("dora", first)
    expect(other.page.get_by_test_id("password-forced")).to_be_visible()
    admin.act("Sessions", "dora")
    listed = admin.page.get_by_test_id("user-sessions").get_by_role("listitem")
    expect(listed).to_have_count(1)
    listed.get_by_role("button").click()
    expect(listed).to_have_count(0)
    admin.page.get_by_test_id("user-sessions-close").click()
    expect(other.page.get_by_test_id("login-error")).to_contain_text("session has ended")
    admin.act("Reset password", "dora")
    admin.submit()
    second = admin.secret()
    assert second != first
    other.log_in("dora", first)
    expect(other.page.get_by_test_id("password-forced")).to_have_count(0)
    other.log_in("dora", second)
    expect(other.page.get_by_test_id("password-forced")).to_be_visible()


@pytest.mark.parametrize("name", ["tls", "plain"])
def test_the_shown_password_is_copied(visitors: Visitors, demo: RunningNova, name: str) -> None:
    """Also on a page without TLS, which has no clipboard API."""
    page = visitors[1].page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.add_init_script("window.clipboard = navigator.clipboard")
    if name == "plain":
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(f"{demo.url}/admin")
    visitors[1].log_in("admin", PASSWORD)
    page.get_by_test_id("add-user-open").click()
    page.get_by_test_id("field-name").fill(name)
    visitors[1].submit()
    page.get_by_test_id("secret-copy").click()
    expect(page.get_by_test_id("secret-note")).to_have_text("Copied.")
    copied = page.evaluate("window.clipboard.readText()")
    assert copied == visitors[1].secret()
    own = page.get_by_role("button", name="Reset password: admin")
    expect(own).to_have_attribute("aria-disabled", "true")
    own.click(force=True)
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_is_made_used_and_revoked(admin: Visitor, demo: RunningNova) -> None:
    """A program queries with it, within its lanes, until it is revoked."""
    admin.page.get_by_role("link", name="API keys").click()
    admin.page.get_by_test_id("add-key-open").click()
    admin.page.get_by_test_id("field-name").fill("dashboard")
    admin.page.get_by_role("checkbox", name="ui").check()
    admin.submit()
    secret = admin.secret()
    assert secret.startswith("nova_")
    row = admin.row("dashboard")
    expect(row).to_contain_text("ui")
    expect(row).to_contain_text("never")
    assert secret not in admin.page.content()
    query = ("query", "--url", demo.url, "--token", secret, "--limit", "20")
    read = nova_command(*query)
    assert read.returncode == 0, read.stderr.decode()
    events = [msgspec.json.decode(line) for line in read.stdout.splitlines()]
    assert len(events) == 20
    assert {event["lane"] for event in events} == {"ui"}
    admin.page.reload()
    expect(row).not_to_contain_text("never")
    admin.act("Revoke", "dashboard")
    admin.submit()
    expect(row).to_have_count(0)
    assert nova_command(*query).returncode != 0


def test_a_user_is_added_by_keyboard_alone(admin: Visitor) -> None:
    """The focus goes into the dialog, to the secret, which Escape does not lose, and back."""
    page = admin.page
    page.get_by_test_id("to-screen").focus()
    press_until_focused(page, "Shift+Tab", page.get_by_role("link", name="Users"))
    press_until_focused(page, "Tab", page.get_by_test_id("add-user-open"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("field-name")).to_be_focused()
    page.keyboard.type("no name!")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("add-user")).to_be_visible()
    page.keyboard.press("Control+A")
    page.keyboard.type("kim")
    page.keyboard.press("Tab")
    page.keyboard.type("operator")
    page.keyboard.press("Tab")
    page.keyboard.type("sat, sät")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("dialog-error")).to_contain_text("“sät” is no scope")
    page.keyboard.press("Control+A")
    page.keyboard.type("sat")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("secret-value")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("secret-value")).not_to_be_empty()
    press_until_focused(page, "Tab", page.get_by_test_id("secret-done"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("add-user-open")).to_be_focused()
    expect(admin.row("kim")).to_contain_text("operator")
    expect(admin.row("kim")).to_contain_text("sat")


def press_until_focused(page: Page, key: str, target: Locator) -> None:
    """Move the focus by a key; at most as often as the page has elements that take it."""
    for _ in range(page.locator("a, button, input, select").count()):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{key} does not reach {target}")


def test_a_held_back_account_is_seen_and_released(
    admin: Visitor, visitors: Visitors, demo: RunningNova
) -> None:
    """By keyboard; then its user gets in, and the trail says who did it."""
    page, password = admin.page, admin.add_user("lena", "viewer")
    guess = {"username": "lena", "password": "wrong"}
    while page.request.post(f"{demo.url}/auth/login", data=guess).status != 429:
        pass
    other = visitors[1]
    other.page.goto(demo.url)
    other.log_in("lena", password)
    expect(other.page.get_by_test_id("login-error")).to_contain_text("too many failed logins")
    page.get_by_role("link", name="Limits").click()
    expect(admin.row("limit query")).to_contain_text("in 60 s")
    expect(admin.row("use admin query")).to_contain_text("within")
    expect(admin.row("held lena")).to_contain_text("new addresses until")
    expect(admin.row("network 127.0.0.0/24")).to_be_visible()
    page.get_by_test_id("limits-refresh").focus()
    press_until_focused(page, "Tab", page.get_by_role("button", name="Release: lena"))
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("consequence-text")).to_contain_text("also for whoever guesses it")
    admin.submit()
    expect(admin.row("held lena")).to_have_count(0)
    other.log_in("lena", password)
    expect(other.page.get_by_test_id("password-forced")).to_be_visible()
    page.get_by_role("link", name="Audit trail").click()
    released = page.get_by_test_id("row").filter(has_text="releaseAccount").filter(has_text="lena")
    while not released.count():
        # The edge hands its entries to the Core beside its replies.
        page.get_by_test_id("audit-refresh").click()
        page.wait_for_timeout(200)


def test_the_audit_trail_is_filtered_paged_and_exported(
    admin: Visitor, demo: RunningNova, tmp_path: Path
) -> None:
    """Of a principal whose events were imported, so that no other adds to them."""
    file = tmp_path / "audit.jsonl"
    file.write_bytes(b"\n".join(map(recorded, range(RECORDED))))
    done = nova_command("import", str(file), "--to", demo.publish)
    assert done.returncode == 0, done.stderr.decode()
    page = admin.page
    page.get_by_role("link", name="Audit trail").click()
    page.get_by_test_id("audit-user").fill("nobody-yet")
    page.get_by_test_id("audit-apply").click()
    expect(page.get_by_test_id("empty")).to_have_text("No recorded event matches these filters.")
    page.get_by_test_id("audit-user").fill("historian")
    page.get_by_test_id("audit-apply").click()
    rows = page.get_by_test_id("row")
    expect(rows).to_have_count(100)
    expect(rows.first).to_contain_text(f"number {RECORDED - 1}")
    expect(page.get_by_role("img", name="Events over time")).to_be_visible()
    page.get_by_test_id("audit-older").click()
    expect(rows).to_have_count(RECORDED)
    expect(page.get_by_test_id("audit-count")).to_have_text(
        f"{RECORDED} events shown, all that match"
    )
    page.get_by_test_id("audit-kind").select_option("UserLogin")
    page.get_by_test_id("audit-to").fill("2020-01-01 00:09:59")
    page.get_by_test_id("audit-apply").click()
    expect(rows).to_have_count(5)
    rows.first.get_by_role("button").click()
    expect(page.locator(".detail-row")).to_contain_text('"number": 8')
    with page.expect_download() as download:
        page.get_by_test_id("audit-export").click()
    lines = Path(download.value.path()).read_bytes().splitlines()
    events = [msgspec.json.decode(line) for line in lines]
    assert [event["payload"]["number"] for event in events] == [0, 2, 4, 6, 8]
    expect(page.get_by_test_id("audit-export-note")).to_have_text("5 events saved.")
    page.get_by_test_id("audit-from").fill("yesterday")
    page.get_by_test_id("audit-apply").click()
    expect(page.get_by_test_id("section-error")).to_contain_text("“yesterday” is no time")


def recorded(number: int) -> bytes:
    """An audit event of the past, one a minute."""
    return encode(
        AuditEvent(
            scope_id=DEMO_SCOPE,
            lane="metadata",
            system_id="nova",
            container_id="audit",
            unique_id="historian",
            source_truth_time=f"2020-01-01T{number // 60:02d}:{number % 60:02d}:00Z",
            message_type="UserLogout" if number % 2 else "UserLogin",
            payload={"number": number},
        )
    )


@pytest.mark.parametrize("theme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_axe_finds_nothing_serious(admin: Visitor, theme: str) -> None:
    """Every section, wide and narrow, and the dialogs; nothing is wider than a phone."""
    page = admin.page
    if theme == "light":
        page.get_by_role("button", name="Switch between").click()
    for size in (SIZE, PHONE):
        page.set_viewport_size(size)
        for title, part in SECTIONS.items():
            page.get_by_role("link", name=title).click()
            expect(page.locator("#section-title")).to_have_text(title)
            assert serious(page, part) == [], (size, title)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), title
    for title in ("Edit", "Delete", "Sessions"):
        admin.act(title, "admin")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious(page, "dialog") == [], title
        page.keyboard.press("Escape")
