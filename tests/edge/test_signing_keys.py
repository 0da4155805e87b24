"""The keys of a provider: public ones for signatures, fetched again when they do not fit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nova.edge.oidc_error import OidcError
from nova.edge.provider_http import ProviderHttp
from nova.edge.signing_keys import KEYS_MAX, SigningKeys
from tests.edge.made_provider import MadeProvider, made_key


@asynccontextmanager
async def keys_of(
    provider: MadeProvider, refetch_after_s: float, reply_max_bytes: int = 256 * 1024
) -> AsyncIterator[SigningKeys]:
    """The keys of a provider."""

    async def url() -> str:
        return f"{provider.issuer}/jwks"

    http = ProviderHttp(10.0, reply_max_bytes)
    try:
        yield SigningKeys(http, url, refetch_after_s)
    finally:
        await http.close()


async def test_they_are_fetched_again_when_they_do_not_fit(provider: MadeProvider) -> None:
    """Not on every occasion, so that made-up tokens do not become requests to the provider."""
    async with keys_of(provider, 0.0) as keys:
        assert [key.kid for key in await keys.get()] == ["first"]
        provider.published = [made_key("second").as_dict(private=False)]
        assert [key.kid for key in await keys.get()] == ["first"]
        newer = await keys.newer()
        assert newer is not None and [key.kid for key in newer] == ["second"]
        assert [key.kid for key in await keys.get()] == ["second"]
    async with keys_of(provider, 3_600.0) as keys:
        await keys.get()
        assert await keys.newer() is None


async def test_only_public_keys_for_signatures_are_used(provider: MadeProvider) -> None:
    """Not a shared secret, a key for encryption, or what cannot be read."""
    public = made_key("first").as_dict(private=False)
    provider.published = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "first"},
        {**public, "use": "enc"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "RSA", "n": 7, "e": []},
        {"kty": "new"},
        {},
        public,
    ]
    async with keys_of(provider, 0.0) as keys:
        assert [key.kid for key in await keys.get()] == ["first"]
        provider.published.pop()
        with pytest.raises(OidcError, match="no public key"):
            await keys.newer()
        provider.published = [public] * (KEYS_MAX + 1)
        with pytest.raises(OidcError, match="more than 64 keys"):
            await keys.newer()


async def test_a_large_reply_is_not_read(provider: MadeProvider) -> None:
    async with keys_of(provider, 0.0, reply_max_bytes=100) as keys:
        with pytest.raises(OidcError, match="more than 100 bytes"):
            await keys.get()
