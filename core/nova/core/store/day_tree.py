"""The trees of one UTC day: all its events in canonical order, and those of each group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nova.core.ordering import TIME_BYTES
from nova.sdk.events.day_seal import SealedGroup, SealGroup, group_of
from nova.sdk.events.event import Series
from nova.sdk.events.merkle import MerkleTree, leaf_hashes

NO_GROUP = SealGroup("", "", False)
"""The group of events whose series is unknown, which no seal has."""


class DayTree:
    """Grows by stored events in canonical order. `names` are the series by number."""

    def __init__(self, names: Sequence[Series]) -> None:
        self._names = names
        self._groups: dict[bytes, SealGroup] = {}
        self._tree = MerkleTree()
        self._trees: defaultdict[SealGroup, MerkleTree] = defaultdict(MerkleTree)

    @property
    def events(self) -> int:
        return self._tree.size

    def add(self, event_keys: Sequence[bytes], stored: Sequence[bytes]) -> None:
        """Add events with their event keys."""
        self.add_leaves([key[TIME_BYTES:] for key in event_keys], leaf_hashes(stored))

    def add_leaves(self, series: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Add events by the hashes of their leaves; `series` are their series bytes."""
        self._tree.extend(hashes)
        by_group: defaultdict[SealGroup, list[bytes]] = defaultdict(list)
        # Groups are looked up by series, of which a block has few.
        add = {tail: by_group[self._group(tail)].append for tail in set(series)}
        for tail, leaf in zip(series, hashes, strict=True):
            add[tail](leaf)
        for group, leaves in by_group.items():
            self._trees[group].extend(leaves)

    def _group(self, tail: bytes) -> SealGroup:
        found = self._groups.get(tail)
        if found is not None:
            return found
        number = int.from_bytes(tail, "big")
        known = number < len(self._names)
        found = self._groups[tail] = group_of(self._names[number]) if known else NO_GROUP
        return found

    def root(self) -> str:
        return self._tree.root().hex()

    def groups(self) -> list[SealedGroup]:
        """The groups, sorted."""
        return [
            SealedGroup(
                scope_id=group.scope_id,
                lane=group.lane,
                is_own=group.is_own,
                events=tree.size,
                root=tree.root().hex(),
            )
            for group, tree in sorted(self._trees.items())
        ]
