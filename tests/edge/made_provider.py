"""An OpenID Connect provider that lies on request, on a real socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from joserfc import jws
from joserfc.jwk import RSAKey
from yarl import URL

from nova.edge.oidc_config import OidcConfig

CLIENT_ID = "nova"
CLIENT_SECRET = "a secret of the client"
ROLES = {"nova-admins": "admin", "nova-operators": "operator", "nova-viewers": "viewer"}


def config_of(issuer: str, **changes: Any) -> OidcConfig:
    """A configuration with a role claim and a scope claim."""
    given: dict[str, Any] = {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "name": "Test & Co",
        "requested_scopes": ("openid", "profile"),
        "username_claim": "preferred_username",
        "role_claim": "groups",
        "roles": ROLES,
        "default_role": None,
        "scope_claim": None,
        "scopes": {},
    }
    return OidcConfig(**given | changes)


@cache
def made_key(kid: str) -> RSAKey:
    """A key, always the same for an id: to make one takes time."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


class MadeProvider:
    """What it says can be changed by the members."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key = made_key("first")
        self.published: list[dict[str, Any]] = [self.key.as_dict(private=False)]
        self.user: dict[str, Any] = {
            "sub": "subject-of-ann",
            "preferred_username": "ann",
            "groups": ["nova-operators"],
        }
        self.claims: dict[str, Any] = {}
        """Claims to replace; None removes one."""

        self.userinfo: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "first"}
        self.forge: Callable[[dict[str, Any]], str] | None = None
        """Makes the ID token of its claims, instead of signing them."""

        self.waits_s = 0.0
        self.requests: list[str] = []
        self._codes: dict[str, Mapping[str, str]] = {}

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._discovery)
        app.router.add_get("/jwks", self._jwks)
        app.router.add_post("/token", self._token)
        app.router.add_get("/userinfo", self._userinfo)
        app.router.add_get("/elsewhere", self._elsewhere)
        return app

    def authorize(self, url: str) -> str:
        """Log the user in, as the page at an authorization URL would; the URL to return to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self._codes)}"
        self._codes[code] = query
        back = URL(query["redirect_uri"]).update_query(code=code, state=query["state"])
        return str(back)

    def sign(self, claims: dict[str, Any], key: RSAKey | None = None) -> str:
        """A token with these claims."""
        algorithms = [self.header["alg"]]
        return jws.serialize_compact(self.header, json.dumps(claims), key or self.key, algorithms)

    def content(self, nonce: str) -> dict[str, Any]:
        """The claims of an ID token."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.user,
            **self.claims,
        }
        return {name: value for name, value in claims.items() if value is not None}

    async def _discovery(self, _: web.Request) -> web.Response:
        await self._wait("discovery")
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                **self.metadata,
            }
        )

    async def _jwks(self, _: web.Request) -> web.Response:
        await self._wait("jwks")
        return web.json_response({"keys": self.published})

    async def _token(self, request: web.Request) -> web.Response:
        await self._wait("token")
        form = await request.post()
        query = self._codes.pop(str(form["code"]), None)
        if query is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        login = base64.b64decode(request.headers["Authorization"].removeprefix("Basic "))
        assert login.decode() == f"{CLIENT_ID}:{CLIENT_SECRET.replace(' ', '%20')}"
        assert form["redirect_uri"] == query["redirect_uri"]
        challenge = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        assert _base64(challenge) == query["code_challenge"]
        claims = self.content(query["nonce"])
        token = (self.forge or self.sign)(claims)
        return web.json_response(
            {"access_token": "access", "token_type": "Bearer", "id_token": token}
        )

    async def _userinfo(self, request: web.Request) -> web.Response:
        await self._wait("userinfo")
        assert request.headers["Authorization"] == "Bearer access"
        return web.json_response(self.userinfo)

    async def _elsewhere(self, _: web.Request) -> web.Response:
        raise web.HTTPFound(f"{self.issuer}/jwks")

    async def _wait(self, what: str) -> None:
        self.requests.append(what)
        await asyncio.sleep(self.waits_s)


def compact(header: dict[str, Any], claims: Mapping[str, Any], key: bytes | None = None) -> str:
    """A compact token of any header; without a key its signature is empty, with one it is HMAC."""
    parts = [_base64(json.dumps(part).encode()) for part in (header, claims)]
    signed = ".".join(parts)
    digest = b"" if key is None else hmac.digest(key, signed.encode(), "sha256")
    return f"{signed}.{_base64(digest)}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@asynccontextmanager
async def made_provider() -> AsyncIterator[MadeProvider]:
    """A provider that listens while the block runs."""
    provider = MadeProvider()
    runner = web.AppRunner(provider.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.issuer = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
