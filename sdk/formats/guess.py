"""Which format a file has, by its name, else by its first bytes."""

from __future__ import annotations

import re
from pathlib import Path

from sdk.formats.candump import other_log
from sdk.formats.logged_line import holds_sentence
from sdk.formats.packet_scan import PacketScanner
from sdk.formats.packets import COUNT_MASK, Damage, Packet
from sdk.formats.recording import RecordingError

FORMATS = ("ccsds", "nmea", "can", "ulog", "csv", "jsonl")
LOOK_MAX_BYTES = 256 * 1024
PACKETS_MIN = 2
PREFIX_MAX_BYTES = 64
"""Most that stands before the first packet of a recording."""
PACKETS_SHARE_MIN = 0.5
"""What of a file has to be packets, up to the last of them: others hold what looks like some."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".nmea": "nmea",
    ".ccsds": "ccsds",
    ".ulg": "ulog",
}
_CAN_FRAME = re.compile(
    rb"(?:^|[\r\n])\(\d{1,12}\.\d{1,9}\) [A-Za-z0-9_-]+ (?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
)
_ULOG_MAGIC = b"ULog\x01\x12\x35"
_JSON_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\"")


def guess(path: Path) -> str:
    """One of FORMATS; raises RecordingError where a file looks like none of them."""
    by_name = _BY_SUFFIX.get(path.suffix.lower())
    if by_name is not None:
        return by_name
    with path.open("rb") as file:
        head = file.read(LOOK_MAX_BYTES)
    if head.startswith(_ULOG_MAGIC):
        return "ulog"
    if _JSON_LINE.match(head):
        return "jsonl"
    if _CAN_FRAME.search(head) or other_log(head) is not None:
        return "can"  # Its reader says what to do with what is no log of frames.
    if holds_sentence(head):
        return "nmea"
    if _is_packets(head, whole=len(head) < LOOK_MAX_BYTES):
        return "ccsds"
    raise RecordingError(f"cannot tell the format of {path}: give --format {'|'.join(FORMATS)}")


def _is_packets(head: bytes, whole: bool) -> bool:
    """Whether it is packets as far as can be seen; among other bytes they have to count on."""
    found = list(PacketScanner().feed(head, is_end=whole))
    told = [one for one in found if isinstance(one, Packet)]
    complete = len(told)
    if len(found) == complete:
        return complete >= PACKETS_MIN or (whole and complete == 1)
    if complete < PACKETS_MIN or told[0].offset_bytes > PREFIX_MAX_BYTES:
        return False
    if _is_only_cut(found):
        return True
    counts: dict[int, int] = {}
    going_on = 0
    for one in told:
        going_on += counts.get(one.source) == one.sequence
        counts[one.source] = (one.sequence + 1) & COUNT_MASK
    size_bytes = sum(len(one.data) for one in told)
    if going_on < max(PACKETS_MIN, complete / 2):
        return False
    return size_bytes >= told[-1].end_bytes * PACKETS_SHARE_MIN


def _is_only_cut(found: list[Packet | Damage]) -> bool:
    """Whether all that is no packet is the end that one breaks off at."""
    return all(isinstance(one, Packet) for one in found[:-1])
