"""The addresses that an edge can listen on."""

from __future__ import annotations

import pytest

from nova.edge.edge_config import parse_listen
from nova.sdk.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("0.0.0.0:8800", ("0.0.0.0", 8800)),
        ("[::1]:65535", ("::1", 65535)),
        ("localhost:80", ("localhost", 80)),
        (":8800", ("127.0.0.1", 8800)),
    ],
)
def test_listen_names_host_and_port(text: str, expected: tuple[str, int]) -> None:
    """Port 0 is allowed and means a free one."""
    assert parse_listen(text) == expected


@pytest.mark.parametrize("text", ["", "8800", "host:", "host:-1", "host:65536", "::1:80", "h:٣"])
def test_listen_that_cannot_be_is_refused_by_name(text: str) -> None:
    """The error names the setting and shows what was written."""
    with pytest.raises(SettingsError, match="listen"):
        parse_listen(text)
