"""Housekeeping frames: CCSDS space packets with a CDS time as secondary header."""

from __future__ import annotations

import struct

from nova.recordings import cds
from nova.recordings.packets import HEADER_SIZE_BYTES
from nova.sdk.optional_imports import import_optional
from nova.sdk.timestamps import NS_PER_SECOND

SEQUENCE_MASK = 0x3FFF
HEADERS_BYTES = HEADER_SIZE_BYTES + cds.SIZE_BYTES
"""What stands before the values."""


def frame(apid: int, at_ns: int, values: struct.Struct, *fields: float) -> tuple[bytes, int]:
    """One packet of an APID, with its sequence count, which counts seconds."""
    ccsds = import_optional("spacepackets.ccsds", "simulator")
    user_data = values.pack(*fields)
    sequence = at_ns // NS_PER_SECOND & SEQUENCE_MASK
    header = ccsds.SpacePacketHeader.tm(
        apid=apid,
        seq_count=sequence,
        data_len=cds.SIZE_BYTES + len(user_data) - 1,
        sec_header_flag=True,
    )
    packet = ccsds.SpacePacket(header, cds.encode(at_ns), user_data)
    return bytes(packet.pack()), sequence
