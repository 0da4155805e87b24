"""The HTTP status of each error code, with which the protocol's own message is sent."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from aiohttp import web

from nova.edge.replies import error_reply
from nova.sdk import request_id
from nova.sdk.errors import (
    AuthenticationError,
    AuthorizationError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    ValidationError,
)
from nova.sdk.protocol.error_codes import ERROR_CLASSES

_OF_CODES: Mapping[str, int] = {
    "archive": 500,
    "givenBack": 410,
    "internal": 500,
    "notAcceptable": 406,
    "requestTooLarge": 413,
}
_OF_CLASSES: tuple[tuple[type[ProtocolError], int], ...] = (
    (ValidationError, 400),
    (AuthenticationError, 401),
    (AuthorizationError, 403),
    (NotFoundError, 404),
    (RateLimitError, 429),
)
UNAVAILABLE = 503
RETRY_S = 1


def status_of(code: str) -> int:
    """The status of a code; 503 of what the server cannot do now."""
    kind = ERROR_CLASSES.get(code, ProtocolError)
    found = (status for one, status in _OF_CLASSES if issubclass(kind, one))
    return _OF_CODES.get(code) or next(found, UNAVAILABLE)


def refusal(error: ProtocolError) -> web.Response:
    """The reply to a request that was refused: the same code and text as over the WebSocket."""
    status = status_of(error.code)
    headers = {}
    if error.request_id:
        headers[request_id.HTTP_HEADER] = error.request_id
    if status in (429, UNAVAILABLE):
        headers["Retry-After"] = str(ceil(error.retry_after_s or RETRY_S))
    return error_reply(status, error.code, error.message, headers)
