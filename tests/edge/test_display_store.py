"""Displays on disk: every version kept, one change at a time, bounded, and each recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nova.edge.actor import Actor
from nova.edge.audit_queue import AuditQueue
from nova.edge.display_store import DisplayLimits, DisplayStore
from nova.sdk.display import Display, DisplayColumn, DisplayPage, DisplayPanel
from nova.sdk.errors import ProtocolError
from tests.edge.stepped_clock import SteppedClock

ANN, BOB = Actor("ann", "user"), Actor("bob", "user")


def display(name: str, scope: str = "sat1") -> Display:
    options: dict[str, object] = {"fields": [{"series": {"scopeId": scope, "lane": "parsed"}}]}
    panel = DisplayPanel(id="a", kind="gauge", options=options)
    page = DisplayPage(name="One", columns=[DisplayColumn(panels=[panel])])
    return Display(name=name, pages=[page])


@pytest.fixture
def displays(tmp_path: Path) -> Iterator[DisplayStore]:
    with DisplayStore(tmp_path, SteppedClock()) as displays:
        yield displays


def actions(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Who did what, of every entry that waits for the Core."""
    with AuditQueue(folder) as queue:
        return [(one.entry.principal, one.entry.details) for one in queue.first()]


def everybody(content: bytes, saved_by: str) -> bool:
    """Each version is seen."""
    return True


def test_every_version_is_kept(displays: DisplayStore, tmp_path: Path) -> None:
    """With who saved it and when, for every edge of the folder; the newest names its scopes."""
    first = displays.add(display("Power"), ANN, "1")
    second = displays.save(first.id, display("Power 2", "sat2"), 1, BOB)
    assert (first.version, second.version, sorted(second.scopes)) == (1, 2, ["sat2"])
    assert second.saved_by == "bob"
    displays.close()
    with DisplayStore(tmp_path) as again:
        assert again.list_displays() == [second] == [again.get(first.id)]
        assert again.read(first.id, 1, everybody) == display("Power")
        assert again.read(first.id, 2, everybody) == display("Power 2", "sat2")
        versions, older = again.versions(first.id, everybody)
        found = [(one.version, one.name, one.saved_by) for one in versions]
        assert found == [(2, "Power 2", "bob"), (1, "Power", "ann")]
        assert older == 0


def test_a_change_of_another_version_changes_nothing(displays: DisplayStore) -> None:
    """Two who change the same version: the second learns who was first, and loses nothing."""
    stored = displays.add(display("Power"), ANN, "1")
    displays.save(stored.id, display("Bob's"), 1, BOB)
    for change in (
        lambda: displays.save(stored.id, display("Ann's"), 1, ANN),
        lambda: displays.delete(stored.id, 1, ANN),
    ):
        with pytest.raises(ProtocolError) as raised:
            change()
        assert raised.value.code == "conflict"
        assert "bob saved version 2" in str(raised.value)
    assert displays.read(stored.id, 2, everybody).name == "Bob's"


def test_a_deleted_display_is_nobodys_default(displays: DisplayStore) -> None:
    stored = displays.add(display("Power"), ANN, "1")
    displays.set_default("sat1", stored.id, ANN)
    displays.set_default("", stored.id, ANN)
    displays.set_default("", None, ANN)
    assert displays.defaults() == {"sat1": stored.id}
    displays.delete(stored.id, 1, ANN)
    assert displays.defaults() == {}
    with pytest.raises(ProtocolError, match="no version 1"):
        displays.read(stored.id, 1, everybody)


def test_each_change_is_recorded_without_its_pages(displays: DisplayStore, tmp_path: Path) -> None:
    stored = displays.add(display("Power"), ANN, "1")
    displays.save(stored.id, display("Power"), 1, BOB)
    displays.share(stored.id, "viewer", "operator", ANN)
    displays.set_default("sat1", stored.id, ANN)
    displays.delete(stored.id, 2, ANN)
    done = actions(tmp_path)
    assert [(who, details["action"], details["target"]) for who, details in done] == [
        ("ann", "createDisplay", "Power"),
        ("bob", "saveDisplay", "Power"),
        ("ann", "shareDisplay", "Power"),
        ("ann", "setDefaultDisplay", "sat1"),
        ("ann", "deleteDisplay", "Power"),
    ]
    assert (done[1][1]["before"], done[1][1]["after"]) == ({"version": 1}, {"version": 2})
    assert done[2][1]["after"] == {"sharedWith": "viewer", "editableBy": "operator"}
    assert "gauge" not in str(done)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DisplayLimits(displays_max=2), "2 displays are stored, the limit of the archive is 2"),
        (DisplayLimits(displays_per_owner_max=2), "the limit of each owner is 2"),
        (DisplayLimits(owner_max_bytes=500), "the limit of each owner"),
    ],
    ids=["archive", "owner", "bytes"],
)
def test_there_is_a_limit(tmp_path: Path, limits: DisplayLimits, words: str) -> None:
    """Of all, of each owner, and of an owner's versions, whoever saves them."""
    with DisplayStore(tmp_path, limits=limits) as displays:
        first = displays.add(display("One"), ANN, "1")
        displays.add(display("Two"), ANN, "1")
        with pytest.raises(ProtocolError, match=words) as raised:
            displays.add(display("Three"), ANN, "1")
        assert raised.value.code == "tooManyDisplays"
        if limits.owner_max_bytes == 500:
            with pytest.raises(ProtocolError, match=words):
                displays.save(first.id, display("x" * 80), 1, BOB)
        if limits.displays_max != 2:
            displays.add(display("Three"), Actor("ann", "user"), "2")


def test_older_versions_are_counted_where_a_list_has_no_room(tmp_path: Path) -> None:
    with DisplayStore(tmp_path, limits=DisplayLimits(versions_listed_max=2)) as displays:
        stored = displays.add(display("One"), ANN, "1")
        for version in range(1, 4):
            displays.save(stored.id, display("One"), version, ANN)
        versions, older = displays.versions(stored.id, everybody)
        assert ([one.version for one in versions], older) == ([4, 3], 2)
