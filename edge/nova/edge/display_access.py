"""What a principal may do with a display."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from nova.edge.access import Access
from nova.edge.display_store import Owner, StoredDisplay
from nova.sdk.display import NamedData, named_in
from nova.sdk.field_types import Role

_RANKS: dict[Role, int] = {"viewer": 0, "operator": 1, "admin": 2}
assert set(_RANKS) == set(get_args(Role))


def may_see(access: Access, display: StoredDisplay) -> bool:
    """Whether a display is in a principal's list: an admin's has all, others have their own and
    those that are shared with their role, unless these name scopes or lanes that they may not see.
    """
    if manages_all(access) or is_own(access, display.owner):
        return True
    return has_role(access, display.shared_with) and may_see_names(
        access, NamedData(display.scopes, display.lanes)
    )


def may_change(access: Access, display: StoredDisplay) -> bool:
    """Whether a principal may save versions of a display, and read its former ones."""
    if manages_all(access) or is_own(access, display.owner):
        return True
    return has_role(access, display.editable_by) and may_see(access, display)


def may_see_version(access: Access, display: StoredDisplay, content: bytes, saved_by: str) -> bool:
    """Whether a principal that may change a display gets a version: each may name other scopes and
    lanes. Owners get what they have saved themselves too.
    """
    if not access.is_limited or _has_saved(access, display, saved_by):
        return True
    return may_see_names(access, named_in(content))


def may_see_newest(access: Access, display: StoredDisplay) -> bool:
    """Whether a principal that has a display in its list gets its newest version and name: others
    may have saved what its owner may not see.
    """
    named = NamedData(display.scopes, display.lanes)
    return _has_saved(access, display, display.saved_by) or may_see_names(access, named)


def _has_saved(access: Access, display: StoredDisplay, saved_by: str) -> bool:
    """No user and no key has the name of another one, so that of the owner is the owner's."""
    return is_own(access, display.owner) and saved_by == access.name


def may_share(access: Access, display: StoredDisplay) -> bool:
    """Whether a principal may say who else sees a display, and delete it."""
    return manages_all(access) or is_own(access, display.owner)


def may_see_names(access: Access, named: NamedData) -> bool:
    """Whether a principal may see all scopes and lanes that a display names."""
    return _are_in(named.scopes, access.scopes) and _are_in(named.lanes, access.lanes)


def manages_all(access: Access) -> bool:
    """An admin who is limited manages the own displays, as an operator does."""
    return access.role == "admin" and not access.is_limited


def is_own(access: Access, owner: Owner) -> bool:
    own = (access.kind, access.principal_id)
    return bool(access.principal_id) and own == (owner.kind, owner.id)


def has_role(access: Access, least: Role | None) -> bool:
    """Whether a principal has at least a role; nobody has None."""
    return least is not None and _RANKS[access.role] >= _RANKS[least]


def _are_in(names: Iterable[str], allowed: tuple[str, ...] | None) -> bool:
    return allowed is None or all(name in allowed for name in names)
