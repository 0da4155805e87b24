"""Lines of logs: what was written around a sentence, and the time that it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings.logged_line import (
    LoggedLine,
    holds_sentence,
    parse_logged_line,
    split_sentences,
)
from nova.sdk import timestamps

RMC = b"$GPRMC,094737,A,5251.0093,N,00518.8170,E,5.6,230.5,200818,1.4,E,A*1F"
VDM = b"!AIVDM,1,1,,B,15N7R>d000qh6tJC94n=7oJ00D02,0*29"


@pytest.mark.parametrize(
    ("line", "stamp"),
    [
        (RMC + b"\r\n", None),
        (b"\xef\xbb\xbf" + RMC, None),
        (b"2021-09-01T20:00:06Z " + VDM, "2021-09-01T20:00:06Z"),
        (b"[2021-09-01 20:00:06.25+02:00] " + VDM, "2021-09-01T18:00:06.25Z"),
        (b"2021-09-01T20:00:06+0000," + VDM, "2021-09-01T20:00:06Z"),
        (b"1630526406 " + VDM, "2021-09-01T20:00:06Z"),
        (b"1630526406.125;" + VDM, "2021-09-01T20:00:06.125Z"),
        (VDM + b",1630526404,1630526406", "2021-09-01T20:00:04Z"),
        (VDM + b",s28089,d-089,T22.4,x4,r003669945,1630526404\r\n", "2021-09-01T20:00:04Z"),
        (b"\\s:2573435,c:1699169531*03\\" + VDM, "2023-11-05T07:32:11Z"),
        (b"\\g:1-2-73,s:r1*4B\\\\c:1699169531250*6E\\" + VDM, "2023-11-05T07:32:11.25Z"),
        (b"\\g:2-2-73*59\\" + VDM, None),
        # A clock without a date or a zone says no time.
        (b"14:29:09.847 -> " + RMC, None),
        (b"2021-09-01 20:00:06 " + VDM, None),
        (b"48213 " + VDM, None),
    ],
)
def test_times_around_a_sentence(line: bytes, stamp: str | None) -> None:
    """The sentence is found, and so is a time that is whole. Before, such lines were unknown."""
    found = parse_logged_line(line)
    assert found.sentence == (VDM if VDM in line else RMC)
    assert found.stamp_ns == (None if stamp is None else timestamps.parse(stamp))
    assert split_sentences(line) == (line,)
    assert holds_sentence(b"# header\r\n" + line)


def test_a_tag_block_with_another_checksum_says_so() -> None:
    """Its time is what the record says; that it may be damaged is reported."""
    assert parse_logged_line(b"\\c:1699169531*57\\" + VDM).is_tag_damaged is False
    assert parse_logged_line(b"\\c:1699169531*00\\" + VDM) == (VDM, 1699169531 * 10**9, True)


def test_lines_that_hold_none() -> None:
    """Binary output and text are themselves."""
    assert parse_logged_line(b"\xb5b\x01\r\n") == LoggedLine(b"\xb5b\x01")
    assert not holds_sentence(b"time,lat,lon\n2020-01-01T00:00:00Z,1,2\n")


@given(st.binary(max_size=40))
def test_binary_before_a_sentence_is_split_off(junk: bytes) -> None:
    """Receivers mix binary output and sentences; split, no byte is lost."""
    found = split_sentences(junk + RMC)
    assert b"".join(found) == junk + RMC
    assert parse_logged_line(found[-1]).sentence == RMC


def test_a_torn_line_costs_only_itself() -> None:
    """Before, a sentence that was written into the one before was lost with it."""
    tagged = b"\\c:1699169531*57\\" + VDM
    for cut in range(7, len(RMC)):
        assert split_sentences(RMC[:cut] + VDM + b"\r\n") == (RMC[:cut], VDM + b"\r\n")
        assert split_sentences(RMC[:cut] + tagged) == (RMC[:cut], tagged)


def test_a_lone_cr_ends_a_line() -> None:
    """As some loggers write."""
    assert split_sentences(RMC + b"\r" + RMC + b"\r\n") == (RMC + b"\r", RMC + b"\r\n")


@pytest.mark.parametrize("sign", [b"\\", b"1", b"\\a", b"[1", b"$GPAAA", b"$P", b"\\\\!", b"9-"])
def test_any_repeated_signs_end(sign: bytes) -> None:
    """No pattern tries a line of 8 KiB again from each of its bytes."""
    line = (sign * 8192)[:8192]
    assert b"".join(split_sentences(line)) == line
    assert parse_logged_line(line).stamp_ns is None
