"""Targets: which descriptor is in effect, and what commands need of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.store.archive import Archive
from nova.core.writer.command_targets import TargetFinder
from nova.core.writer.committer import Committer
from nova.core.writer.in_effect import InEffect
from nova.sdk.transport.base import Batch
from tests.core.commanding import HEATER, SCOPE, command, descriptor

PAST, FUTURE = "2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z"


def targets_of(
    committer: Committer, timebase: Timebase = "source", *, require_descriptor: bool = True
) -> TargetFinder:
    """The targets of an instance with this timebase."""
    known = InEffect(committer, timebase, "ground")
    return TargetFinder(committer, known, require_descriptor=require_descriptor)


@pytest.fixture
def targets(committer: Committer) -> TargetFinder:
    """The targets of an archive in which descriptors are required."""
    return targets_of(committer)


def tell(committer: Committer, *told: object) -> None:
    """Store descriptors that came over some link."""
    committer.add_batch("link", Batch(list(told)))  # type: ignore[arg-type]  # records
    committer.close_commit()


def refusal(targets: TargetFinder, **given: object) -> str:
    """The code with which a command is refused."""
    with pytest.raises(RequestError) as caught:
        targets.find(command(**given))
    return caught.value.code


def test_the_newest_descriptor_decides(committer: Committer, targets: TargetFinder) -> None:
    """AMB-26: a capability that the newest no longer has is gone."""
    tell(committer, descriptor("on", "off"), descriptor("off"))
    assert refusal(targets, command_type="on") == "unknownCommand"
    found = targets.find(command(command_type="off"))
    assert (found.system_id, found.container_id, found.unique_id) == HEATER


def test_a_descriptor_counts_from_its_effective_time_on(
    committer: Committer, targets: TargetFinder
) -> None:
    """As of now: what will be in effect is not yet, and what was before it still is."""
    tell(committer, descriptor("later", effective_time=FUTURE))
    assert refusal(targets, command_type="later") == "noDescriptor"
    tell(committer, descriptor("now", effective_time=PAST))
    tell(committer, descriptor("later", effective_time=FUTURE))
    assert targets.find(command(command_type="now")).descriptor is not None
    assert refusal(targets, command_type="later") == "unknownCommand"


def test_a_late_descriptor_does_not_take_the_place_of_a_newer_one(
    archive: Archive, committer: Committer, targets: TargetFinder
) -> None:
    """AMB-15: it comes last, and is older."""
    old, new = descriptor("old"), descriptor("new")
    tell(committer, new)
    tell(committer, old)
    assert refusal(targets, command_type="old") == "unknownCommand"
    assert targets.find(command(command_type="new")).descriptor is not None


def test_a_name_in_two_places_needs_to_be_told_apart(
    committer: Committer, targets: TargetFinder
) -> None:
    """AMB-27: by one id or both, whatever singles one out."""
    twin = HEATER._replace(container_id="aft")
    tell(committer, descriptor("go"), descriptor("go", entity=twin))
    assert refusal(targets, command_type="go") == "ambiguousTarget"
    found = targets.find(command(command_type="go", container_id="aft"))
    assert (found.system_id, found.container_id, found.unique_id) == twin
    assert refusal(targets, command_type="go", container_id="fore") == "unknownTarget"


def test_other_scopes_and_entities_do_not_count(
    committer: Committer, targets: TargetFinder
) -> None:
    """A-171: a descriptor is its own entity's, in its own scope."""
    tell(committer, descriptor("go", scope_id="other"))
    assert refusal(targets, command_type="go") == "unknownTarget"
    assert refusal(targets, command_type="go", target_id="nobody") == "unknownTarget"


def test_without_required_descriptors_the_command_names_its_target(committer: Committer) -> None:
    """AMB-26, AMB-27: the setting; a descriptor that is there still decides."""
    targets = targets_of(committer, require_descriptor=False)
    assert refusal(targets, target_id="plain") == "noDescriptor"
    ids = {"system_id": "s", "container_id": "c"}
    found = targets.find(command(target_id="plain", **ids))
    assert (found.system_id, found.container_id, found.descriptor) == ("s", "c", None)
    tell(committer, descriptor("go"))
    assert refusal(targets, command_type="stop") == "unknownCommand"


def test_a_target_is_known_again_after_a_restart(tmp_path: Path) -> None:
    """All of it is in the archive."""
    archive = Archive.open_primary(tmp_path)
    tell(Committer(archive, tmp_path), descriptor("go"))
    archive.close()
    archive = Archive.open_primary(tmp_path)
    try:
        committer = Committer(archive, tmp_path)
        found = targets_of(committer).find(command(command_type="go"))
        assert found.descriptor is not None
        links = committer.link_routes.routes_of(found.descriptor.series)
        assert links == {"link": found.descriptor.order_key}
        assert found.descriptor.series.scope_id == SCOPE
    finally:
        archive.close()
