"""The keys with which a provider signs, fetched again when it has signed with an unknown one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from nova.edge.cached_document import CachedDocument
from nova.edge.oidc_error import OidcError
from nova.edge.provider_http import ProviderHttp

KEYS_MAX = 64
REFETCH_AFTER_S = 10.0
"""The keys are not fetched again sooner, whatever is signed with."""

KEY_TYPES = ("RSA", "EC", "OKP")
"""Public keys only: with a symmetric key, whoever can verify could also sign."""


class KeySetReply(msgspec.Struct):
    """A JSON Web Key Set."""

    keys: list[dict[str, Any]]


class SigningKeys:
    """The signing keys at a URL."""

    def __init__(
        self,
        http: ProviderHttp,
        url: Callable[[], Awaitable[str]],
        refetch_after_s: float = REFETCH_AFTER_S,
    ) -> None:
        self._http = http
        self._url = url
        self._refetch_after_s = refetch_after_s
        self._keys = CachedDocument(self._fetch)

    async def get(self) -> list[Key]:
        """The keys as they were fetched last."""
        return await self._keys.get()

    async def newer(self) -> list[Key] | None:
        """The keys of now, because those from `get` did not fit; None if they are too new."""
        if self._keys.age_s < self._refetch_after_s:
            return None
        return await self._keys.fetch()

    async def _fetch(self) -> list[Key]:
        url = await self._url()
        found = await self._http.get(url, KeySetReply)
        if len(found.keys) > KEYS_MAX:
            raise OidcError("providerWrong", f"{url} has more than {KEYS_MAX} keys")
        keys = [key for data in found.keys if (key := _signing_key(data)) is not None]
        if not keys:
            raise OidcError("providerWrong", f"{url} has no public key for signatures")
        return keys


def _signing_key(data: dict[str, Any]) -> Key | None:
    """A key that may verify signatures; None for one that may not, or of an unknown kind."""
    if data.get("kty") not in KEY_TYPES or data.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(data)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
