"""Which format a file has, by its name, else by its first bytes."""

from __future__ import annotations

import re
from pathlib import Path

from sdk.formats.packets import HEADER_SIZE_BYTES
from sdk.formats.recording import RecordingError

FORMATS = ("ccsds", "nmea", "can", "ulog", "csv", "jsonl")
LOOK_MAX_BYTES = 256 * 1024
PACKETS_MIN = 2

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".nmea": "nmea",
    ".ccsds": "ccsds",
    ".ulg": "ulog",
}
_SENTENCE = re.compile(rb"(?:^|[\r\n])[$!](?:[A-Z]{2}[A-Z0-9]{3}|P[A-Z]{3}),")
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
    if _CAN_FRAME.search(head):
        return "can"
    if _SENTENCE.search(head):
        return "nmea"
    if _is_packets(head, whole=len(head) < LOOK_MAX_BYTES):
        return "ccsds"
    raise RecordingError(f"cannot tell the format of {path}: give --format {'|'.join(FORMATS)}")


def _is_packets(head: bytes, whole: bool) -> bool:
    """Whether lengths lead from packet header to packet header, as far as can be seen."""
    offset = complete = 0
    while offset + HEADER_SIZE_BYTES <= len(head):
        if head[offset] >> 5:
            return False
        offset += HEADER_SIZE_BYTES + int.from_bytes(head[offset + 4 : offset + 6]) + 1
        complete += offset <= len(head)
    return complete >= PACKETS_MIN or (whole and complete == 1 and offset == len(head))
