"""Displays that an edge keeps: each with all its versions, of its owner, shared by role."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.display import Display
from nova.sdk.field_types import Id, Role
from nova.sdk.protocol.message import Message

DisplayId = Annotated[str, Meta(min_length=1, max_length=128)]
DisplayVersion = Annotated[int, Meta(ge=1)]
EditorRole = Literal["operator", "admin"]
DisplayOrigin = Literal["stored", "folder"]


class ListDisplays(Message, kw_only=True, tag="listDisplays"):
    """The displays that the client may see."""


class ReadDisplay(Message, kw_only=True, tag="readDisplay"):
    """A display, by default its newest version. Former ones are for those who may change it."""

    display_id: DisplayId
    version: DisplayVersion | None = None


class ListDisplayVersions(Message, kw_only=True, tag="listDisplayVersions"):
    """The versions of a display, for those who may change it."""

    display_id: DisplayId


class SaveDisplay(Message, kw_only=True, tag="saveDisplay"):
    """Add a version to a display, or add a display of one's own if `display_id` is absent.

    `based_on` is the version that was changed; if another one was saved since, nothing is.
    """

    display: Display
    display_id: DisplayId | None = None
    based_on: DisplayVersion | None = None


class ShareDisplay(Message, kw_only=True, tag="shareDisplay"):
    """Who else sees a display, and who else may change it: all with at least this role, absent for
    nobody.
    """

    display_id: DisplayId
    shared_with: Role | None = None
    editable_by: EditorRole | None = None


class SetDefaultDisplay(Message, kw_only=True, tag="setDefaultDisplay"):
    """The display on which the screens of a scope open whose users have chosen nothing; of every
    scope that has none of its own, if `scope_id` is absent. Absent `display_id`: none.
    """

    scope_id: Id | None = None
    display_id: DisplayId | None = None


class DeleteDisplay(Message, kw_only=True, tag="deleteDisplay"):
    """Delete a display with all its versions, unless one was saved since `based_on`."""

    display_id: DisplayId
    based_on: DisplayVersion


class DisplayInfo(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A display without its pages.

    `saved` is when its newest version was, by `saved_by`; both are empty for a file of the
    instance's folder. `default_of` are the scopes whose default it is, an empty text for those that
    have none of their own. `named` are the scopes that its panels name.
    """

    display_id: str
    name: str
    origin: DisplayOrigin
    version: int
    owner: str
    own: bool
    may_change: bool
    may_share: bool
    shared_with: Role | None = None
    editable_by: EditorRole | None = None
    default_of: list[str] = msgspec.field(default_factory=list)
    saved: str = ""
    saved_by: str = ""
    named: list[str] = msgspec.field(default_factory=list)


class DisplayVersionInfo(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A version of a display."""

    version: int
    name: str
    saved: str
    saved_by: str
    bytes: int


class DisplaysResponse(Message, kw_only=True, tag="displaysResponse"):
    """The displays by name. `default_id` is the one on which this client's screen opens if its user
    has chosen nothing; `displays_left_out` counts those for which a reply has no room.
    """

    displays: list[DisplayInfo]
    default_id: str | None = None
    may_set_default: bool = False
    displays_left_out: int = 0


class DisplayResponse(Message, kw_only=True, tag="displayResponse"):
    """A version of a display; `version` is the one that was read."""

    info: DisplayInfo
    display: Display
    version: int


class DisplayVersionsResponse(Message, kw_only=True, tag="displayVersionsResponse"):
    """The versions, newest first; `versions_left_out` counts older ones."""

    display_id: str
    versions: list[DisplayVersionInfo]
    versions_left_out: int = 0


class DisplayChanged(Message, kw_only=True, tag="displayChanged"):
    """The display after the change; absent: deleted, or no default."""

    info: DisplayInfo | None = None


DisplayRequest = (
    ListDisplays
    | ReadDisplay
    | ListDisplayVersions
    | SaveDisplay
    | ShareDisplay
    | SetDefaultDisplay
    | DeleteDisplay
)
DisplayReply = DisplaysResponse | DisplayResponse | DisplayVersionsResponse | DisplayChanged
