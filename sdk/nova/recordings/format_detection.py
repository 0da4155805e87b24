"""Detects a recording's format by its file name, else by its first bytes."""

from __future__ import annotations

import re
from pathlib import Path

from nova.recordings.can_log import can_log_kind
from nova.recordings.candump import other_log_format
from nova.recordings.capture_file import PCAP_MAGICS, SECTION_MAGIC
from nova.recordings.dataflash import MAGIC as DATAFLASH_MAGIC
from nova.recordings.gnss import UBX_MAGIC
from nova.recordings.logged_line import holds_sentence
from nova.recordings.mcap_reader import MAGIC as MCAP_MAGIC
from nova.recordings.packet_scan import PacketScanner
from nova.recordings.packets import COUNT_MASK, Packet, PacketDamage
from nova.recordings.parquet_table import PARQUET_MAGIC
from nova.recordings.recording import RecordingError
from nova.recordings.ros_bag import ROS1_MAGIC, SQLITE_MAGIC

FORMATS = (
    *("ccsds", "nmea", "can", "ulog", "ardupilot", "mavlink", "mcap", "rosbag"),
    "gnss",
    *("gpx", "influx", "csv", "parquet", "jsonl", "pcap"),
)
HEAD_MAX_BYTES = 256 * 1024
ROOT_MAX_BYTES = 1024
"""The bytes within which an XML file has its root."""
PACKETS_MIN = 2
PREFIX_MAX_BYTES = 64
"""The most bytes before the first packet of a recording."""
PACKETS_SHARE_MIN = 0.5
"""The share of packets in the bytes up to the last packet: other files contain lookalikes."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".nmea": "nmea",
    ".ccsds": "ccsds",
    ".ulg": "ulog",
    ".gpx": "gpx",
    ".parquet": "parquet",
    ".ubx": "gnss",
    ".rtcm": "gnss",
    ".rtcm3": "gnss",
    ".tlog": "mavlink",
    ".mcap": "mcap",
    ".db3": "rosbag",
    ".bag": "rosbag",
    ".lp": "influx",
    ".asc": "can",
    ".blf": "can",
    ".mf4": "can",
    ".pcap": "pcap",
    ".pcapng": "pcap",
}
_CAN_FRAME = re.compile(
    rb"(?:^|[\r\n])\(\d{1,12}\.\d{1,9}\) [A-Za-z0-9_-]+ (?:[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
)
_BY_MAGIC = {
    b"ULog\x01\x12\x35": "ulog",
    DATAFLASH_MAGIC: "ardupilot",
    MCAP_MAGIC: "mcap",
    PARQUET_MAGIC: "parquet",
    UBX_MAGIC: "gnss",
    ROS1_MAGIC: "rosbag",
    SQLITE_MAGIC: "rosbag",
    **dict.fromkeys((*PCAP_MAGICS, SECTION_MAGIC), "pcap"),
}
_GPX_ROOT = re.compile(rb"<(?:\w+:)?gpx[\s>]")
_JSON_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\"")


def detect_format(path: Path) -> str:
    """One of FORMATS; raises RecordingError if none is recognized."""
    by_name = named_format(path)
    if by_name is not None:
        return by_name
    with path.open("rb") as file:
        head = file.read(HEAD_MAX_BYTES)
    for magic, name in _BY_MAGIC.items():
        if head.startswith(magic):
            return name
    if can_log_kind(head) is not None:
        return "can"
    if _GPX_ROOT.search(head[:ROOT_MAX_BYTES]):
        return "gpx"
    if _JSON_LINE.match(head):
        return "jsonl"
    if _CAN_FRAME.search(head) or other_log_format(head) is not None:
        return "can"  # CanReader explains how to convert what else is a CAN log.
    if holds_sentence(head):
        return "nmea"
    if _looks_like_packets(head, whole=len(head) < HEAD_MAX_BYTES):
        return "ccsds"
    raise RecordingError(f"cannot detect the format of {path}: give --format {'|'.join(FORMATS)}")


def holds_capture(path: Path) -> bool:
    """Whether a file is of captured packets."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        magic = file.read(len(SECTION_MAGIC))
    return magic == SECTION_MAGIC or magic in PCAP_MAGICS


def named_format(path: Path) -> str | None:
    """The format that the file's name says; None if it says none."""
    return _BY_SUFFIX.get(path.suffix.lower())


def _looks_like_packets(head: bytes, whole: bool) -> bool:
    """Whether the bytes are packets; if mixed with others, their sequence counts must advance."""
    found = list(PacketScanner().feed(head, is_end=whole))
    whole_packets = [one for one in found if isinstance(one, Packet)]
    complete = len(whole_packets)
    if len(found) == complete:
        return complete >= PACKETS_MIN or (whole and complete == 1)
    if complete < PACKETS_MIN or whole_packets[0].offset_bytes > PREFIX_MAX_BYTES:
        return False
    if _is_only_last_cut(found):
        return True
    counts: dict[int, int] = {}
    going_on = 0
    for one in whole_packets:
        going_on += counts.get(one.source) == one.sequence
        counts[one.source] = (one.sequence + 1) & COUNT_MASK
    size_bytes = sum(len(one.data) for one in whole_packets)
    if going_on < max(PACKETS_MIN, complete / 2):
        return False
    return size_bytes >= whole_packets[-1].end_bytes * PACKETS_SHARE_MIN


def _is_only_last_cut(found: list[Packet | PacketDamage]) -> bool:
    """Whether the only damage is a last packet that is cut off."""
    return all(isinstance(one, Packet) for one in found[:-1])
