"""Origins of web pages of other sites that may read over HTTP: the setting `cors_origins`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from nova.sdk.errors import SettingsError

_ORIGIN = re.compile(
    r"https?://([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII
)


def web_origins(texts: Iterable[str]) -> tuple[str, ...]:
    """Origins as browsers send them; raises SettingsError."""
    origins = tuple(text.strip().lower() for text in texts)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"cors_origins: {origin[:64]!r} is not an origin such as "
                "https://dashboards.example.org or http://localhost:3000, without a path"
            )
    return origins
