"""Definition files that change while their definitions are derived."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.derivation.followed_definitions import FollowedDefinitions
from tests.core.derivation.deriving import OUTPUT, definition_of, write_definition

POLL_S = 0.05
WAIT_S = 30.0


def names(followed: FollowedDefinitions) -> list[str]:
    return [one.name for one in followed.definitions]


async def is_changed(followed: FollowedDefinitions) -> bool:
    """Whether other definitions are to be derived, within some polls."""
    try:
        await asyncio.wait_for(followed.changed(), 20 * POLL_S)
    except TimeoutError:
        return False
    return True


async def test_a_file_with_a_fault_leaves_what_it_had(tmp_path: Path) -> None:
    """Also one that collides with another file since, or would make a loop."""
    first = write_definition(tmp_path, definition_of(id="first"))
    address = "nova.sat.parsed.derived.battery.second.v1"
    other = {**OUTPUT, "address": address, "card": False}
    second = write_definition(tmp_path, definition_of(id="second", output=other))
    sound = second.read_bytes()
    followed = FollowedDefinitions(tmp_path, POLL_S)
    assert names(followed) == ["first@1.0.0", "second@1.0.0"]
    for bad in (b"{", sound.replace(address.encode(), OUTPUT["address"].encode())):
        second.write_bytes(bad)
        assert not await is_changed(followed)
        assert names(followed) == ["first@1.0.0", "second@1.0.0"] and followed.faults
    second.write_bytes(sound.replace(b'"1.0.0"', b'"1.1.0"'))
    assert await is_changed(followed) and not followed.faults
    assert names(followed) == ["first@1.0.0", "second@1.1.0"]
    first.unlink()
    assert await is_changed(followed)
    assert names(followed) == ["second@1.1.0"]


async def test_definitions_stay_while_their_folder_is_away(tmp_path: Path) -> None:
    folder = tmp_path / "definitions"
    folder.mkdir()
    write_definition(folder, definition_of())
    followed = FollowedDefinitions(folder, POLL_S)
    folder.rename(tmp_path / "away")
    assert not await is_changed(followed)
    assert names(followed) == ["power@1.0.0"] and "cannot read" in followed.faults[0]
