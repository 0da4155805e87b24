"""Answers that take more than one reply: the scopes that there are, and one event by its id."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from nova.edge.read_api.reader_pages import ReaderPages
from nova.edge.read_api.reply_page import ReplyPage
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.error_codes import error_of
from nova.sdk.protocol.message import Message, Timebase
from nova.sdk.protocol.messages import (
    QUERY_LIMIT_MAX,
    SERIES_LIMIT_MAX,
    Discover,
    DiscoverResponse,
    Query,
)
from nova.sdk.reading.reply_table import ReplyTable, item_table, table_of

_EVENT_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Scopes(Message, kw_only=True, tag="scopes"):
    """The scopes of the entities that are known at a time."""

    time: str | None = None
    timebase: Timebase | None = None


class ScopeInfo(msgspec.Struct, kw_only=True, rename="camel"):
    """A scope, how many entities it has, and the times of its first and last event up to then."""

    scope_id: str
    entities: int
    first_time: str | None
    last_time: str | None


class ScopesResponse(Message, kw_only=True, tag="scopesResponse"):
    """Scopes by their ids."""

    time: str
    scopes: list[ScopeInfo]


class EventAt(Message, kw_only=True, tag="eventAt"):
    """One event: its `sourceTruthTime`, beside its id. An id alone is in no index."""

    time: str


GATHERED: Mapping[type[Message], ReplyTable] = {
    Scopes: item_table("scopes", "scopeId entities:count firstTime:time lastTime:time"),
    EventAt: table_of(Query()),
}
"""The tables of these answers."""


async def scopes_page(pages: ReaderPages, request: Scopes) -> ReplyPage:
    """All scopes, from the pages of a discover."""
    discover = Discover(
        time=request.time, timebase=request.timebase, manifests=False, limit=SERIES_LIMIT_MAX
    )
    found: dict[str, ScopeInfo] = {}
    while True:
        page = await pages.ask_again(discover)
        reply = msgspec.json.decode(page.frame, type=DiscoverResponse)
        for entity in reply.entities:
            scope = found.setdefault(
                entity.scope_id,
                ScopeInfo(scope_id=entity.scope_id, entities=0, first_time=None, last_time=None),
            )
            scope.entities += 1
            firsts = [one.first_time for one in entity.series]
            lasts = [one.last_time for one in entity.series]
            scope.first_time = min(filter(None, (*firsts, scope.first_time)), default=None)
            scope.last_time = max(filter(None, (*lasts, scope.last_time)), default=None)
        if reply.next_key is None:
            break
        discover.after_key, discover.time = reply.next_key, reply.time
    whole = ScopesResponse(time=reply.time, scopes=[found[name] for name in sorted(found)])
    return ReplyPage(request, msgspec.json.encode(whole), "scopes")


async def event_page(pages: ReaderPages, request: EventAt, event_id: str) -> ReplyPage:
    """The event with an id; raises ProtocolError if there is none that the principal may see."""
    if not _EVENT_ID.fullmatch(event_id):
        raise ProtocolError("badRequest", "an eventId has 64 digits and letters a to f")
    query = Query(
        start_time=request.time, stop_time=request.time, timebase="source", limit=QUERY_LIMIT_MAX
    )
    head = f'{{"eventId":"{event_id}"'.encode()
    while True:
        page = await pages.ask_again(query)
        for event in page.items or ():
            if bytes(event).startswith(head):
                found = ReplyPage(query, b'{"events":[' + event + b"]}")
                found.json = bytes(event)
                return found
        if page.next_key is None:
            raise error_of("notFound", f"there is no event {event_id} at {request.time}")
        query.after_key = page.next_key
