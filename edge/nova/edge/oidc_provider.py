"""An OpenID Connect provider: where a login begins, and who it was that logged in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from urllib.parse import quote

import aiohttp
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Meta

from nova.edge.cached_document import CachedDocument
from nova.edge.claim_mapping import claim_value
from nova.edge.id_token import IdTokenVerifier
from nova.edge.oidc_config import OidcConfig
from nova.edge.oidc_error import OidcError
from nova.edge.pending_logins import PendingLogin
from nova.edge.provider_http import ProviderHttp
from nova.edge.provider_metadata import CHALLENGE_METHOD, ProviderMetadata, discover_provider
from nova.edge.signing_keys import SigningKeys
from nova.sdk.field_types import JsonObject

ACCESS_TOKEN_MAX_CHARS = 16 * 1024

AccessToken = Annotated[str, Meta(pattern=r"\A[!-~]+\Z", max_length=ACCESS_TOKEN_MAX_CHARS)]


class TokenReply(msgspec.Struct):
    """What the token endpoint gives for a code. NOVA keeps neither of them."""

    id_token: str
    access_token: AccessToken | None = None


class OidcProvider:
    """One provider; each call ends within `timeout_s`."""

    def __init__(self, config: OidcConfig, timeout_s: float) -> None:
        self._config = config
        self._timeout_s = timeout_s
        self._http = ProviderHttp(timeout_s)
        self._metadata = CachedDocument(lambda: discover_provider(self._http, config.issuer))
        keys = SigningKeys(self._http, self._keys_url)
        self._id_tokens = IdTokenVerifier(config.issuer, config.client_id, keys)

    async def close(self) -> None:
        await self._http.close()

    async def authorization_url(self, state: str, pending: PendingLogin) -> str:
        """Where to send the browser; raises OidcError."""
        async with self._deadline():
            metadata = await self._metadata.get()
        url: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._config.client_id,
            "code",
            redirect_uri=pending.redirect_uri,
            scope=" ".join(self._config.requested_scopes),
            state=state,
            nonce=pending.nonce,
            code_challenge=create_s256_code_challenge(pending.verifier),
            code_challenge_method=CHALLENGE_METHOD,
        )
        return url

    async def claims(self, code: str, issuer: str | None, pending: PendingLogin) -> JsonObject:
        """The verified claims of whoever logged in, for the code and the `iss` of the provider's
        answer. Raises OidcError.
        """
        async with self._deadline():
            metadata = await self._metadata.get()
            is_required = metadata.authorization_response_iss_parameter_supported
            if issuer != metadata.issuer and (issuer is not None or is_required):
                raise OidcError("providerWrong", f"the answer is of the issuer {issuer!r}")
            tokens = await self._exchange(metadata, code, pending)
            claims = await self._id_tokens.verify(
                tokens.id_token,
                nonce=pending.nonce,
                access_token=tokens.access_token,
                offered=metadata.id_token_signing_alg_values_supported,
            )
            return await self._with_userinfo(metadata, claims, tokens.access_token)

    async def _exchange(
        self, metadata: ProviderMetadata, code: str, pending: PendingLogin
    ) -> TokenReply:
        client_id, secret = self._config.client_id, self._config.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.verifier,
        }
        headers = {}
        methods = metadata.token_endpoint_auth_methods_supported or ("client_secret_basic",)
        if secret is None:
            form["client_id"] = client_id
        elif "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= {"client_id": client_id, "client_secret": secret}
        else:
            name, password = quote(client_id, safe=""), quote(secret, safe="")
            headers["Authorization"] = aiohttp.encode_basic_auth(name, password)
        return await self._http.post(metadata.token_endpoint, TokenReply, headers, form)

    async def _with_userinfo(
        self, metadata: ProviderMetadata, claims: JsonObject, access_token: str | None
    ) -> JsonObject:
        """The claims, with those from the userinfo endpoint if any is missing: some providers have
        groups only there.
        """
        is_complete = all(claim_value(claims, name) is not None for name in self._config.claims)
        if is_complete or metadata.userinfo_endpoint is None or access_token is None:
            return claims
        headers = {"Authorization": f"Bearer {access_token}"}
        found = await self._http.get(metadata.userinfo_endpoint, dict[str, Any], headers)
        if found.get("sub") != claims["sub"]:
            raise OidcError("providerWrong", "the userinfo is of another subject")
        return found | claims

    async def _keys_url(self) -> str:
        return (await self._metadata.get()).jwks_uri

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            raise OidcError(
                "providerAway", f"{self._config.issuer} took longer than {self._timeout_s:g} s"
            ) from None
