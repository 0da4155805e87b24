"""The exception of each error code, for clients: of replies and of HTTP errors alike."""

from __future__ import annotations

from collections.abc import Mapping

from nova.sdk.errors import (
    AuthenticationError,
    AuthorizationError,
    NotFoundError,
    ProtocolError,
    RateLimitError,
    ServiceError,
    ValidationError,
)
from nova.sdk.protocol.messages import Error

_CODES: Mapping[type[ProtocolError], tuple[str, ...]] = {
    ValidationError: (
        "ambiguousTarget",
        "badArguments",
        "badDisplay",
        "badKey",
        "badRange",
        "badRate",
        "badRequest",
        "badStream",
        "badTime",
        "conflict",
        "exportTooLarge",
        "lanesNotStreamed",
        "lastAdmin",
        "nameTaken",
        "notAcceptable",
        "noDescriptor",
        "notSampled",
        "passwordRefused",
        "playbackRequestIdReused",
        "portTaken",
        "rangeNotSatisfiable",
        "requestTooLarge",
        "servedElsewhere",
        "tooManyDisplays",
        "tooManyTcpStreams",
        "unknownCommand",
    ),
    AuthenticationError: ("passwordChangeRequired", "unauthorized"),
    AuthorizationError: ("forbidden", "replayRefused"),
    NotFoundError: (
        "exportDamaged",
        "givenBack",
        "notFound",
        "unknownDriver",
        "unknownHost",
        "unknownScope",
        "unknownTarget",
    ),
    RateLimitError: ("rateLimited", "tooManyExports", "tooManyRequests", "tooManyStreams"),
    ServiceError: (
        "archive",
        "badReply",
        "busy",
        "coreUnavailable",
        "disk",
        "diskFull",
        "driver",
        "exportCancelled",
        "exportFailed",
        "internal",
        "internalError",
        "login",
        "noLink",
        "shuttingDown",
        "storageUnavailable",
        "stream",
        "tooLate",
        "tooManyConnections",
        "writerAway",
    ),
}

ERROR_CLASSES: Mapping[str, type[ProtocolError]] = {
    code: kind for kind, codes in _CODES.items() for code in codes
}
"""The exception of every code that a server answers."""

_HTTP_CLASSES: Mapping[int, type[ProtocolError]] = {
    401: AuthenticationError,
    403: AuthorizationError,
    404: NotFoundError,
    410: NotFoundError,
    429: RateLimitError,
}


def error_of(
    code: str,
    message: str,
    *,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> ProtocolError:
    """The exception of a code; a plain ProtocolError for the code of a newer server."""
    kind = ERROR_CLASSES.get(code, ProtocolError)
    return kind(code, message, request_id=request_id, retry_after_s=retry_after_s)


def error_of_reply(reply: Error) -> ProtocolError:
    """The exception of an error frame."""
    retry_after_s = None if reply.retry_after_ms is None else reply.retry_after_ms / 1_000
    return error_of(
        reply.code, reply.message, request_id=reply.request_id, retry_after_s=retry_after_s
    )


def error_of_status(
    status: int,
    code: str,
    message: str,
    *,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> ProtocolError:
    """The exception of an HTTP error: by its code, else by its status."""
    kind = ERROR_CLASSES.get(code) or _class_of_status(status)
    return kind(code, message, request_id=request_id, retry_after_s=retry_after_s)


def _class_of_status(status: int) -> type[ProtocolError]:
    if status >= 500:
        return ServiceError
    return _HTTP_CLASSES.get(status, ValidationError if status >= 400 else ProtocolError)
