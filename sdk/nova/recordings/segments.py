"""Joins segmented packets into groups, by source and consecutive sequence count.

Segments may arrive in any order and twice, also after their group is whole: so a whole group is
remembered as long as an incomplete one is waited for. A group is released incomplete if its
source's count gets too far ahead, or if too much is held.
"""

from __future__ import annotations

from dataclasses import dataclass

from nova.recordings.packets import COUNT_MASK, FIRST, HEADER_SIZE_BYTES, LAST, Packet

OVERTAKEN_MAX = 256
"""Counts that a source may advance before a group that does not grow is released incomplete."""
OVERTAKEN_STEP = 16
"""Counts that a source advances between two searches for such groups."""
GROUPS_MAX = 256
"""Groups that are held per source."""
HELD_MAX_BYTES = 64 * 1024 * 1024


@dataclass(eq=False, slots=True)
class SegmentGroup:
    """Segments with consecutive counts, and the time of the first one."""

    packets: list[Packet]
    time_ns: int | None = None
    is_abandoned: bool = False
    is_read: bool = False
    """Whether its message was read."""
    into: SegmentGroup | None = None
    """The group that it became a part of."""

    @property
    def settled(self) -> SegmentGroup | None:
        """The group that its segments belong to, once its time cannot change any more."""
        group = self
        while group.into is not None:
            group = group.into
        is_settled = group.time_ns is not None or group.is_abandoned or group.is_whole
        return group if is_settled else None

    @property
    def is_whole(self) -> bool:
        """Whether it extends from a first to a last segment."""
        return self.packets[0].flags == FIRST and self.packets[-1].flags == LAST

    def segment_at(self, sequence: int) -> Packet:
        """The segment with this count, which must be in the group."""
        return self.packets[sequence - self.packets[0].sequence & COUNT_MASK]

    def join(self, secondary_bytes: int) -> bytes:
        """One packet: the first with the data of the others, without their secondary headers."""
        parts = [self.packets[0].data]
        for packet in self.packets[1:]:
            skipped = secondary_bytes if packet.has_secondary_header else 0
            parts.append(packet.data[HEADER_SIZE_BYTES + skipped :])
        return b"".join(parts)


class SegmentJoiner:
    """Joins segments. `take_abandoned` returns the groups that stayed incomplete."""

    def __init__(self, held_max_bytes: int = HELD_MAX_BYTES) -> None:
        self._held_max_bytes = held_max_bytes
        self._groups: dict[SegmentGroup, None] = {}
        self._members: dict[tuple[int, int], SegmentGroup] = {}
        self._of_source: dict[int, dict[SegmentGroup, None]] = {}
        self._searched: dict[int, int] = {}
        self._held_bytes = 0
        self._abandoned: list[SegmentGroup] = []

    def add(self, packet: Packet, time_ns: int | None) -> SegmentGroup:
        """Add a segment; returns its group; `is_read` if it was read as a message."""
        self.abandon_overtaken(packet)
        existing = self._members.get((packet.source, packet.sequence))
        if existing is not None:
            if existing.segment_at(packet.sequence).data == packet.data:
                return existing
            self._abandon(existing)
        before = self._neighbour(packet, -1) if packet.flags != FIRST else None
        after = self._neighbour(packet, 1) if packet.flags != LAST else None
        group = SegmentGroup([]) if before is None else before
        if packet.flags == FIRST:
            group.time_ns = time_ns
        self._append(group, packet)
        if after is not None:
            self._release(after)
            after.into = group
            for further in after.packets:
                self._append(group, further)
        self._bound(packet.source)
        return group

    def abandon_overtaken(self, packet: Packet) -> None:
        """Abandon groups that lie too far from the count of a packet."""
        if not self._of_source:
            return
        searched = self._searched.get(packet.source, packet.sequence + OVERTAKEN_STEP)
        ahead = packet.sequence - searched & COUNT_MASK
        if packet.source not in self._of_source or ahead < OVERTAKEN_STEP:
            return
        self._searched[packet.source] = packet.sequence
        for group in list(self._of_source[packet.source]):
            ahead = packet.sequence - group.packets[-1].sequence & COUNT_MASK
            if OVERTAKEN_MAX < ahead < COUNT_MASK - OVERTAKEN_MAX:
                self._abandon(group)

    def take_abandoned(self) -> list[SegmentGroup]:
        """The incomplete groups released since the last call."""
        if not self._abandoned:
            return []
        given, self._abandoned = self._abandoned, []
        return given

    def abandon_all(self) -> None:
        for group in list(self._groups):
            self._abandon(group)

    def _neighbour(self, packet: Packet, step: int) -> SegmentGroup | None:
        """The group that ends before this segment or begins after it, if open on that side."""
        count = packet.sequence + step & COUNT_MASK
        group = self._members.get((packet.source, count))
        if group is None:
            return None
        edge, closed = (group.packets[-1], LAST) if step < 0 else (group.packets[0], FIRST)
        return group if edge.sequence == count and edge.flags != closed else None

    def _append(self, group: SegmentGroup, packet: Packet) -> None:
        group.packets.append(packet)
        self._groups[group] = None
        self._of_source.setdefault(packet.source, {})[group] = None
        self._members[packet.source, packet.sequence] = group
        self._held_bytes += len(packet.data)

    def _bound(self, source: int) -> None:
        of_source = self._of_source[source]
        while len(of_source) > GROUPS_MAX:
            self._abandon(next(iter(of_source)))
        while self._held_bytes > self._held_max_bytes:
            self._abandon(next(iter(self._groups)))

    def _abandon(self, group: SegmentGroup) -> None:
        self._release(group)
        if not group.is_whole:
            group.is_abandoned = True
            self._abandoned.append(group)

    def _release(self, group: SegmentGroup) -> None:
        del self._groups[group]
        del self._of_source[group.packets[0].source][group]
        for packet in group.packets:
            self._members.pop((packet.source, packet.sequence), None)
            self._held_bytes -= len(packet.data)
