"""A page of `discover`: encoded entities, the key behind them, and the reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.store.series_table import EntityIds
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import DiscoverResponse, Ref

ID_SEPARATOR = "|"
"""No id contains it."""


class EntityPage(NamedTuple):
    """Entities, each an EntityInfo as JSON, and the key to continue after (None: last page)."""

    entities: list[bytes]
    next_key: str | None


def encode_page(ref: Ref, time: str, page: EntityPage, manifests: Sequence[bytes]) -> bytes:
    """The encoded DiscoverResponse of a page; its parts are spliced in as they were encoded."""
    reply = DiscoverResponse(ref=ref, time=time, entities=[], next_key=page.next_key)
    before, after = messages.encode(reply).split(b'"entities":[]', 1)
    parts = [before, b'"entities":[', b",".join(page.entities), b"]"]
    if manifests:
        parts += [b',"manifests":[', b",".join(manifests), b"]"]
    return b"".join((*parts, after))


def page_key(ids: EntityIds) -> str:
    """The key of the page that ends with an entity."""
    return ID_SEPARATOR.join(ids)


def parse_page_key(key: str) -> EntityIds:
    """The ids of the last entity of the page before; raises RequestError."""
    parts = key.split(ID_SEPARATOR)
    if len(parts) != 4:
        raise RequestError(
            "badKey", "afterKey is not the nextKey of a discoverResponse: pass it unchanged"
        )
    scope, system, container, unique = parts
    return scope, system, container, unique
