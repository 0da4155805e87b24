"""Logs that tests make: NMEA sentences, a CAN bus, an autopilot's ULog, and a table."""

from __future__ import annotations

import math
import struct
from functools import reduce
from operator import xor

from nova.sdk import timestamps

START_NS = timestamps.parse("2026-03-01T12:00:00Z")
START_S = START_NS // 10**9
LATITUDE_DEG, LONGITUDE_DEG = 52.5, 5.25

# --- NMEA 0183 ------------------------------------------------------------------------------------


def sentence(body: str) -> bytes:
    """A sentence with its checksum and line end."""
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def boat_log(seconds: int) -> bytes:
    """A boat that sails east: a fix, its date and a heading each second."""
    return b"".join(_boat_second(number) for number in range(seconds))


def _boat_second(number: int) -> bytes:
    minutes, seconds = divmod(number, 60)
    time = f"12{minutes:02}{seconds:02}.00"
    place = f"5230.0000,N,00515.{number:04},E"
    return (
        sentence(f"GPRMC,{time},A,{place},6.0,90.0,010326,,,A")
        + sentence(f"GPGGA,{time},{place},1,09,0.9,2.0,M,46.0,M,,")
        + sentence(f"SDHDG,{90 + number % 5}.0,,,1.3,E")
    )


# --- NMEA 2000 ------------------------------------------------------------------------------------

POSITION_ID, GNSS_ID = "09F80102", "0DF80502"
GNSS_FRAMES = 7
SATELLITES = 12


def bus_log(seconds: int, interface: str = "can0") -> bytes:
    """A bus with a receiver: ten positions a second, and once a message of seven frames."""
    lines = [line for number in range(seconds) for line in _bus_second(number, interface)]
    return b"".join(lines)


def _bus_second(number: int, interface: str) -> list[bytes]:
    degrees = round(LATITUDE_DEG * 1e7), round(LONGITUDE_DEG * 1e7) + number
    lines = [
        can_line(number + tenth / 10, POSITION_ID, struct.pack("<ii", *degrees), interface)
        for tenth in range(10)
    ]
    return lines + gnss_lines(number, interface)


def can_line(at_s: float, can_id: str, data: bytes, interface: str = "can0") -> bytes:
    """A frame as candump logs it, some seconds after the start."""
    return f"({START_S + at_s:.6f}) {interface} {can_id}#{data.hex().upper()}\n".encode()


def gnss_lines(number: int, interface: str = "can0") -> list[bytes]:
    """The frames of one GNSS position: a count and a length first, then seven bytes each."""
    days, day_s = divmod(START_S + number, 86_400)
    fixed = struct.pack("<BHI", number % 250, days, day_s * 10_000)
    place = round(LATITUDE_DEG * 1e16), round(LONGITUDE_DEG * 1e16), 2_000_000
    quality = struct.pack("<BBBhhiB", 0x13, 0xFC, SATELLITES, 90, 120, 4_600, 0)
    message = bytes([fixed_length := 43]) + fixed + struct.pack("<qqq", *place) + quality
    assert len(message) == fixed_length + 1
    parts = [message[:7], *(message[start : start + 7] for start in range(7, len(message), 7))]
    count = number % 8 << 5
    return [
        can_line(number + 0.95, GNSS_ID, bytes([count | index]) + part.ljust(7, b"\xff"), interface)
        for index, part in enumerate(parts)
    ]


# --- ULog -----------------------------------------------------------------------------------------

ULOG_BOOT_US = 5_000_000
ATTITUDE = "vehicle_attitude:uint64_t timestamp;float[4] q;"
DEBUG = "debug_value:uint64_t timestamp;int32_t value;uint8_t[4] _padding0;"


def ulog_message(kind: str, data: bytes) -> bytes:
    """A message as a ULog file holds it."""
    return struct.pack("<HB", len(data), ord(kind)) + data


def drone_log(seconds: int) -> bytes:
    """An autopilot that turns: its attitude ten times a second, a value each, and what it said."""
    head = b"ULog\x01\x12\x35\x01" + struct.pack("<Q", ULOG_BOOT_US)
    key = b"char[8] ver_hw"
    opening = [
        ulog_message("I", bytes([len(key)]) + key + b"MADE_V01"),
        ulog_message("P", b"\x0eint32_t SYS_ID" + struct.pack("<i", 7)),
        ulog_message("F", ATTITUDE.encode()),
        ulog_message("F", DEBUG.encode()),
        ulog_message("A", struct.pack("<BH", 0, 0) + b"vehicle_attitude"),
        ulog_message("A", struct.pack("<BH", 0, 1) + b"debug_value"),
    ]
    return head + b"".join(opening) + b"".join(_drone_second(one) for one in range(seconds))


def _drone_second(number: int) -> bytes:
    at_us = ULOG_BOOT_US + number * 1_000_000
    messages = [_attitude(at_us + tenth * 100_000) for tenth in range(10)]
    messages.append(ulog_message("D", struct.pack("<HQi", 1, at_us + 950_000, -number)))
    said = struct.pack("<BQ", ord("6"), at_us + 960_000) + f"second {number}".encode()
    return b"".join(messages) + ulog_message("L", said)


def _attitude(at_us: int) -> bytes:
    half = at_us / 20_000_000
    parts = math.cos(half), 0.0, 0.0, math.sin(half)
    return ulog_message("D", struct.pack("<HQffff", 0, at_us, *parts))


# --- tables ---------------------------------------------------------------------------------------


def flight_table(rows: int) -> bytes:
    """A rocket's table: relative times, two columns of one name, blanks and NaN."""
    lines = ["time, call, altitude, speed, altitude"]
    for number in range(rows):
        speed = ("", "NaN", str(number * 2.5))[min(number, 2)]
        lines.append(f"{number / 20 - 0.3:.2f}, MADE, {1330 + number}.5, {speed}, {1394 + number}")
    return ("\n".join(lines) + "\n").encode()
