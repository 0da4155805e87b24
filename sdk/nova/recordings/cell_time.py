"""Parses the times of table cells: ISO 8601, formats of --time-format, and counters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from nova.recordings import counter
from nova.recordings.recording import RecordingError
from nova.sdk.errors import TimestampError
from nova.sdk.timestamps import NS_PER_SECOND

SECONDS_PER_DAY = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
FORMAT_HINT = "; give its form by --time-format, for example '%d/%m/%Y %H:%M:%S'"
_ISO = re.compile(
    r"(?P<year>\d{4})(?P<sign>-?)(?:(?P<month>\d\d)(?P=sign)(?P<day>\d\d)|(?P<of_year>\d{3}))"
    r"(?:[Tt]| +)(?P<hour>\d\d):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r" ?(?P<zone>[Zz]|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_OFFSET = re.compile(r"([+-])(\d\d)(?::?(\d\d))?", re.ASCII)
_STRPTIME_DIRECTIVE = re.compile(r"%.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{1,8}", re.ASCII)
_UTC_NAMES = ("UTC", "GMT", "Z")
_WITH_YEAR = ("%Y", "%y", "%c", "%x", "%G")


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """The column (or columns) with the time, and how to parse its cells.

    `zone` applies to times that name none; `strptime_format` is for `datetime.strptime`.
    """

    name: str | None = None
    unit: str = "s"
    epoch_ns: int = 0
    zone: tzinfo | None = None
    strptime_format: str | None = None

    def columns(self, names: Sequence[str]) -> list[str] | None:
        """The time columns among `names`; None if one is missing."""
        if self.name is None:
            return None
        wanted = [self.name] if self.name in names else self.name.split(",")
        return wanted if all(name in names for name in wanted) else None

    def cell(self, columns: Sequence[str], row: Mapping[str, str]) -> str:
        """The time text of a row; several columns are joined by a blank."""
        return " ".join(row.get(name, "") for name in columns)

    def time_ns(self, cell: str) -> int:
        """The time of a cell in ns since 1970; raises TimestampError."""
        if self.strptime_format is not None:
            return _strptime_ns(cell, self.strptime_format, self.zone)
        if self.unit == "iso":
            return iso_ns(cell, self.zone)
        ns = counter.to_ns(cell, self.unit, self.epoch_ns)
        if ns is None:
            raise TimestampError(f"{cell[:64]!r} is not a number of {self.unit}")
        return ns


def parse_zone(text: str) -> tzinfo:
    """A time zone from a name or an offset; raises RecordingError."""
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        try:
            return timezone(timedelta(seconds=_offset_s(text)))
        except TimestampError as error:
            raise RecordingError(f"--time-zone {error}") from None
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, KeyError) as error:
        raise RecordingError(
            f"--time-zone {text[:64]!r} is unknown: give UTC, a name like Europe/Berlin, or +02:00"
        ) from error


def check_format(strptime_format: str) -> str:
    """Validate a format; raises RecordingError if it has no year or cannot be parsed."""
    if not any(part in strptime_format for part in _WITH_YEAR):
        raise RecordingError(
            f"--time-format {strptime_format!r} has no year (%Y): a time of day alone is not enough"
        )
    try:
        now = datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
        datetime.strptime(now.strftime(strptime_format), strptime_format)
    except (ValueError, re.error) as error:
        raise RecordingError(f"--time-format {strptime_format!r} cannot be used: {error}") from None
    return strptime_format


def iso_ns(cell: str, zone: tzinfo | None, hint: str = FORMAT_HINT) -> int:
    """Nanoseconds since 1970 of an ISO 8601 time; `zone` applies if it names none, and `hint`
    says what to do with another.
    """
    match = _ISO.fullmatch(cell)
    if match is None:
        raise TimestampError(f"{cell[:64]!r} is not an ISO 8601 time{hint}")
    seconds = _day(match, cell) * SECONDS_PER_DAY + _second_of_day(match, cell)
    named = match["zone"]
    if named is not None:
        seconds -= 0 if named in ("Z", "z", "UTC") else _offset_s(named)
    else:
        seconds = _local_to_utc(seconds, zone, cell)
    if match["second"] == "60" and seconds % SECONDS_PER_DAY:
        raise TimestampError(f"{cell[:64]!r} has a second 60 that is not 23:59:60 UTC")
    return seconds * NS_PER_SECOND + _fraction_ns(match["fraction"] or "", cell)


def _day(match: re.Match[str], cell: str) -> int:
    try:
        if match["of_year"] is None:
            found = date(int(match["year"]), int(match["month"]), int(match["day"]))
        else:
            found = date(int(match["year"]), 1, 1) + timedelta(days=int(match["of_year"]) - 1)
    except (ValueError, OverflowError):
        raise TimestampError(f"{cell[:64]!r} has a day that does not exist") from None
    if match["of_year"] is not None and found.year != int(match["year"]):
        raise TimestampError(f"{cell[:64]!r} has a day that does not exist")
    return found.toordinal() - _EPOCH_DAY


def _second_of_day(match: re.Match[str], cell: str) -> int:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    found = hour * 3600 + minute * 60 + second
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and found > SECONDS_PER_DAY):
        raise TimestampError(f"{cell[:64]!r} has a time of day that does not exist")
    return found


def _fraction_ns(digits: str, cell: str) -> int:
    if digits[9:].strip("0"):
        raise TimestampError(f"{cell[:64]!r} is finer than a nanosecond")
    return int(digits[:9].ljust(9, "0"))


def _offset_s(text: str) -> int:
    match = _OFFSET.fullmatch(text)
    assert match is not None
    sign, hours, minutes = match.groups()
    if int(hours) > 23 or int(minutes or 0) > 59:
        raise TimestampError(f"{text!r} is an offset beyond 23:59")
    offset = int(hours) * 3600 + int(minutes or 0) * 60
    return -offset if sign == "-" else offset


def _local_to_utc(seconds: int, zone: tzinfo | None, cell: str, name: str | None = None) -> int:
    """UTC seconds since 1970 of a local clock; refuses an hour that a clock change repeats or
    skips, unless the `name` that the zone has then (CEST) says which.
    """
    if zone is None:
        raise TimestampError(f"{cell[:64]!r} names no zone: give --time-zone")
    try:
        clock = datetime(1970, 1, 1) + timedelta(seconds=seconds)
        folds = [clock.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
        found = {
            int(moment.timestamp())
            for moment in folds
            if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == clock
            and (name is None or moment.tzname() == name)
        }
    except OverflowError:
        raise TimestampError(f"{cell[:64]!r} is outside the years 1 to 9999") from None
    if name is not None and not found:
        raise _unknown_zone(cell, name)
    if len(found) != 1:
        how = "occurs twice" if found else "does not exist"
        raise TimestampError(f"{cell[:64]!r} {how} in {zone} because of a clock change")
    return found.pop()


def _unknown_zone(cell: str, name: str) -> TimestampError:
    return TimestampError(
        f"{cell[:64]!r} names the zone {name!r}, which is unknown: use UTC, GMT, or a name that "
        "the zone of --time-zone has at that time"
    )


def _strptime_ns(cell: str, strptime_format: str, zone: tzinfo | None) -> int:
    moment, name = _parse_with_zone_name(cell, strptime_format)
    clock = moment.replace(tzinfo=None, microsecond=0) - datetime(1970, 1, 1)
    seconds = clock.days * SECONDS_PER_DAY + clock.seconds
    offset = moment.utcoffset()
    if offset is not None:
        seconds -= int(offset.total_seconds())
    elif name is None or name.upper() not in _UTC_NAMES:
        if name is not None and zone is None:
            raise _unknown_zone(cell, name)
        seconds = _local_to_utc(seconds, zone, cell, name)
    return seconds * NS_PER_SECOND + moment.microsecond * 1000


def _parse_with_zone_name(cell: str, strptime_format: str) -> tuple[datetime, str | None]:
    """Parse a cell; returns its time and the zone name at the format's %Z, None without one.

    `strptime` itself accepts only UTC and this host's zone names there, and drops the name.
    """
    names: list[str | None] = [None]
    if any(directive == "%Z" for directive in _STRPTIME_DIRECTIVE.findall(strptime_format)):
        names = [*reversed(_WORD.findall(cell))]
    for name in names:
        try:
            return datetime.strptime(cell, _with_zone_name(strptime_format, name)), name
        except ValueError:
            continue
    raise TimestampError(f"{cell[:64]!r} does not match the format {strptime_format!r}")


def _with_zone_name(strptime_format: str, name: str | None) -> str:
    """The format with the name in place of %Z."""
    return _STRPTIME_DIRECTIVE.sub(
        lambda one: str(name) if one[0] == "%Z" else one[0], strptime_format
    )
