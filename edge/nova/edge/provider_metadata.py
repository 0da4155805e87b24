"""What a provider says of itself: its endpoints, and which of them NOVA uses."""

from __future__ import annotations

import msgspec

from nova.edge.oidc_error import OidcError
from nova.edge.provider_http import ProviderHttp
from nova.sdk.oidc_settings import is_safe_url

DISCOVERY_PATH = "/.well-known/openid-configuration"
CHALLENGE_METHOD = "S256"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


class ProviderMetadata(msgspec.Struct, frozen=True):
    """The members of the discovery document that NOVA uses."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] | None = None
    id_token_signing_alg_values_supported: tuple[str, ...] | None = None
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


async def discover_provider(http: ProviderHttp, issuer: str) -> ProviderMetadata:
    """Fetch and check the metadata of an issuer; raises OidcError."""
    metadata = await http.get(issuer.rstrip("/") + DISCOVERY_PATH, ProviderMetadata)
    if metadata.issuer != issuer:
        raise OidcError(
            "providerWrong", f"the provider of {issuer} says that it is {metadata.issuer[:256]!r}"
        )
    for name in ENDPOINTS:
        url = getattr(metadata, name)
        if url is not None and not is_safe_url(url, loopback=issuer.startswith("http:")):
            raise OidcError("providerWrong", f"{name} {url[:256]!r} is no https URL")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and CHALLENGE_METHOD not in methods:
        raise OidcError("providerWrong", f"{issuer} does not support PKCE with {CHALLENGE_METHOD}")
    return metadata
