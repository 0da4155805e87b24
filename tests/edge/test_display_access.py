"""Versions of a display that name what their reader may not see."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.edge.display_requests import HIDDEN_NAME
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.displays import ListDisplayVersions, ReadDisplay, SaveDisplay, ShareDisplay
from tests.edge.test_display_requests import OLGA, OTTO, DisplayDoor, display


@pytest.fixture
def door(tmp_path: Path) -> DisplayDoor:
    return DisplayDoor(tmp_path)


def test_a_former_version_that_names_hidden_scopes_does_not_exist(door: DisplayDoor) -> None:
    """For an editor who is limited; its owner still has it."""
    mine = door.save(OLGA, display("SECRET", "sat2"))
    door.info(OLGA, SaveDisplay(display=display("Two"), display_id=mine.display_id, based_on=1))
    door.info(
        OLGA, ShareDisplay(display_id=mine.display_id, shared_with="viewer", editable_by="operator")
    )
    versions = ListDisplayVersions(display_id=mine.display_id)
    listed = [messages.encode(door.requests.reply(one, versions)) for one in (OTTO, OLGA)]
    assert [b"SECRET" in one for one in listed] == [False, True]
    former = ReadDisplay(display_id=mine.display_id, version=1)
    assert door.refusal(OTTO, former) == "notFound"


def test_an_owner_does_not_get_what_others_have_saved_with_hidden_scopes(door: DisplayDoor) -> None:
    """Neither that version nor its name; own versions remain, and the next one is the owner's."""
    mine = door.save(OTTO, display("Mine", "sat1"))
    share = ShareDisplay(display_id=mine.display_id, shared_with="operator", editable_by="operator")
    door.info(OTTO, share)
    theirs = SaveDisplay(
        display=display("SECRET", "sat1", "sat2"), display_id=mine.display_id, based_on=1
    )
    assert door.info(OLGA, theirs).name == "SECRET"
    (listed,) = door.listed(OTTO).displays
    assert (listed.name, listed.version, listed.named) == ("Mine", 2, ["sat1"])
    with pytest.raises(ProtocolError, match="which olga saved, names scopes or lanes that you may"):
        door.requests.reply(OTTO, ReadDisplay(display_id=mine.display_id))
    versions = door.requests.reply(OTTO, ListDisplayVersions(display_id=mine.display_id))
    assert b"SECRET" not in messages.encode(versions)
    assert b"Mine" in messages.encode(versions)
    door.requests.reply(OTTO, ReadDisplay(display_id=mine.display_id, version=1))
    again = SaveDisplay(display=display("Three", "sat1"), display_id=mine.display_id, based_on=2)
    assert door.info(OTTO, again).name == "Three"


def test_an_owner_keeps_what_it_has_saved_of_hidden_scopes(door: DisplayDoor) -> None:
    """As a display that was given as a file: it names no more than its owner has written."""
    mine = door.save(OTTO, display("Mine", "sat2"))
    door.requests.reply(OTTO, ReadDisplay(display_id=mine.display_id))
    assert mine.name == "Mine" != HIDDEN_NAME
