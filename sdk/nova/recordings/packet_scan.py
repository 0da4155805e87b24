"""Finds packets among other bytes, and resumes after damage.

A header alone proves little: one random position in eight has version 0. So a packet is accepted
where the previous one ends. After damage it needs more evidence: the next count of a known APID, or
a known APID's due packet behind it, or its own successor, near by or at the end of a chain. Where
counts do not rise by one, a chain of packets of the same APIDs is evidence too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nova.recordings.packet_chain import (
    CHAIN_MAX,
    PREFIX_MAX_BYTES,
    PacketChain,
    is_distinctive,
)
from nova.recordings.packets import (
    CONTINUATION,
    COUNT_MASK,
    FIRST,
    HEADER,
    HEADER_SIZE_BYTES,
    LAST,
    SOURCE_MASK,
    WHOLE,
    Packet,
    PacketDamage,
    PacketHeader,
    header_at,
)

SUCCESSOR_MAX_BYTES = 2048
"""How far behind a packet its successor of the same APID is searched."""
NO_PACKET = "no packet"
_CANDIDATE = re.compile(rb"(?!\0{4})[\0-\x1f]")


class _Search(NamedTuple):
    """The first sure start of a packet, and an earlier position that needs more bytes to decide."""

    found: int | None = None
    undecided: int | None = None


class PacketScanner:
    """Finds packets in bytes that arrive in pieces.

    An `eager` scanner returns a packet as soon as it is complete, for live links. Otherwise it
    waits for the header behind it, which shows whether bytes were lost.

    Files and connections may begin in the middle of a packet. Datagrams do not: with `is_framed` a
    packet begins where the data does.
    """

    def __init__(self, *, eager: bool = False, is_framed: bool = False) -> None:
        self._data, self._base, self._at = b"", 0, 0
        self._is_eager = eager
        self._is_end = False
        self._is_in_sync = True
        self._is_framed = is_framed
        self._is_begin = not is_framed
        self._counts: dict[int, int] = {}
        self._last_end = 0
        """The offset behind the last packet, or of the begin."""
        self._prefix_bytes = 0
        """The size of what was skipped before a packet, if it may be a prefix."""

    @property
    def unread(self) -> bytes:
        """Bytes that were fed and not returned yet."""
        return self._data[self._at :]

    def feed(self, data: bytes, *, is_end: bool = False) -> Iterator[Packet | PacketDamage]:
        """The packets and damage found so far; with `is_end`, all of the data is returned."""
        self._data = self._data[self._at :] + data
        self._base += self._at
        self._at, self._is_end = 0, is_end
        while self._at < len(self._data):
            if self._is_in_sync and not self._is_begin:
                yield from self._followed()
            found = self._next()
            if found is None:
                return
            yield found

    def reset(self) -> None:
        """Drop unread bytes but keep the known APIDs, for the next connection or file."""
        self._base += len(self._data)
        self._data, self._at, self._is_in_sync = b"", 0, True
        self._is_begin = not self._is_framed
        self._last_end = self._base

    def _next(self) -> Packet | PacketDamage | None:
        if self._is_begin:
            is_packet = self._begins_with_packet()
            if is_packet is None:
                return None
            self._is_begin, self._is_in_sync = False, is_packet
        header = header_at(self._data, self._at)
        if not self._is_in_sync or (header is not None and not header.is_possible):
            return self._resynchronize()
        if header is None:
            return self._cut_short("a packet header has 6 bytes") if self._is_end else None
        end = self._at + header.size_bytes
        if end > len(self._data):
            return self._handle_incomplete(header)
        if end + HEADER_SIZE_BYTES > len(self._data) and not (self._is_eager or self._is_end):
            return None
        known = header.source in self._counts
        if not (known and self._is_followed(end)) and not self._continues(header, end):
            inside = self._search(self._at + 1, end)
            if inside.found is not None:
                return self._skip(inside.found, "a packet that another packet interrupts")
            if inside.undecided is not None and not (known or self._is_eager or self._is_end):
                return None
        return self._packet(header, end)

    def _followed(self) -> Iterator[Packet]:
        """The next packets of known APIDs that follow each other without a gap, each with the
        header of such a packet behind it. They need no other look; all else is for `_next`.
        """
        data, counts, at = self._data, self._counts, self._at
        last = len(data) - HEADER_SIZE_BYTES
        if self._base + at != self._last_end or at > last:
            return
        header = HEADER.unpack_from(data, at)
        while header[0] & SOURCE_MASK in counts and not header[0] >> 13:
            end = at + HEADER_SIZE_BYTES + header[2] + 1
            if end > last or not (header[0] or header[1]):
                return
            following = HEADER.unpack_from(data, end)
            if following[0] & SOURCE_MASK not in counts:
                return
            counts[header[0] & SOURCE_MASK] = header[1] & COUNT_MASK
            packet = Packet(self._base + at, data[at:end])
            self._at, header, at = end, following, end
            self._last_end = self._base + end
            yield packet

    def _packet(self, header: PacketHeader, end: int) -> Packet:
        packet = Packet(self._base + self._at, self._data[self._at : end])
        self._counts[header.source] = header.number
        gap = packet.offset_bytes - self._last_end
        if 0 < gap <= PREFIX_MAX_BYTES:
            self._prefix_bytes = gap
        self._last_end = self._base + end
        self._at = end
        return packet

    def _handle_incomplete(self, header: PacketHeader) -> PacketDamage | None:
        """An incomplete packet: wait for more bytes unless other packets surely begin in it."""
        if not self._is_end and header.source in self._counts:
            return None
        within = self._search(self._at + 1, len(self._data))
        if within.found is not None:
            return self._skip(within.found, NO_PACKET)
        if not self._is_end:
            return None
        return self._cut_short(f"packet cut short: {header.size_bytes} bytes announced")

    def _cut_short(self, reason: str) -> PacketDamage:
        left = len(self._data) - self._at
        return self._skip(len(self._data), f"{reason}, {left} present")

    def _resynchronize(self) -> Packet | PacketDamage | None:
        """Skip to the next position where a packet surely begins or may begin."""
        end = len(self._data)
        search = self._search(self._at + self._is_in_sync, end)
        if search.found is not None:
            self._is_in_sync = True
            at_once = search.found == self._at
            return self._next() if at_once else self._skip(search.found, NO_PACKET)
        if not self._is_end and search.undecided is not None:
            end = search.undecided
        self._is_in_sync = False
        return self._skip(end, NO_PACKET) if end > self._at else None

    def _skip(self, end: int, reason: str) -> PacketDamage:
        data = self._data[self._at : end]
        damage = PacketDamage(self._base + self._at, len(data), reason, data)
        self._at = end
        return damage

    def _begins_with_packet(self) -> bool | None:
        """Whether the data begins with a packet; None if that needs more bytes.

        It does if that is sure, or if the lengths lead from there to the first sure packet; if none
        is sure, to the end of what has arrived.
        """
        found = self._search(self._at, len(self._data)).found
        if found is not None:
            return found == self._at or bool(self._leads_to(found))
        leads = self._leads_to(len(self._data))
        return True if leads is None and self._is_end else leads

    def _leads_to(self, target: int) -> bool | None:
        """Whether following the lengths reaches a position, or passes CHAIN_MAX packets; None if
        that needs more bytes.
        """
        at = self._at
        for _ in range(CHAIN_MAX):
            if at >= target and target < len(self._data):
                return at == target
            if at == len(self._data):
                return True if self._is_eager or self._is_end else None
            if self._at < at < len(self._data) and not any(self._data[at:]):
                is_padding = len(self._data) - at >= SUCCESSOR_MAX_BYTES
                return True if is_padding or self._is_end else None
            header = header_at(self._data, at)
            if header is None:
                return None
            if not header.is_possible:
                return False
            at += header.size_bytes
        return True

    def _is_followed(self, end: int) -> bool:
        """Whether a packet of a known APID begins at `end`, or may begin there with more bytes."""
        left = len(self._data) - end
        if left < HEADER_SIZE_BYTES and self._is_eager and not self._is_end:
            return not left or not self._data[end] >> 5
        header = header_at(self._data, end)
        return not left or (header is not None and header.source in self._counts)

    def _continues(self, header: PacketHeader, end: int) -> bool:
        """Whether the next packet of the same APID begins at `end`."""
        following = header_at(self._data, end)
        due = (header.source, (header.number + 1) & COUNT_MASK)
        return following is not None and (following.source, following.number) == due

    def _search(self, start: int, stop: int) -> _Search:
        undecided: int | None = None
        for match in _CANDIDATE.finditer(self._data, start, stop):
            at = match.start()
            verdict = self._has_evidence(at)
            if verdict:
                return _Search(at, undecided)
            if verdict is None and undecided is None:
                undecided = at
        return _Search(None, undecided)

    def _has_evidence(self, at: int) -> bool | None:
        """Whether there is more evidence than a header; None if that needs more bytes."""
        unknown = False if self._is_end else None
        header = header_at(self._data, at)
        if header is None:
            return unknown
        if not header.is_possible:
            return False
        end = at + header.size_bytes
        if end > len(self._data):
            return unknown
        last = self._counts.get(header.source)
        if last is not None and self._matches_count(header, last, end):
            return True
        counts_on = self._counts_on(header, end)
        if counts_on:
            return True
        in_chain = self._is_in_chain(at)
        if in_chain:
            return not self._holds_packets(at, end)
        if end + SUCCESSOR_MAX_BYTES > len(self._data):
            return unknown
        return False if counts_on is in_chain is False else None

    def _counts_on(self, header: PacketHeader, end: int) -> bool | None:
        """Whether the next packet of the same APID follows; None if that needs more bytes."""
        return self._has_successor(header, end) or self._chain_has_successor(header, end)

    def _is_in_chain(self, at: int) -> bool | None:
        """Whether a chain of packets begins here, without a gap or with what stands between the
        last packet and here before each; None if that needs more bytes.
        """
        header = header_at(self._data, at)
        prefixes = {self._prefix_bytes}
        if header is not None and (not self._counts or header.source in self._counts):
            gap = self._base + at - self._last_end
            prefixes |= {0, gap if gap <= PREFIX_MAX_BYTES else 0}
        chain = PacketChain(self._data, self._counts, self._is_end)
        verdicts = [chain.proves(at, prefix_bytes) for prefix_bytes in prefixes]
        return True if True in verdicts else None if None in verdicts else False

    def _holds_packets(self, at: int, end: int) -> bool:
        """Whether a chain begins within a packet, and its first ends there, or a packet with the
        next behind it begins in what would be a prefix: a false header may lead over packets, and
        what is constant in them recurs as they do.
        """
        first = header_at(self._data, at)
        is_known = first is not None and first.source in self._counts
        stop = end if is_known else end + PREFIX_MAX_BYTES
        for match in _CANDIDATE.finditer(self._data, at + 1, stop):
            inner = header_at(self._data, match.start())
            if inner is None:
                return False
            inner_end = match.start() + inner.size_bytes
            if match.start() > end:
                if self._has_successor(inner, inner_end):
                    return True
            elif inner_end < end and self._is_in_chain(match.start()):
                return True
        return False

    def _matches_count(self, header: PacketHeader, last: int, end: int) -> bool:
        """Whether a known APID's packet has the due count, or a due packet follows it."""
        if is_distinctive(header):
            if header.number == (last + 1) & COUNT_MASK:
                return True
            if self._is_end and end == len(self._data):
                return True
        following = header_at(self._data, end)
        if following is None or following.source not in self._counts:
            return False
        before = header.number
        if following.source != header.source:
            before = self._counts[following.source]
        return following.number == (before + 1) & COUNT_MASK

    def _has_successor(self, header: PacketHeader, end: int) -> bool:
        """Whether the next packet of the same APID begins near by."""
        following = {WHOLE: (WHOLE,), FIRST: (CONTINUATION, LAST)}.get(header.flags, ())
        count = (header.number + 1) & COUNT_MASK
        for flags in following if is_distinctive(header) else ():
            for identification in {header.identification, header.source}:
                begin = identification.to_bytes(2) + (flags << 14 | count).to_bytes(2)
                if self._data.find(begin, end, end + SUCCESSOR_MAX_BYTES) >= 0:
                    return True
        return False

    def _chain_has_successor(self, header: PacketHeader, end: int) -> bool | None:
        """Whether following the lengths reaches a packet with the next count of the same APID; None
        if that needs more bytes. A false header often leads into a true chain, but the chain does
        not contain its successor.
        """
        if not is_distinctive(header):
            return False
        due = (header.source, (header.number + 1) & COUNT_MASK)
        for _ in range(CHAIN_MAX):
            following = header_at(self._data, end)
            if following is None:
                return False if self._is_end else None
            if not following.is_possible:
                return False
            if (following.source, following.number) == due:
                return True
            end += following.size_bytes
        return False
