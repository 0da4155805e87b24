"""A page of `discover`: encoded entities, the key behind them, and the reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from nova.core.errors import RequestError
from nova.core.store.series_table import EntityIds
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import (
    DescriptorInfo,
    DiscoverResponse,
    EntityInfo,
    Ref,
    SeriesInfo,
)

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


def entity_info(
    ids: EntityIds, series: list[SeriesInfo], descriptor: DescriptorInfo | None, *, is_brief: bool
) -> EntityInfo:
    """An entity of a listing; of a brief one only the last times of its series."""
    scope, system, container, unique = ids
    return EntityInfo(
        scope_id=scope,
        system_id=system,
        container_id=container,
        unique_id=unique,
        series=[replace(one, first_time="") for one in series] if is_brief else series,
        descriptor=None if is_brief else descriptor,
    )
