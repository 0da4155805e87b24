"""Requests about displays: the list, versions, saving, sharing and defaults."""

from __future__ import annotations

from functools import partial
from itertools import accumulate

import msgspec

from nova.edge.access import Access
from nova.edge.actor import Actor, actor_of
from nova.edge.display_access import (
    is_own,
    manages_all,
    may_change,
    may_see,
    may_see_names,
    may_see_newest,
    may_see_version,
    may_share,
)
from nova.edge.display_folder import FOLDER_MARK, FolderDisplay, FolderDisplays
from nova.edge.display_store import NO_SUCH_DISPLAY, DisplayStore, StoredDisplay, time_text
from nova.sdk.display import check_display
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.displays import (
    DeleteDisplay,
    DisplayChanged,
    DisplayInfo,
    DisplayReply,
    DisplayRequest,
    DisplayResponse,
    DisplaysResponse,
    DisplayVersionsResponse,
    ListDisplays,
    ListDisplayVersions,
    ReadDisplay,
    SaveDisplay,
    SetDefaultDisplay,
    ShareDisplay,
)

READ_ONLY = ListDisplays | ReadDisplay | ListDisplayVersions
"""Requests that change nothing."""

EVERY_SCOPE = ""
"""The scope of the default of those that have none of their own."""

NOT_YOURS = "only its owner and admins with all scopes may {}"
HIDDEN_NEWEST = (
    "the newest version, which {} saved, names scopes or lanes that you may not see: read a former "
    "one, or save one"
)
HIDDEN_NAME = "(a name that you may not see)"
NO_VERSIONS = "former versions of {!r} are for those who may change it"
NOT_SHARED = "share {!r} with viewers first: everybody of the scope opens the default"


class DisplayRequests:
    """Answers requests about displays; one instance serves all connections of an edge."""

    def __init__(self, store: DisplayStore, folder: FolderDisplays) -> None:
        self._store = store
        self._folder = folder

    def reply(
        self, access: Access, request: DisplayRequest, by: Actor | None = None
    ) -> DisplayReply:
        """Carry out a request and return its reply; raises ProtocolError. `by` is recorded for
        audit, and owns what is added, if it is not the principal itself.
        """
        by = actor_of(access) if by is None else by
        match request:
            case ListDisplays():
                return self._list(access)
            case ReadDisplay():
                return self._read(access, request)
            case ListDisplayVersions():
                return self._versions(access, request)
            case SaveDisplay():
                return self._save(access, request, by)
            case ShareDisplay():
                return self._share(access, request, by)
            case SetDefaultDisplay():
                return self._set_default(access, request, by)
            case DeleteDisplay():
                return self._delete(access, request, by)

    def _list(self, access: Access) -> DisplaysResponse:
        stored = [one for one in self._store.list_displays() if may_see(access, one)]
        shipped = [one for one in self._folder.values() if may_see_names(access, one.named)]
        defaults = self._store.defaults()
        infos = [
            *(self._info(access, one, defaults) for one in stored),
            *(_folder_info(access, one, defaults) for one in shipped),
        ]
        infos.sort(key=lambda one: (one.name, one.display_id))
        listed = _fitting(infos, self._store.limits.list_max_bytes)
        return DisplaysResponse(
            displays=listed,
            default_id=_default_id(access, defaults, {one.display_id for one in infos}),
            may_set_default=access.role == "admin",
            displays_left_out=len(infos) - len(listed),
        )

    def _read(self, access: Access, request: ReadDisplay) -> DisplayResponse:
        defaults = self._store.defaults()
        shipped = self._folder.get(request.display_id)
        if shipped is not None and may_see_names(access, shipped.named):
            if request.version not in (None, 1):
                raise ProtocolError("notFound", f"{request.display_id!r} is a file: version 1 only")
            info = _folder_info(access, shipped, defaults)
            return DisplayResponse(info=info, display=shipped.display, version=1)
        stored = self._visible(access, request.display_id)
        version = stored.version if request.version is None else request.version
        if version != stored.version and not may_change(access, stored):
            raise ProtocolError("forbidden", NO_VERSIONS.format(stored.name))
        if version == stored.version and not may_see_newest(access, stored):
            raise ProtocolError("forbidden", HIDDEN_NEWEST.format(stored.saved_by))
        seen = partial(may_see_version, access, stored)
        display = self._store.read(stored.id, version, seen)
        info = self._info(access, stored, defaults)
        return DisplayResponse(info=info, display=display, version=version)

    def _versions(self, access: Access, request: ListDisplayVersions) -> DisplayVersionsResponse:
        stored = self._visible(access, request.display_id)
        if not may_change(access, stored):
            raise ProtocolError("forbidden", NO_VERSIONS.format(stored.name))
        versions, left_out = self._store.versions(
            stored.id, partial(may_see_version, access, stored)
        )
        return DisplayVersionsResponse(
            display_id=stored.id, versions=versions, versions_left_out=left_out
        )

    def _save(self, access: Access, request: SaveDisplay, by: Actor) -> DisplayChanged:
        check_display(request.display)
        if request.display_id is None:
            saved = self._store.add(request.display, by, access.principal_id)
        else:
            stored = self._visible(access, request.display_id)
            if not may_change(access, stored):
                raise ProtocolError(
                    "forbidden", f"you may not change {stored.name!r}: save it as another display"
                )
            if request.based_on is None:
                raise ProtocolError("badRequest", "basedOn: is missing; name the version you read")
            saved = self._store.save(stored.id, request.display, request.based_on, by)
        return self._changed(access, saved)

    def _share(self, access: Access, request: ShareDisplay, by: Actor) -> DisplayChanged:
        if access.role == "viewer":
            raise ProtocolError("forbidden", "your role (viewer) cannot share displays")
        stored = self._owned(access, request.display_id, "share it")
        shared = self._store.share(stored.id, request.shared_with, request.editable_by, by)
        return self._changed(access, shared)

    def _set_default(self, access: Access, request: SetDefaultDisplay, by: Actor) -> DisplayChanged:
        scope_id = EVERY_SCOPE if request.scope_id is None else request.scope_id
        if access.role != "admin" or not _manages_scope(access, scope_id):
            raise ProtocolError("forbidden", "only an admin of the scope sets its default display")
        if request.display_id is None:
            self._store.set_default(scope_id, None, by)
            return DisplayChanged()
        info = self._readable_by_all(access, request.display_id)
        self._store.set_default(scope_id, request.display_id, by)
        info.default_of = _scopes_of(access, info.display_id, self._store.defaults())
        return DisplayChanged(info=info)

    def _readable_by_all(self, access: Access, display_id: str) -> DisplayInfo:
        defaults = self._store.defaults()
        shipped = self._folder.get(display_id)
        if shipped is not None and may_see_names(access, shipped.named):
            return _folder_info(access, shipped, defaults)
        stored = self._visible(access, display_id)
        if stored.shared_with != "viewer":
            raise ProtocolError("conflict", NOT_SHARED.format(stored.name))
        return self._info(access, stored, defaults)

    def _delete(self, access: Access, request: DeleteDisplay, by: Actor) -> DisplayChanged:
        stored = self._owned(access, request.display_id, "delete it")
        self._store.delete(stored.id, request.based_on, by)
        return DisplayChanged()

    def _visible(self, access: Access, display_id: str) -> StoredDisplay:
        """The stored display; one that the principal may not see does not exist for it."""
        if display_id.startswith(FOLDER_MARK) and display_id in self._folder:
            raise ProtocolError("forbidden", "it is a file of the instance, and cannot be changed")
        stored = self._store.get(display_id)
        if stored is None or not may_see(access, stored):
            raise ProtocolError("notFound", NO_SUCH_DISPLAY.format(display_id))
        return stored

    def _owned(self, access: Access, display_id: str, what: str) -> StoredDisplay:
        stored = self._visible(access, display_id)
        if not may_share(access, stored):
            raise ProtocolError("forbidden", NOT_YOURS.format(what))
        return stored

    def _changed(self, access: Access, stored: StoredDisplay) -> DisplayChanged:
        return DisplayChanged(info=self._info(access, stored, self._store.defaults()))

    def _info(self, access: Access, stored: StoredDisplay, defaults: dict[str, str]) -> DisplayInfo:
        return DisplayInfo(
            display_id=stored.id,
            name=self._name(access, stored),
            origin="stored",
            version=stored.version,
            owner=stored.owner.name,
            own=is_own(access, stored.owner),
            may_change=may_change(access, stored),
            may_share=may_share(access, stored),
            shared_with=stored.shared_with,
            editable_by=stored.editable_by,
            default_of=_scopes_of(access, stored.id, defaults),
            saved=time_text(stored.saved),
            saved_by=stored.saved_by,
            named=sorted(scope for scope in stored.scopes if _sees_scope(access, scope)),
        )

    def _name(self, access: Access, stored: StoredDisplay) -> str:
        """The name of the newest version that the principal gets."""
        if may_see_newest(access, stored):
            return stored.name
        seen = partial(may_see_version, access, stored)
        versions, _ = self._store.versions(stored.id, seen)
        return versions[0].name if versions else HIDDEN_NAME


