"""Splits logged lines into a sentence and the time that the logger wrote beside it.

Recognized are TAG blocks of NMEA 4 (`\\c:1699169531*57\\`), an ISO time or seconds since 1970
before the sentence, and seconds since 1970 after its checksum. A time of day, or a date without a
zone, before a sentence is ignored, since its time zone is unknown.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError

BOM = b"\xef\xbb\xbf"

_ADDRESS = rb"[$!](?:[A-Za-z]{2}[A-Za-z0-9]{3}|P[A-Z0-9]{3,8}),"
_TAGS = rb"(?:\\[ -\[\]-~]{1,200}\\){1,4}"
_STAMP = rb"\[?\d[\dT:.,+Zz/ -]{0,40}\]?[ \t,;:|>-]{0,8}"
_LINE_BEGIN = rb"(?:^|(?<=[\r\n]))(?:" + BOM + rb")?"
_BEGIN = re.compile(
    rb"(?:" + _TAGS + rb"|" + _LINE_BEGIN + rb"(?:" + _TAGS + rb"|" + _STAMP + rb")?)?" + _ADDRESS
)
_LINE = re.compile(_LINE_BEGIN + rb"(?:" + _TAGS + rb"|" + _STAMP + rb")?" + _ADDRESS)
_SENTENCE = re.compile(_ADDRESS)
_SUFFIX = re.compile(rb"(\*[0-9A-Fa-f]{2})((?:,[ -~]*)?)\s*\Z")
_TAG_BLOCK = re.compile(rb"\\([^\\*]*)\*([0-9A-Fa-f]{2})\\")
_TAG_TIME = re.compile(rb"(?:^|,)c:(\d{9,10}|\d{12,13})(?:,|$)")
_SECONDS = re.compile(rb"(\d{9,10})(?:\.(\d{1,9}))?")
_ISO = re.compile(
    rb"\[?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,9})?) ?([Zz]|[+-]\d\d:?\d\d)\b"
)


class LoggedLine(NamedTuple):
    """A line's sentence without its line end, and the logger's time.

    `is_tag_damaged` is set if that time is from a TAG block with a wrong checksum.
    """

    sentence: bytes
    stamp_ns: int | None = None
    is_tag_damaged: bool = False


def holds_sentence(text: bytes) -> bool:
    """Whether any line of a text starts with a sentence, with or without a time before it."""
    return _LINE.search(text) is not None


def split_sentences(line: bytes) -> tuple[bytes, ...]:
    """Split a line where another sentence begins within it: after binary output, a torn line or a
    lone CR. The parts together are the line.
    """
    cuts = [match.start() for match in _BEGIN.finditer(line) if match.start()]
    edges = [0, *cuts, len(line)]
    return tuple(line[begin:end] for begin, end in pairwise(edges))


def parse_logged_line(line: bytes) -> LoggedLine:
    """Parse the sentence of a line and its time; without a sentence, the whole line."""
    match = _SENTENCE.search(line)
    if match is None:
        return LoggedLine(line.strip())
    before, sentence = line[: match.start()].removeprefix(BOM), line[match.start() :].strip()
    behind = _SUFFIX.search(sentence)
    if before.endswith(b"\\") and (tags := _TAG_BLOCK.findall(before)):
        stamp_ns, is_damaged = _tag_time(tags)
        return LoggedLine(_without_suffix(sentence, behind), stamp_ns, is_damaged)
    stamp_ns = _prefix_ns(before.strip())
    if stamp_ns is None and behind is not None:
        stamp_ns = _suffix_ns(behind[2])
    return LoggedLine(_without_suffix(sentence, behind), stamp_ns)


def _without_suffix(sentence: bytes, behind: re.Match[bytes] | None) -> bytes:
    return sentence if behind is None else sentence[: behind.end(1)]


def _prefix_ns(text: bytes) -> int | None:
    iso = _ISO.match(text)
    if iso is not None:
        return _iso_ns(*(part.decode() for part in iso.groups()))
    match = _SECONDS.match(text)
    if match is None or text[match.end() :].strip(b" \t,;:|>-") != b"":
        return None
    return _seconds_ns(match)


def _tag_time(blocks: list[tuple[bytes, bytes]]) -> tuple[int | None, bool]:
    """The `c:` time of TAG blocks (s or ms) in ns, and whether the block's checksum is wrong."""
    for content, checksum in blocks:
        time = _TAG_TIME.search(content)
        if time is not None:
            count = int(time[1]) * (10**9 if len(time[1]) <= 10 else 10**6)
            return _in_range(count), nmea_checksum(content) != int(checksum, 16)
    return None, False


def _iso_ns(day: str, clock: str, zone: str) -> int | None:
    if len(zone) == 5:
        zone = f"{zone[:3]}:{zone[3:]}"
    try:
        return timestamps.parse(f"{day}T{clock.replace(',', '.')}{zone.upper()}")
    except TimestampError:
        return None


def _suffix_ns(text: bytes) -> int | None:
    """The first field after the checksum that is a count of seconds."""
    for field in text.split(b","):
        match = _SECONDS.fullmatch(field.strip())
        if match is not None:
            return _seconds_ns(match)
    return None


def _seconds_ns(match: re.Match[bytes]) -> int | None:
    return _in_range(int(match[1]) * 10**9 + int((match[2] or b"").ljust(9, b"0")))


def _in_range(ns: int) -> int | None:
    """None for a count that is no time, which must not date the lines behind it either."""
    return ns if ns <= timestamps.NS_MAX else None


def nmea_checksum(content: bytes) -> int:
    checksum = 0
    for byte in content:
        checksum ^= byte
    return checksum
