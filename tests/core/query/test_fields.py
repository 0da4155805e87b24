"""The fields of a series, and which values of an event are numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.fields import list_fields
from nova.sdk.protocol.timeline import Fields
from nova.sdk.transport.base import Record
from tests.core.telling import START_NS, telling

Commit = Callable[[Sequence[Record]], CommitFrame]


def asked(lane: str, unit: str = "u") -> Fields:
    """The fields of a unit's series."""
    view_id = "v" if lane == "ui" else ""
    kind = {"ui": "UiUpdate", "raw": ""}.get(lane, "Numbers")
    return Fields(
        scope_id="sat",
        system_id="bus",
        container_id="eps",
        unique_id=unit,
        lane=lane,  # type: ignore[arg-type]  # it is a lane
        message_type=kind,
        view_id=view_id,
    )


def test_fields_are_those_of_the_newest_events(view: ArchiveSnapshot, commit: Commit) -> None:
    """Partial updates add up; the newest value says the kind, null says nothing."""
    commit(
        [
            telling(START_NS, {"volts": "n/a", "mode": "safe", "gone": None}, lane="ui"),
            telling(START_NS + 1, {"volts": 3.5, "gps": {"lat": 1, "fix": True}}, lane="ui"),
            telling(START_NS + 2, {"list": [1, {"x": 2}], "gps": {"lat": 2}}, lane="ui"),
        ]
    )
    found = {info.field: info.kind for info in list_fields(view, asked("ui")).fields}
    assert found == {"gps.fix": "boolean", "gps.lat": "number", "mode": "string", "volts": "number"}


def test_a_series_without_a_body_or_that_is_not_there_has_no_fields(
    view: ArchiveSnapshot, commit: Commit
) -> None:
    """Not an error: there is nothing to choose from."""
    commit([telling(START_NS, lane="raw"), telling(START_NS, {"a": 1}, lane="metadata")])
    assert list_fields(view, asked("raw")).fields == []
    assert list_fields(view, asked("ui", "nobody")).fields == []
    assert [info.field for info in list_fields(view, asked("metadata")).fields] == ["a"]
