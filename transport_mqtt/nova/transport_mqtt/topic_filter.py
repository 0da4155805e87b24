"""Topic filters of MQTT: `+` stands for one level, `#` at the end for the rest."""

from __future__ import annotations

from typing import Final

ONE: Final = "+"
REST: Final = "#"
TOPIC_MAX_BYTES: Final = 65_535


def fault(topic_filter: str) -> str | None:
    """What is wrong with a filter; None if it is one."""
    levels = topic_filter.split("/")
    if not topic_filter or "\0" in topic_filter:
        return "is empty or holds a NUL"
    if len(topic_filter.encode(errors="replace")) > TOPIC_MAX_BYTES:
        return f"has more than {TOPIC_MAX_BYTES} bytes"
    if REST in levels[:-1]:
        return "has # before its last level"
    for level in levels:
        if level not in (ONE, REST) and (ONE in level or REST in level):
            return f"has a wildcard within the level {level[:64]!r}"
    return None


def match(topic_filter: str, topic: str) -> list[str] | None:
    """The levels of a topic that the filter's `+` stand for, in order; None if it does not match.

    As in MQTT, a wildcard at the beginning matches no topic that begins with `$`.
    """
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in (ONE, REST):
        return None
    found: list[str] = []
    for place, level in enumerate(wanted):
        if level == REST:
            return found
        if place >= len(levels) or level not in (ONE, levels[place]):
            return None
        if level == ONE:
            found.append(levels[place])
    return found if len(levels) == len(wanted) else None


def overlap(one: str, other: str) -> bool:
    """Whether a topic could match both filters."""
    first, second = one.split("/"), other.split("/")
    for place in range(max(len(first), len(second))):
        a = first[place] if place < len(first) else None
        b = second[place] if place < len(second) else None
        if REST in (a, b):
            return True
        if a is None or b is None:
            # `a/#` matches `a` too.
            return False
        if ONE not in (a, b) and a != b:
            return False
    return True
