"""The id of the request that is being served. Edge, reader and writer log it, and errors return it.

It is the name of the edge's connection to the reader and the number of the frame on it. Both ends
count the frames that carry requests, so the frames themselves are forwarded unchanged.
"""

from __future__ import annotations

from contextvars import ContextVar

REQUEST_ID_KEY = "requestId"
"""The member of log lines and errors that carries it."""

HTTP_HEADER = "Nova-Request-Id"
"""The header of HTTP errors that carries it."""

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id within a task that serves a request, and the tasks that it starts; else empty."""


def forwarded_id(connection: str, number: int) -> str:
    """The id of the `number`th request on a connection to a reader."""
    return f"{connection}.{number}"


def own_id(connection: str, number: int) -> str:
    """The id of the `number`th request that an edge answers itself."""
    return f"{connection}.e{number}"
