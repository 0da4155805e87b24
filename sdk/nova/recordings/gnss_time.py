"""The time of UBX and RTCM messages: UTC, GPS week and time of week, or a time of week alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nova.recordings.time_scale import to_utc
from nova.sdk import timestamps

GPS_EPOCH_NS = timestamps.parse("1980-01-06T00:00:00Z")
WEEK_NS = 7 * 24 * 3600 * 10**9
UTC_FIELDS = ("year", "month", "day", "hour", "min")
UTC_FLAGS = ("validDate", "validTime", "fullyResolved", "validUTC")
GPS_FLAGS = ("towValid", "weekValid")
NS_PER_MS = 1_000_000

Values = dict[str, object]


def full_ns(values: Values) -> int | None:
    """The time of a message that states it whole and valid; None for others."""
    if all(isinstance(values.get(name), int) for name in UTC_FIELDS):
        return _utc_ns(values)
    week, seconds = values.get("week"), values.get("rcvTow")
    if isinstance(week, int) and isinstance(seconds, float):
        return _gps_utc(week * WEEK_NS + round(seconds * 1e9))
    week, of_week_ms = values.get("week"), values.get("iTOW")
    if isinstance(week, int) and isinstance(of_week_ms, int) and _are_set(values, GPS_FLAGS):
        return _gps_utc(week * WEEK_NS + of_week_ms * NS_PER_MS)
    return None


def near_ns(values: Values, reference_ns: int) -> int | None:
    """The time of a message that states its time of the week, in the week nearest to a reference;
    None for others.
    """
    of_week_ms = values.get("iTOW", values.get("DF004"))
    if not isinstance(of_week_ms, int) or isinstance(of_week_ms, bool):
        return None
    first = _gps_utc(of_week_ms * NS_PER_MS)
    weeks = round((reference_ns - first) / WEEK_NS)
    return _gps_utc(weeks * WEEK_NS + of_week_ms * NS_PER_MS)


def _gps_utc(ns: int) -> int:
    return to_utc(GPS_EPOCH_NS + ns, "gps")


def _utc_ns(values: Values) -> int | None:
    flags = [name for name in UTC_FLAGS if name in values]
    second, nano = values.get("second", values.get("sec")), values.get("nano", 0)
    if not flags or not _are_set(values, flags):
        return None
    if not isinstance(second, int) or not isinstance(nano, int):
        return None
    year, month, day, hour, minute = (int(str(values[name])) for name in UTC_FIELDS)
    try:
        moment = datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=second)
    except (ValueError, OverflowError):
        return None
    return int(moment.timestamp()) * 10**9 + nano


def _are_set(values: Values, flags: list[str] | tuple[str, ...]) -> bool:
    return all(values.get(name) for name in flags)
