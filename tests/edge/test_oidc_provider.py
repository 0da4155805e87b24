"""What an edge asks a provider, and what it accepts of its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nova.edge.edge_config import EdgeLimits
from tests.edge.made_provider import MadeProvider, config_of
from tests.edge.oidc_flow import log_in, reason
from tests.edge.plain_browser import PlainBrowser
from tests.edge.server import RunningEdge, running_edge


async def test_claims_may_come_from_the_userinfo(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """If the ID token lacks one. It must be of the same subject, and replaces nothing."""
    provider.claims = {"groups": None}
    provider.userinfo = {"sub": "another", "groups": ["nova-admins"]}
    assert reason(await log_in(oidc_edge, provider, browser)) == "providerWrong"
    provider.userinfo = provider.user | {"groups": ["nova-viewers"], "preferred_username": "eve"}
    assert (await log_in(oidc_edge, provider, browser)).status == 303
    ann = oidc_edge.users.get("ann")
    assert ann is not None and ann.role == "viewer"


async def test_a_provider_that_is_slow_or_away_is_named(
    tmp_path: Path, reader_socket: Path, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Within the limit of time: at the start, and at the end of a login."""
    limits = EdgeLimits(provider_timeout_s=0.3)
    config = config_of(provider.issuer)
    async with running_edge(tmp_path, reader_socket, oidc=config, limits=limits) as edge:
        provider.waits_s = 30
        slow = await browser.open(f"{edge.url}/auth/oidc?next=/admin")
        assert (slow.status, reason(slow)) == (503, "providerAway")
        assert "Test &amp; Co does not answer" in slow.text
        assert "/admin?loginError=" in slow.text
        provider.waits_s = 0
        start = await browser.open(f"{edge.url}/auth/oidc")
        provider.waits_s = 30
        end = await browser.open(provider.authorize(start.location))
        assert (end.status, reason(end)) == (503, "providerAway")
        provider.waits_s = 0
        assert (await log_in(edge, provider, browser)).status == 303


WRONG_METADATA: list[dict[str, Any]] = [
    {"issuer": "http://127.0.0.1:1"},
    {"token_endpoint": "http://example.org/token"},
    {"jwks_uri": "file:///etc/passwd"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"token_endpoint": None},
    {"code_challenge_methods_supported": ["plain"]},
]


async def test_a_provider_that_leads_elsewhere_is_not_followed(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Endpoints must be https or on this machine, and the issuer the one of the setting."""
    for metadata in WRONG_METADATA:
        provider.metadata = metadata
        start = await browser.open(f"{oidc_edge.url}/auth/oidc")
        assert (start.status, reason(start)) == (502, "providerWrong"), metadata


async def test_a_redirect_is_not_followed(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """An edge requests the endpoints of the discovery document and nothing else."""
    provider.metadata = {"jwks_uri": f"{provider.issuer}/elsewhere"}
    assert reason(await log_in(oidc_edge, provider, browser)) == "providerWrong"
    assert provider.requests == ["discovery", "token"]


async def test_the_answer_of_another_issuer_is_refused(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """And an answer without the issuer, if the provider says that it always gives it."""
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    assert reason(await browser.open(provider.authorize(start.location))) == "providerWrong"
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    back = f"{provider.authorize(start.location)}&iss=https://login.example.org"
    assert reason(await browser.open(back)) == "providerWrong"
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    back = f"{provider.authorize(start.location)}&iss={provider.issuer}"
    assert (await browser.open(back)).status == 303


async def test_a_refusal_of_the_provider_is_named(
    oidc_edge: RunningEdge, browser: PlainBrowser
) -> None:
    """Its own text, which anybody can write into an address, is not shown."""
    start = await browser.open(f"{oidc_edge.url}/auth/oidc")
    state = parse_qs(urlsplit(start.location).query)["state"][0]
    url = f"{oidc_edge.url}/auth/oidc/callback?state={state}&error=access_denied"
    end = await browser.open(f"{url}&error_description=call+this+number")
    assert (end.status, reason(end)) == (403, "providerRefused")
    assert "number" not in end.text
