"""One reply of the reader, with the parts that an answer is made of left as they are."""

from __future__ import annotations

import msgspec

from nova.sdk.protocol.message import Message
from nova.sdk.reading.read_requests import ITEMS


class _Lists(msgspec.Struct, rename="camel"):
    entities: list[msgspec.Raw] = []
    events: list[msgspec.Raw] = []
    fields: list[msgspec.Raw] = []
    findings: list[msgspec.Raw] = []
    states: list[msgspec.Raw] = []
    alarms: list[msgspec.Raw] = []
    transitions: list[msgspec.Raw] = []
    recordings: list[msgspec.Raw] = []
    links: list[msgspec.Raw] = []
    scopes: list[msgspec.Raw] = []
    next_key: str | None = None


class _Key(msgspec.Struct, rename="camel"):
    next_key: str | None = None


_lists = msgspec.json.Decoder(_Lists)
_key = msgspec.json.Decoder(_Key)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ReplyPage:
    """A reply to `request`: its `frame`, and the key of the next page. `items` is what it lists,
    None if it is one thing; `json` is what is answered as JSON.
    """

    def __init__(self, request: Message, frame: bytes, member: str | None = None) -> None:
        """`member` is the list of a reply that is made of others."""
        self.request = request
        self.frame = self.json = frame
        self.member = member or ITEMS.get(type(request))
        self.items: list[msgspec.Raw] | None = None
        if self.member is None:
            self.next_key = _key.decode(frame).next_key
            return
        lists = _lists.decode(frame)
        self.items = getattr(lists, self.member)
        self.next_key = lists.next_key

    def head(self) -> dict[str, msgspec.Raw]:
        """The members of the reply but its list and its key, in their order."""
        left_out = ("nextKey", self.member)
        return {
            name: value
            for name, value in _members.decode(self.frame).items()
            if name not in left_out
        }
