"""HTTP replies: JSON bodies, one error format, and the security headers."""

from __future__ import annotations

import logging
import math
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from nova.edge.storage_fault import RETRY_AFTER_S, storage_fault
from nova.sdk import log_context, request_id
from nova.sdk.errors import RateLimitError

log = logging.getLogger(__name__)


# `connect-src 'self'` covers the page's WebSocket. Inline and foreign content is not allowed.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NO_STORE = {"Cache-Control": "no-store"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ErrorBody(msgspec.Struct):
    """The body of every HTTP error."""

    code: str
    message: str


def json_reply(
    status: int, body: msgspec.Struct, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON reply that must not be cached."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers={**NO_STORE, **(headers or {})},
    )


def error_reply(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A reply in the edge's error format, with the id of the request in its log lines. The id is a
    header, so that refusals that must not differ have the same body.
    """
    identified = {request_id.HTTP_HEADER: request_id.current.get(), **(headers or {})}
    return json_reply(status, ErrorBody(code, message), identified)


def rate_limit_reply(error: RateLimitError) -> web.Response:
    """429 with the whole seconds after which to repeat the request."""
    headers = {"Retry-After": str(math.ceil(error.retry_after_s or 1))}
    return error_reply(429, error.code, error.message, headers)


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into JSON; an internal error's details go to the log, not to the client."""
    request_id.current.set(f"http-{uuid.uuid4().hex}")
    with log_context.bound():
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
            return error_reply(error.status, _code_from_reason(error.reason), error.reason, allowed)
        except sqlite3.Error as error:
            fault = storage_fault(error)
            return error_reply(503, fault.code, fault.message, {"Retry-After": str(RETRY_AFTER_S)})
        except Exception:
            log.exception("a request failed", extra={"context": {"path": request.path}})
            return error_reply(500, "internalError", "the edge failed to answer; see its log")


def _code_from_reason(reason: str) -> str:
    """Turn `Not Found` into `notFound`."""
    words = reason.split() or ["error"]
    return words[0].lower() + "".join(word.capitalize() for word in words[1:])


async def add_security_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
