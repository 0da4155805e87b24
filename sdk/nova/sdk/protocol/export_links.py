"""The reply of an edge to `POST /exports/{id}/links`."""

from __future__ import annotations

import msgspec


class ExportLink(msgspec.Struct, kw_only=True, rename="camel"):
    """A file of an export. Whoever has its `url` reads it until the link expires."""

    path: str
    bytes: int
    url: str


class ExportLinks(msgspec.Struct, kw_only=True, rename="camel"):
    expires_at: str
    links: list[ExportLink]