def _folder_info(access: Access, shipped: FolderDisplay, defaults: dict[str, str]) -> DisplayInfo:
    return DisplayInfo(
        display_id=shipped.id,
        name=shipped.display.name,
        origin="folder",
        version=1,
        owner="",
        own=False,
        may_change=False,
        may_share=False,
        shared_with="viewer",
        default_of=_scopes_of(access, shipped.id, defaults),
        named=sorted(shipped.named.scopes),
    )


def _scopes_of(access: Access, display_id: str, defaults: dict[str, str]) -> list[str]:
    """The scopes whose default a display is, as far as the principal may see them."""
    scopes = (scope for scope, default in defaults.items() if default == display_id)
    return sorted(one for one in scopes if one == EVERY_SCOPE or _sees_scope(access, one))


def _default_id(access: Access, defaults: dict[str, str], seen: set[str]) -> str | None:
    """The default of the first scope that a principal is limited to, else that of every scope, else
    that of the first scope: of those that the principal may see.
    """
    named = sorted(scope for scope in defaults if scope and _sees_scope(access, scope))
    order = [EVERY_SCOPE, *named] if access.scopes is None else [*named, EVERY_SCOPE]
    return next((found for scope in order if (found := defaults.get(scope)) in seen), None)


def _sees_scope(access: Access, scope_id: str) -> bool:
    return access.scopes is None or scope_id in access.scopes


def _manages_scope(access: Access, scope_id: str) -> bool:
    return manages_all(access) if scope_id == EVERY_SCOPE else _sees_scope(access, scope_id)


def _fitting(displays: list[DisplayInfo], max_bytes: int) -> list[DisplayInfo]:
    """The displays, without the first that has no room and all after it."""
    sizes = accumulate(len(msgspec.json.encode(one)) for one in displays)
    return displays[: sum(1 for size in sizes if size <= max_bytes)]
