"""Protocol messages of the search for a text in events."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from nova.sdk.protocol.message import Filters, GivenBackInfo, Message, Timebase

TEXT_MAX_CHARS = 256
TEXT_LIMIT_DEFAULT = 100
TEXT_LIMIT_MAX = 1_000


class FindText(Message, kw_only=True, tag="findText"):
    """Events that have a text in their messageType or in a text of their body, upper and lower case
    alike. A reply ends after a number of events examined, so that its time is bounded.
    """

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX_CHARS)]
    reverse: bool = False
    limit: Annotated[int, Meta(ge=1, le=TEXT_LIMIT_MAX)] = TEXT_LIMIT_DEFAULT
    after_key: str | None = None


class FindTextResponse(Message, kw_only=True, tag="findTextResponse"):
    """Stored envelopes in order, perhaps none. With `next_key` the search continues behind the time
    `reached`; without it all of the span is searched.
    """

    timebase: Timebase
    events: list[msgspec.Raw]
    next_key: str | None = None
    reached: str | None = None
    given_back: list[GivenBackInfo] = msgspec.field(default_factory=list)
