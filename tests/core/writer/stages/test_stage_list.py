"""The list of stages: what a writer runs, and that positions come last."""

from __future__ import annotations

from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.stages.driver_bindings import DriverBindings
from nova.core.writer.stages.link_positions import advance_positions
from nova.core.writer.stages.link_routes import LinkRoutes
from nova.core.writer.stages.stage_list import stages
from nova.sdk.drivers.registry import DriverRegistry
from tests.core.telling import START_NS, telling
from tests.core.writer.staging import columns, delivered, run


def test_positions_are_added_last(archive: Archive, open_commit: Commit) -> None:
    """A crash before them lets the batch be consumed again."""
    found = stages(archive, open_commit.state, LinkRoutes(archive), None)
    assert found.of_delivery[-1] is advance_positions
    batch = delivered([telling(START_NS)], {"s": 1})
    before = [run(stage, batch, open_commit) for stage in found.of_delivery[:-1]]
    assert not any(added.positions for added in before)


def test_drivers_are_bound_only_where_a_registry_says_how(
    archive: Archive, open_commit: Commit
) -> None:
    """Between deduplication and the stamp: a binding is stamped before its event."""
    routes = LinkRoutes(archive)
    assert stages(archive, open_commit.state, routes, None).before_stamp == ()
    found = stages(archive, open_commit.state, routes, DriverRegistry.load(["jsonl"]))
    assert [type(stage) for stage in found.before_stamp] == [DriverBindings]
    events, _ = found.dedupe(columns([telling(START_NS)]), open_commit)
    for stage in found.before_stamp:
        events, _ = run(stage, events, open_commit)
    stamped, _ = run(found.stamp, events, open_commit)
    assert [b"DriverBinding" in one for one in stamped.stored] == [True, False]
