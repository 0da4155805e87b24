"""The proof that an event is in the seal of its day: its envelope, the siblings of its leaf, and
the seal. Whoever has the seal's hash needs no archive to check it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from nova.core.errors import ArchiveError
from nova.core.ordering import EVENT_ID_OFFSET, last_key_at, series_of_event_key, time_key, time_of
from nova.core.proof.row_search import FIRST, LAST
from nova.core.store.archive import Archive
from nova.core.store.day_tree import DayTree
from nova.core.store.key_value import KeyValue
from nova.core.store.row_reader import RowReader
from nova.core.store.seal_reader import sealed_day
from nova.core.store.series_table import SeriesTable
from nova.core.utc_day import day_of, span_of
from nova.sdk import timestamps
from nova.sdk.errors import NovaError
from nova.sdk.events.day_seal import DaySeal, SealedGroup, SealGroup, group_leaf, group_of
from nova.sdk.events.merkle import inclusion_path, leaf_hash, root_of


class LeafPath(msgspec.Struct, kw_only=True, rename="camel"):
    """The place of a leaf among `size`, and its siblings from the leaf upwards, as hex."""

    index: int
    size: int
    path: list[str]


class EventProof(msgspec.Struct, kw_only=True, rename="camel"):
    """The event is a leaf of its group's tree, and the group one of the tree of groups, whose root
    is in the seal. `seal` lacks the list of groups, which its hash does not need.
    """

    envelope: str
    event: LeafPath
    group: SealedGroup
    group_path: LeafPath
    seal: DaySeal


class Prover:
    """Makes proofs of the events of an open archive."""

    def __init__(self, archive: Archive) -> None:
        series = SeriesTable()
        series.load(archive)
        self._archive = archive
        self._names = series.names
        self._known: dict[int, SealGroup] = {}

    def prove(self, event_id: bytes, source_ns: int | None = None) -> EventProof:
        """The proof of an event; without its source time every event's key is looked at. Raises
        NovaError if there is no such event or its day is not sealed.
        """
        event_key = self._event_key(event_id, source_ns)
        day = day_of(time_of(event_key))
        order_key = self._archive.record.seal(day)
        seal = None if order_key is None else sealed_day(self._archive, order_key)
        if seal is None:
            raise NovaError(
                f"the day of event {event_id.hex()}, {day}, is not sealed yet: a day is sealed "
                "soon after its end"
            )
        return self._proof(event_key, seal)

    def _event_key(self, event_id: bytes, source_ns: int | None) -> bytes:
        lower = FIRST if source_ns is None else time_key(source_ns)
        upper = LAST if source_ns is None else last_key_at(source_ns, reverse=False)
        for block in RowReader(self._archive).blocks("source", lower, upper):
            for key, event_key in block:
                if key[EVENT_ID_OFFSET:] == event_id:
                    return event_key
        at = "" if source_ns is None else f" with the source time {timestamps.text(source_ns)}"
        raise NovaError(f"the archive holds no event {event_id.hex()}{at}")

    def _proof(self, event_key: bytes, seal: DaySeal) -> EventProof:
        group = self._group(event_key)
        groups = seal.groups if seal.groups is not None else self._groups(seal.day)
        number = next((n for n, one in enumerate(groups) if one.group() == group), None)
        leaves, index = self._leaves(event_key, seal.day)
        if number is None or root_of(leaves).hex() != groups[number].root:
            raise ArchiveError(
                f"the events of {seal.day} are not those that were sealed, or some of them were "
                "deleted on purpose: run `nova verify`"
            )
        stored = self._archive.events.envelope(event_key)
        assert stored is not None
        of_groups = [group_leaf(one) for one in groups]
        return EventProof(
            envelope=stored.decode(),
            event=_leaf_path(leaves, index),
            group=groups[number],
            group_path=_leaf_path(of_groups, number),
            seal=msgspec.structs.replace(seal, groups=None),
        )

    def _leaves(self, event_key: bytes, day: str) -> tuple[list[bytes], int]:
        """The leaves of the event's group on its day, and the event's index."""
        group = self._group(event_key)
        index, leaves = -1, list[bytes]()
        for key, stored in self._day(day):
            if key == event_key:
                index = len(leaves)
            if self._group(key) == group:
                leaves.append(leaf_hash(stored))
        return leaves, index

    def _groups(self, day: str) -> list[SealedGroup]:
        """The groups of a day whose seal has too many to list them."""
        tree = DayTree(self._names)
        for key, stored in self._day(day):
            tree.add([key], [stored])
        return tree.groups()

    def _day(self, day: str) -> Iterator[KeyValue]:
        first_ns, last_ns = span_of(day)
        bounds = time_key(first_ns), last_key_at(last_ns, reverse=False)
        return self._archive.events.scan("canonical", *bounds)

    def _group(self, event_key: bytes) -> SealGroup:
        number = series_of_event_key(event_key)
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = group_of(self._names[number])
        return found


def _leaf_path(leaves: Sequence[bytes], index: int) -> LeafPath:
    path = [sibling.hex() for sibling in inclusion_path(leaves, index)]
    return LeafPath(index=index, size=len(leaves), path=path)
