"""How an answer is written: a format begins with the first page, and ends or breaks in its text."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec

from nova.edge.read_api.reply_page import ReplyPage


class Broken(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Why an answer ends before its end. `after_key` continues it behind what was sent."""

    code: str
    message: str
    request_id: str | None = None
    after_key: str | None = None


class Encoder(ABC):
    """One answer in one format."""

    media_type: str

    @abstractmethod
    def first(self, page: ReplyPage) -> bytes:
        """The beginning of the answer, with the first page."""

    @abstractmethod
    def further(self, page: ReplyPage) -> bytes:
        """One page more."""

    @abstractmethod
    def end(self) -> bytes:
        """The end of a whole answer."""

    @abstractmethod
    def broken(self, error: Broken) -> bytes:
        """The end of an answer that is not whole."""

    def whole(self, page: ReplyPage) -> bytes:
        """An answer of one page, of which there may be more."""
        return self.first(page) + self.end()


class JsonEncoder(Encoder):
    """The reply as the protocol has it. Of several pages it has the members of the first one, and
    one list.
    """

    media_type = "application/json"

    def __init__(self, member: str | None) -> None:
        self._member = member
        self._has_items = False

    def whole(self, page: ReplyPage) -> bytes:
        return page.json

    def first(self, page: ReplyPage) -> bytes:
        head = msgspec.json.encode(page.head())[:-1]
        list_head = f',"{self._member}":['.encode()
        return head + list_head + self.further(page)

    def further(self, page: ReplyPage) -> bytes:
        items = b",".join(page.items or ())
        if not items:
            return b""
        lead, self._has_items = b"," if self._has_items else b"", True
        return lead + items

    def end(self) -> bytes:
        return b"]}"

    def broken(self, error: Broken) -> bytes:
        return b'],"error":' + msgspec.json.encode(error) + b"}"


class LineEncoder(Encoder):
    """Lines of JSON, of which nothing stands before or behind."""

    media_type = "application/x-ndjson"

    def first(self, page: ReplyPage) -> bytes:
        return self.further(page)

    def end(self) -> bytes:
        return b""

    def broken(self, error: Broken) -> bytes:
        return b'{"error":' + msgspec.json.encode(error) + b"}\n"


class ItemLinesEncoder(LineEncoder):
    """A line for each item: a stored envelope as it is, an entity, an alarm. A reply that lists
    nothing is one line.
    """

    def further(self, page: ReplyPage) -> bytes:
        if page.items is None:
            return page.frame + b"\n"
        return b"\n".join((*page.items, b"")) if page.items else b""
