"""Packets of a file, read in blocks; adjacent damage is one report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from nova.recordings.packet_scan import PacketScanner
from nova.recordings.packets import Packet, PacketDamage

BLOCK_BYTES = 1024 * 1024


def scan_packets(file: BinaryIO) -> Iterator[Packet | PacketDamage]:
    """All packets and damage of a file; adjacent damage is merged."""
    scanner = PacketScanner()
    damage: PacketDamage | None = None
    is_end = False
    while not is_end:
        block = file.read(BLOCK_BYTES)
        is_end = not block
        for found in scanner.feed(block, is_end=is_end):
            if isinstance(found, PacketDamage):
                damage = found if damage is None else _merge(damage, found)
                continue
            if damage is not None:
                yield damage
                damage = None
            yield found
    if damage is not None:
        yield damage


def _merge(damage: PacketDamage, further: PacketDamage) -> PacketDamage:
    return further._replace(
        offset_bytes=damage.offset_bytes,
        size_bytes=damage.size_bytes + further.size_bytes,
        reason=damage.reason,
    )
