"""Verifies ID tokens: the signature of the provider, and that it is for this login at this NOVA."""

from __future__ import annotations

import logging
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry, extract_compact

from nova.edge.oidc_error import OidcError
from nova.edge.signing_keys import SigningKeys
from nova.sdk.field_types import JsonObject
from nova.sdk.utf8 import is_utf8

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
)
"""Signatures with a private key. Never `none`, nor HMAC, whose key would have to be the client's
secret, or could be taken to be a public key.
"""

CLOCK_SKEW_S = 60
TOKEN_MAX_CHARS = 64 * 1024
SUBJECT_MAX_CHARS = 255

log = logging.getLogger(__name__)


class IdTokenVerifier:
    def __init__(self, issuer: str, client_id: str, keys: SigningKeys) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._keys = keys

    async def verify(
        self,
        token: str,
        *,
        nonce: str,
        access_token: str | None,
        offered: tuple[str, ...] | None = None,
    ) -> JsonObject:
        """The claims of a token; raises OidcError. `offered` are the algorithms that the provider
        says it signs with.
        """
        algorithms = ALGORITHMS if offered is None else ALGORITHMS & set(offered)
        header = _header(token)
        if header.get("alg") not in algorithms:
            raise _refused(f"its algorithm is {str(header.get('alg'))[:64]!r}")
        verified = _signed(token, header, await self._keys.get())
        if verified is None:
            newer = await self._keys.newer()
            verified = None if newer is None else _signed(token, header, newer)
        if verified is None:
            raise _refused("it is signed by no key of the provider")
        self._check_claims(verified, nonce, access_token)
        return verified.claims

    def _check_claims(self, token: jwt.Token, nonce: str, access_token: str | None) -> None:
        claims = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
            },
            {"client_id": self._client_id, "nonce": nonce, "access_token": access_token},
        )
        try:
            claims.validate(leeway=CLOCK_SKEW_S)
        except (JoseError, ValueError, TypeError, AttributeError) as error:
            raise _refused(str(error)) from None
        subject = token.claims["sub"]
        if not 1 <= len(subject) <= SUBJECT_MAX_CHARS or not is_utf8(subject):
            raise _refused(f"its sub has not 1 to {SUBJECT_MAX_CHARS} characters")


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_MAX_CHARS:
        raise _refused(f"it has more than {TOKEN_MAX_CHARS} characters")
    try:
        return extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError, TypeError, RecursionError):
        raise _refused("it is malformed") from None


def _signed(token: str, header: dict[str, Any], keys: list[Key]) -> jwt.Token | None:
    """The token if one of the keys has signed it: the one that it names, if it names one."""
    algorithm, kid = header["alg"], header.get("kid")
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    for key in keys:
        if (kid is not None and key.kid != kid) or key.get("alg") not in (None, algorithm):
            continue
        try:
            return jwt.decode(token, key, [algorithm], registry)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            log.debug("a key does not verify the ID token: %s", type(error).__name__)
    return None


def _refused(why: str) -> OidcError:
    return OidcError("providerWrong", f"the ID token is refused: {why}")
