"""`GET /auth/oidc` and `GET /auth/oidc/callback`: login with an OpenID Connect provider."""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from nova.edge.actor import NOBODY
from nova.edge.assets import PAGES
from nova.edge.claim_mapping import external_login, username_of
from nova.edge.client_address import ClientAddresses, rate_limit_key
from nova.edge.edge_config import EdgeLimits
from nova.edge.edge_stores import EdgeStores
from nova.edge.errors import AccessError
from nova.edge.external_users import admit_external
from nova.edge.login_page import failure_page
from nova.edge.oidc_config import OidcConfig
from nova.edge.oidc_error import FAILURES, OidcError, OidcReason, failure_text
from nova.edge.pending_logins import PENDING_LIFETIME_S, PendingLogin
from nova.edge.replies import NO_STORE, error_reply
from nova.edge.request_limits import RequestLimits, address_key
from nova.edge.session_reply import SessionReplies
from nova.sdk.errors import RateLimitError
from nova.sdk.field_types import JsonObject

if TYPE_CHECKING:  # Its libraries are those of an extra.
    from nova.edge.oidc_provider import OidcProvider

START_PATH = "/auth/oidc"
CALLBACK_PATH = "/auth/oidc/callback"
NEXT_MAX_CHARS = 2_000
ERROR_MAX_CHARS = 64
NAME_SHOWN_CHARS = 64
AWAY_ERRORS = ("server_error", "temporarily_unavailable")
BAD_NEXT = "next is not the path of a page of this edge, such as / or /admin"

_PRINTED = re.compile(r"[!-~]+", re.ASCII)

log = logging.getLogger(__name__)


class LoginMethods(msgspec.Struct):
    """What the login page offers besides a password: a link to `path`, named after the provider,
    and the texts of failures by their reason.
    """

    name: str
    path: str
    errors: dict[str, str]


