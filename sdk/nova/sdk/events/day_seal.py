"""Seals: what an archive commits to once a UTC day of canonical time is over.

A seal has the Merkle root of the day's events in canonical order, and the root and the count of
each group of them, so that it can still be checked when whole groups have been deleted on purpose.
It names the hash of the seal before it. `docs/proof.md` gives the exact bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec

from nova.sdk import timestamps
from nova.sdk.events.event import Event, Series, check
from nova.sdk.events.merkle import leaf_hash, root_of
from nova.sdk.events.reserved import AUDIT_SYSTEM
from nova.sdk.field_types import JsonObject

DAY_SEALED: Final = "DaySealed"
OWN_SYSTEM: Final = AUDIT_SYSTEM
"""The system of NOVA's own records."""

SEALS_CONTAINER: Final = "seals"
SEALS_UNIQUE: Final = "days"
SEAL_SCHEME: Final = "novaSealV1"
LISTED_MAX_GROUPS = 4_000
"""A seal of more groups has only their root, so that its event stays below the limit of
envelopes.
"""


class SealGroup(msgspec.Struct, frozen=True, order=True):
    """Events that are sealed together, and deleted together if at all: those of a scope and lane.
    NOVA's own records (system `nova`) are a group of their own.
    """

    scope_id: str
    lane: str
    is_own: bool


class SealedGroup(
    msgspec.Struct, kw_only=True, rename="camel", frozen=True, forbid_unknown_fields=True
):
    """A group of one day: the number of its events, and the root of these in canonical order."""

    scope_id: str
    lane: str
    is_own: bool
    events: int
    root: str

    def group(self) -> SealGroup:
        return SealGroup(self.scope_id, self.lane, self.is_own)


class DaySeal(
    msgspec.Struct, kw_only=True, rename="camel", frozen=True, forbid_unknown_fields=True
):
    """The seal of one day. `groups` are sorted, and None if there are too many. `previous_day` and
    `previous_hash` are of the seal before, None in an archive's first; days between the two have no
    events.
    """

    archive: str
    day: str
    events: int
    root: str
    groups_root: str
    groups: list[SealedGroup] | None
    previous_day: str | None
    previous_hash: str | None
    hash: str


def group_of(series: Series) -> SealGroup:
    return SealGroup(series.scope_id, series.lane, series.system_id == OWN_SYSTEM)


def group_leaf(group: SealedGroup) -> bytes:
    """The hash of a group as a leaf of the tree whose root is `groupsRoot`."""
    kind = "own" if group.is_own else ""
    members = (group.scope_id, group.lane, kind, str(group.events), group.root)
    return leaf_hash("\n".join(members).encode())


def groups_root(groups: Sequence[SealedGroup]) -> str:
    return root_of([group_leaf(group) for group in groups]).hex()


def seal_hash(seal: DaySeal) -> str:
    """The hash that a seal must have."""
    members = (
        SEAL_SCHEME,
        seal.archive,
        seal.day,
        str(seal.events),
        seal.root,
        seal.groups_root,
        seal.previous_day or "",
        seal.previous_hash or "",
    )
    return sha256("\n".join(members).encode()).hexdigest()


def make_seal(
    archive: str, day: str, root: str, groups: Sequence[SealedGroup], previous: DaySeal | None
) -> DaySeal:
    """The seal of a day whose groups are sorted; `previous` is the seal before it."""
    seal = DaySeal(
        archive=archive,
        day=day,
        events=sum(group.events for group in groups),
        root=root,
        groups_root=groups_root(groups),
        groups=list(groups) if len(groups) <= LISTED_MAX_GROUPS else None,
        previous_day=None if previous is None else previous.day,
        previous_hash=None if previous is None else previous.hash,
        hash="",
    )
    return msgspec.structs.replace(seal, hash=seal_hash(seal))


def own_fault(seal: DaySeal) -> str | None:
    """Why the members of a seal do not belong together; None if they do."""
    if seal.hash != seal_hash(seal):
        return "its hash is not that of its members"
    if seal.groups is not None and seal.groups_root != groups_root(seal.groups):
        return "its groups do not have its groupsRoot"
    if seal.groups is not None and seal.events != sum(group.events for group in seal.groups):
        return "its count is not the sum of its groups"
    return None


def seal_fault(seal: DaySeal, previous: DaySeal | None) -> str | None:
    """Why a seal does not hold in itself or does not follow `previous`; None if it does both."""
    if fault := own_fault(seal):
        return fault
    before = (None, None) if previous is None else (previous.day, previous.hash)
    if (seal.previous_day, seal.previous_hash) != before:
        return f"it does not follow the seal of {before[0] or 'no day'}"
    if previous is not None and (seal.day <= previous.day or seal.archive != previous.archive):
        return f"it cannot follow the seal of {previous.day}"
    return None


def seal_event(seal: DaySeal, scope_id: str, end_ns: int) -> Event:
    """The event of a seal; the same seal always makes the same event. `end_ns` is the first
    nanosecond after the day.
    """
    envelope: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": OWN_SYSTEM,
        "containerId": SEALS_CONTAINER,
        "uniqueId": SEALS_UNIQUE,
        "sourceTruthTime": timestamps.text(end_ns),
        "messageType": DAY_SEALED,
        "payload": msgspec.to_builtins(seal),
    }
    return check(msgspec.json.encode(envelope))


class _StoredSeal(msgspec.Struct, rename="camel"):
    message_type: str
    payload: DaySeal


def read_seal(stored: bytes) -> DaySeal | None:
    """The seal in a stored envelope; None if it holds none."""
    try:
        found = msgspec.json.decode(stored, type=_StoredSeal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found.payload if found.message_type == DAY_SEALED else None
