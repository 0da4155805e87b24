"""The exception of an HTTP error of an edge."""

from __future__ import annotations

import aiohttp
import msgspec

from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.error_codes import error_of_status
from nova.sdk.request_id import HTTP_HEADER


class _Refusal(msgspec.Struct):
    code: str = "refused"
    message: str = "the request was refused"


async def refusal_of(response: aiohttp.ClientResponse) -> ProtocolError:
    """The exception of a response that is not a success."""
    try:
        refusal = msgspec.json.decode(await response.read(), type=_Refusal)
    except msgspec.DecodeError:
        refusal = _Refusal(message=f"{response.url.origin()} answered {response.status}")
    return error_of_status(
        response.status,
        refusal.code,
        refusal.message,
        request_id=response.headers.get(HTTP_HEADER),
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
    )


def retry_after_s(text: str | None) -> float | None:
    """The seconds of a Retry-After header; None if there is none, or it is a date."""
    return float(text) if text and text.isascii() and text.isdigit() else None