class OidcLogin:
    def __init__(
        self,
        config: OidcConfig,
        provider: OidcProvider,
        stores: EdgeStores,
        replies: SessionReplies,
        addresses: ClientAddresses,
        limits: RequestLimits,
    ) -> None:
        self._config = config
        self._provider = provider
        self._stores = stores
        self._replies = replies
        self._addresses = addresses
        self._limits = limits

    def add_routes(self, app: web.Application) -> None:
        """Add the routes, and close the provider's client with the application."""
        app.router.add_get(START_PATH, self._start, allow_head=False)
        app.router.add_get(CALLBACK_PATH, self._callback, allow_head=False)
        app.on_cleanup.append(self._close)

    def methods(self) -> LoginMethods:
        """What the login page needs."""
        name = self._config.name
        errors = {str(reason): failure_text(reason, name) for reason in FAILURES}
        return LoginMethods(name, START_PATH, errors)

    async def _start(self, request: web.Request) -> web.Response:
        """Send the browser to the provider."""
        next_path = request.query.get("next", "/")
        if not is_own_page(next_path):
            return error_reply(400, "badRequest", BAD_NEXT)
        address = rate_limit_key(self._addresses.client_of(request))
        try:
            self._limits.spend_of(address_key(address), "oidc")
            scheme = "https" if self._addresses.is_secure(request) else "http"
            redirect_uri = f"{scheme}://{request.host}{CALLBACK_PATH}"
            await self._stores.turn.wait()
            started = self._stores.pending.start(address, redirect_uri, next_path)
            url = await self._provider.authorization_url(started.state, started.pending)
        except RateLimitError as error:
            return self._too_many(error)
        except OidcError as error:
            log.error("a login cannot start: %s", error)
            return failure_page(error.reason, self._config.name, urlsplit(next_path).path)
        reply = _redirect(url)
        reply.set_cookie(
            self._replies.cookies.oidc,
            started.browser,
            max_age=int(PENDING_LIFETIME_S),
            path=START_PATH,
            httponly=True,
            samesite="Lax",  # The provider's page leads to the callback.
            secure=self._addresses.is_secure(request),
        )
        return reply

    async def _callback(self, request: web.Request) -> web.Response:
        """Log in whom the provider has sent back."""
        claims: JsonObject = {}
        page = "/"
        try:
            address = rate_limit_key(self._addresses.client_of(request))
            self._limits.spend_of(address_key(address), "oidc")
            await self._stores.turn.wait()
            pending = self._pending_of(request)
            page = urlsplit(pending.next).path
            claims = await self._claims(request, pending)
            reply = self._session(request, claims, pending.next)
        except RateLimitError as error:
            return self._too_many(error)
        except OidcError as error:
            self._record_failure(request, error, username_of(self._config, claims))
            reply = failure_page(error.reason, self._config.name, page)
        reply.del_cookie(self._replies.cookies.oidc, path=START_PATH)
        return reply

    def _pending_of(self, request: web.Request) -> PendingLogin:
        if len(set(request.query)) != len(request.query):
            raise OidcError("unknownLogin", "a parameter of the answer is repeated")
        browser = request.cookies.get(self._replies.cookies.oidc, "")
        return self._stores.pending.take(request.query.get("state", ""), browser)

    async def _claims(self, request: web.Request, pending: PendingLogin) -> JsonObject:
        error = request.query.get("error")
        if error is not None:
            is_away = error in AWAY_ERRORS
            reason: OidcReason = "providerAway" if is_away else "providerRefused"
            raise OidcError(reason, f"the provider answers {error[:ERROR_MAX_CHARS]!r}")
        code = request.query.get("code")
        if not code:
            raise OidcError("providerWrong", "the answer of the provider has no code")
        return await self._provider.claims(code, request.query.get("iss"), pending)

    def _session(self, request: web.Request, claims: JsonObject, next_path: str) -> web.Response:
        """Start a session of the user whom verified claims are about."""
        users, sessions = self._stores.users, self._stores.sessions
        user = admit_external(users, external_login(self._config, claims))
        client = self._addresses.client_of(request)
        try:
            _, token = sessions.start(user, client, request.headers.get("User-Agent", ""))
        except AccessError as error:
            raise OidcError("unknownLogin", str(error)) from None
        log.info("login", extra={"context": {"user": user.username, "ip": client}})
        reply = _redirect(next_path)
        self._replies.set_refresh_cookie(request, reply, token)
        return reply

    def _record_failure(self, request: web.Request, error: OidcError, username: str) -> None:
        """Record a failed login, as one with a password; the name only if there is such a user."""
        client = self._addresses.client_of(request)
        details: JsonObject = {"outcome": "failure", "address": client, "reason": error.reason}
        if self._stores.users.get(username) is not None:
            details["user"] = username
        self._stores.audit.append("UserLogin", NOBODY, details, is_failed_login=True)
        context = {"user": username[:NAME_SHOWN_CHARS], "ip": client, "reason": error.reason}
        log.warning("login failed: %s", error, extra={"context": context})

    def _too_many(self, error: RateLimitError) -> web.Response:
        retry_after_s = math.ceil(error.retry_after_s or 1)
        return failure_page("tooManyLogins", self._config.name, "/", retry_after_s)

    async def _close(self, _: web.Application) -> None:
        await self._provider.close()


def open_oidc_login(
    config: OidcConfig | None,
    limits: EdgeLimits,
    stores: EdgeStores,
    replies: SessionReplies,
    addresses: ClientAddresses,
    request_limits: RequestLimits,
) -> OidcLogin | None:
    """The login of a configuration; None without one."""
    if config is None:
        return None
    from nova.edge.oidc_provider import OidcProvider

    provider = OidcProvider(config, limits.provider_timeout_s)
    return OidcLogin(config, provider, stores, replies, addresses, request_limits)


def is_own_page(path: str) -> bool:
    """Whether it is the path of one of this edge's pages, perhaps with a query or a fragment."""
    if len(path) > NEXT_MAX_CHARS or not _PRINTED.fullmatch(path):
        return False
    try:
        parts = urlsplit(path)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and parts.path in PAGES.values()


def _redirect(url: str) -> web.Response:
    return web.Response(status=303, headers={**NO_STORE, "Location": url})
