"""Every code that a server answers has one exception, over the WebSocket and over HTTP (B4-13)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nova.sdk.errors import (
    AuthenticationError,
    AuthorizationError,
    NotFoundError,
    NovaError,
    ProtocolError,
    RateLimitError,
    ServiceError,
    ValidationError,
)
from nova.sdk.protocol.error_codes import ERROR_CLASSES, error_of, error_of_reply, error_of_status
from nova.sdk.protocol.messages import Error

ROOT = Path(__file__).parents[3]
SECTIONS = ("### `error`", "### `exportFailed`")
RAISED = re.compile(
    r"(?:RequestError|ProtocolError|ExportError|error_reply)\(\s*(?:\d+,\s*)?\"([a-zA-Z]+)\""
)


def documented_codes() -> set[str]:
    """The codes that docs/protocol.md lists: after "Codes:", and those in which exports end."""
    text = (ROOT / "docs" / "protocol.md").read_text()
    found: set[str] = set()
    for title in SECTIONS:
        section = text.split(title, 1)[1].split("\n###", 1)[0]
        listed = re.split(r"Codes: |`code` \(", section, maxsplit=1)[1]
        found |= set(re.findall(r"`([a-z][A-Za-z]+)`", listed))
    return found - {"commandId", "systemId", "containerId", "message"}


def raised_codes() -> set[str]:
    """The codes in the source of Core, edge and client."""
    files = [
        one for part in ("core", "edge", "sdk/nova/sdk") for one in (ROOT / part).rglob("*.py")
    ]
    return {code for file in files for code in RAISED.findall(file.read_text())}


def test_every_code_has_a_class() -> None:
    assert len(documented_codes()) > 35
    assert documented_codes() - set(ERROR_CLASSES) == set()
    assert raised_codes() - set(ERROR_CLASSES) == set()


def test_who_catches_protocol_errors_catches_all() -> None:
    for code in ERROR_CLASSES:
        error = error_of(code, "why")
        assert isinstance(error, ProtocolError) and isinstance(error, NovaError)
        assert (error.code, error.message, str(error)) == (code, "why", f"{code}: why")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("badTime", ValidationError),
        ("unauthorized", AuthenticationError),
        ("forbidden", AuthorizationError),
        ("unknownTarget", NotFoundError),
        ("rateLimited", RateLimitError),
        ("coreUnavailable", ServiceError),
        ("ofTomorrow", ProtocolError),
    ],
)
def test_a_code_decides(code: str, kind: type[ProtocolError]) -> None:
    reply = Error(code=code, message="why", request_id="a-1.7", retry_after_ms=1_500)
    error = error_of_reply(reply)
    assert type(error) is kind
    assert (error.request_id, error.retry_after_s) == ("a-1.7", 1.5)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ValidationError),
        (401, AuthenticationError),
        (403, AuthorizationError),
        (404, NotFoundError),
        (429, RateLimitError),
        (500, ServiceError),
        (503, ServiceError),
    ],
)
def test_a_status_decides_where_the_code_is_unknown(status: int, kind: type[ProtocolError]) -> None:
    """A proxy in front of the edge answers in its own words."""
    assert type(error_of_status(status, "refused", "why")) is kind
    assert type(error_of_status(status, "forbidden", "why")) is AuthorizationError
