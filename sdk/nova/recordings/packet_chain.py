"""Evidence for packets whose counts prove nothing: chains of packets of the same APIDs.

Counts may be stuck, rise by more than one, or be random. Then lengths are the evidence: from a
packet they lead to others, without a gap or with a prefix of one size before each.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from nova.recordings.packets import HEADER_SIZE_BYTES, WHOLE, PacketHeader, header_at

CHAIN_MAX = 64
"""The most packets that are followed, for the next of the same APID or for enough of known ones."""

PREFIX_MAX_BYTES = 64
"""The largest prefix: a synchronisation mark, or a record header with a time or a length."""

CHAIN_MIN = 3
"""Packets in a chain that prove its first: of APIDs that were read before, or of the same new one.
A false header has a given APID with a probability of 1 in 32,768.
"""

LAST_MIN = 2
"""The same if the chain ends with the data."""

ZEROS_MAX = 1


class PacketChain(NamedTuple):
    """Follows lengths in data; `known` are the types and APIDs that were read before."""

    data: bytes
    known: Collection[int]
    is_end: bool

    def proves(self, at: int, prefix_bytes: int) -> bool | None:
        """Whether a chain begins here, with a prefix of this size before each of its packets; None
        if that needs more bytes. Headers with zeros count only if all are stuck at the same count,
        as tables of numbers are not.
        """
        first = header = header_at(self.data, at)
        if first is None:
            return False if self.is_end else None
        if not first.is_possible or not (first.flags == WHOLE or is_distinctive(first)):
            return False
        is_known = first.source in self.known
        prefix, count = self.data[max(at - prefix_bytes, 0) : at], 0
        for _ in range(CHAIN_MAX):
            if header is None or not header.is_possible:
                return self._ends(at - prefix_bytes, count)
            is_same = is_distinctive(first) or header.sequence == first.sequence
            is_expected = header.source == first.source or (
                is_known and header.source in self.known
            )
            count += is_same and is_expected
            if count == CHAIN_MIN:
                return True
            end = at + header.size_bytes
            at = end + prefix_bytes
            if not _is_alike(prefix, self.data[end:at]):
                return False
            header = header_at(self.data, at)
        return False

    def _ends(self, end: int, count: int) -> bool | None:
        """Whether a chain of `count` packets is proved by the end of the data, or by zeros there;
        None if that needs more bytes.
        """
        if any(self.data[end:]):
            return False if self.is_end or len(self.data) - end >= HEADER_SIZE_BYTES else None
        return count >= LAST_MIN if self.is_end else None


def _is_alike(prefix: bytes, other: bytes) -> bool:
    """Whether at least half of the bytes are the same, as far as both are there; a length or time
    in a prefix may differ.
    """
    pairs = list(zip(reversed(prefix), reversed(other), strict=False))
    return 2 * sum(a == b for a, b in pairs) >= len(pairs)


def is_distinctive(header: PacketHeader) -> bool:
    """Whether at most ZEROS_MAX compared bytes are zero; tables of numbers are mostly zeros."""
    compared = (header.identification << 16 | header.sequence).to_bytes(4)
    return compared.count(0) <= ZEROS_MAX
