"""Login with a provider in a real browser: over the page of the provider to the screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from nova.testkit.running_nova import RunningNova, running_nova
from tests.e2e.demo_screen import new_context, serious
from tests.e2e.held_session import MOTION
from tests.edge.provider_process import CLIENT_SECRET, ProviderProcess, provider_process

pytestmark = pytest.mark.browser

CONFIG = """
scope = "sat"
oidc_issuer = "{issuer}"
oidc_client_id = "nova"
oidc_client_secret_file = "{secret}"
oidc_name = "Mock"
oidc_role_claim = "groups"
oidc_roles = ["nova-admins=admin", "nova-operators=operator"]
"""


@pytest.fixture(scope="module")
def mock_provider() -> Iterator[ProviderProcess]:
    with provider_process() as provider:
        provider.add_user("s-1", preferred_username="ann", groups=["nova-operators"])
        provider.add_user("s-2", preferred_username="bob", groups=["others"])
        provider.add_user("s-3", preferred_username="carol", groups=["nova-admins"])
        yield provider


@pytest.fixture(scope="module")
def federated(
    tmp_path_factory: pytest.TempPathFactory, mock_provider: ProviderProcess
) -> Iterator[RunningNova]:
    """A NOVA whose settings name the provider."""
    folder = tmp_path_factory.mktemp("federated")
    secret = folder / "secret.txt"
    secret.write_text(f"{CLIENT_SECRET}\n")
    config = folder / "nova.toml"
    config.write_text(CONFIG.format(issuer=mock_provider.issuer, secret=secret))
    with running_nova(folder / "data", "--config", str(config)) as running:
        yield running
        running.kill()


def log_in_elsewhere(page: Page, subject: str) -> None:
    """From the login page over the provider's, by its form."""
    page.get_by_role("link", name="Log in with Mock").click()
    page.get_by_placeholder("sub").fill(subject)
    page.get_by_role("button", name="Authorize").click()


def test_a_user_of_a_provider_gets_to_the_screen(browser: Browser, federated: RunningNova) -> None:
    """And stays logged in; after the logout the login page is as before."""
    page = browser.new_page(
        bypass_csp=True, reduced_motion=MOTION, color_scheme="dark"
    )  # For axe; the other tests keep it.
    page.goto(federated.url)
    expect(page.get_by_test_id("login-provider")).to_be_visible()
    assert serious(page) == []
    log_in_elsewhere(page, "s-1")
    expect(page.get_by_test_id("panels")).to_be_visible()
    expect(page.get_by_test_id("account-open")).to_contain_text("ann")
    page.reload()
    expect(page.get_by_test_id("panels")).to_be_visible()
    page.get_by_test_id("logout").click()
    expect(page.get_by_test_id("login-provider")).to_be_visible()
    page.context.close()


def test_the_login_page_says_why_a_login_failed(browser: Browser, federated: RunningNova) -> None:
    """Once: the address does not keep it."""
    page = new_context(browser).new_page()
    page.goto(federated.url)
    log_in_elsewhere(page, "s-2")
    expect(page.get_by_test_id("login-error")).to_contain_text("Mock has no role in NOVA")
    assert "loginError" not in page.url
    page.reload()
    expect(page.get_by_test_id("login-provider")).to_be_visible()
    expect(page.get_by_test_id("login-error")).to_be_empty()
    page.context.close()


def test_an_admin_of_a_provider_returns_to_the_admin_page(
    browser: Browser, federated: RunningNova
) -> None:
    """Where the origin of users is shown, and their passwords cannot be reset."""
    page = new_context(browser).new_page()
    page.goto(f"{federated.url}/admin#users")
    log_in_elsewhere(page, "s-3")
    row = page.get_by_role("row").filter(has_text="carol")
    expect(row).to_contain_text("OpenID Connect")
    expect(page).to_have_url(f"{federated.url}/admin#users")
    reset = row.get_by_role("button", name="Reset password: carol")
    expect(reset).to_have_attribute("aria-disabled", "true")
    expect(
        page.get_by_role("row").filter(has_text="admin").filter(has_text="local")
    ).to_be_visible()
    page.context.close()
