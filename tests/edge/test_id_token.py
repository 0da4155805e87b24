"""An ID token is that of the provider, for this login at this NOVA, or is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nova.edge.cookie_names import REFRESH
from tests.edge.made_provider import MadeProvider, compact, config_of, made_key
from tests.edge.oidc_flow import log_in, reason
from tests.edge.plain_browser import PlainBrowser
from tests.edge.server import RunningEdge, running_edge

NOW = int(time.time())


WRONG_CLAIMS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"exp": NOW - 3_600},
    {"exp": None},
    {"iat": NOW + 3_600},
    {"nbf": NOW + 3_600},
    {"iss": "https://login.example.org"},
    {"iss": None},
    {"aud": "another"},
    {"aud": None},
    {"aud": ["nova", "another"]},
    {"aud": ["nova", "another"], "azp": "another"},
    {"azp": "another"},
    {"at_hash": "wrong"},
    {"sub": None},
    {"sub": ""},
    {"sub": "s" * 256},
    {"sub": "\ud800"},
    {"sub": 7},
]


async def test_an_id_token_for_something_else_is_refused(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Another login, time, provider or client; nobody is added."""
    for claims in WRONG_CLAIMS:
        provider.claims = claims
        end = await log_in(oidc_edge, provider, browser)
        assert (end.status, reason(end)) == (502, "providerWrong"), claims
    assert browser.cookie(REFRESH) == ""
    assert oidc_edge.users.get("ann") is None


async def test_a_forged_id_token_is_refused(
    oidc_edge: RunningEdge, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """No signature, one with a public key as the secret, one by somebody else, or one of others."""
    stranger = made_key("second")

    def changed(claims: dict[str, Any]) -> str:
        good = provider.sign(claims | {"groups": ["nova-viewers"]})
        other = compact(provider.header, claims | {"groups": ["nova-admins"]})
        return other + good.rpartition(".")[2]

    public = provider.key.as_pem(private=False)
    forges: dict[str, Callable[[dict[str, Any]], str]] = {
        "none": lambda claims: compact({"alg": "none"}, claims),
        "hmac": lambda claims: compact({"alg": "HS256", "kid": "first"}, claims, public),
        "hmac-secret": lambda claims: compact({"alg": "HS256"}, claims, b"a secret of the client"),
        "stranger": lambda claims: provider.sign(claims, stranger),
        "changed": changed,
        "garbage": lambda claims: "a.b.c",
    }
    for kind, forge in forges.items():
        provider.forge = forge
        assert reason(await log_in(oidc_edge, provider, browser)) == "providerWrong", kind
    assert oidc_edge.users.get("ann") is None


async def test_new_keys_of_the_provider_are_fetched(
    tmp_path: Path, reader_socket: Path, provider: MadeProvider, browser: PlainBrowser
) -> None:
    """Even soon after the first ones; but a token of an unknown key does not fetch them each
    time.
    """
    config = config_of(provider.issuer)
    async with running_edge(tmp_path, reader_socket, oidc=config) as edge:
        assert (await log_in(edge, provider, browser)).status == 303
        provider.key = made_key("second")
        provider.header = {"alg": "RS256", "kid": "second"}
        assert reason(await log_in(edge, provider, browser)) == "providerWrong"
        assert provider.requests.count("jwks") == 1
    provider.published = [provider.key.as_dict(private=False), {"kty": "unknown"}]
    async with running_edge(tmp_path, reader_socket, oidc=config) as edge:
        assert (await log_in(edge, provider, browser)).status == 303
