"""Link routes: which links deliver an entity's descriptors, each with its newest."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.writer.commit import Commit
from nova.core.writer.stages.link_routes import LinkRoutes
from tests.core.commanding import descriptor
from tests.core.telling import START_NS, telling
from tests.core.writer.staging import columns, delivered, run


def test_a_link_has_its_newest_descriptor(archive: Archive, open_commit: Commit) -> None:
    """B4-1: also where another link has delivered it first, and not an older, late one."""
    routes = LinkRoutes(archive)
    records = sorted(
        [descriptor("a"), descriptor("a", "b")], key=lambda one: columns([one]).keys[0]
    )
    old, new = (columns([one]).keys[0] for one in records)
    series = columns(records[:1]).names[0]
    added = run(routes, delivered(records[::-1], link="one"), open_commit)
    key = catalog.link_routes_key(series)
    assert list(added.rows) == [(key, catalog.encode_link_routes({"one": new.hex()}))]
    run(routes, delivered(records[:1], link="two"), open_commit)
    assert routes.routes_of(series) == {"one": new, "two": old}


def test_other_events_are_no_route(archive: Archive, open_commit: Commit) -> None:
    """Telemetry may pass through links that do not reach its producer."""
    routes = LinkRoutes(archive)
    records = [telling(START_NS), telling(START_NS, lane="metadata")]
    assert not run(routes, delivered(records), open_commit).rows
    assert routes.routes_of(columns(records).names[0]) == {}


def test_routes_are_read_from_the_archive(archive: Archive, open_commit: Commit) -> None:
    """A writer that starts knows what the one before it has stored."""
    added = run(LinkRoutes(archive), delivered([descriptor()], link="one"), open_commit)
    open_commit.add(added)
    open_commit.write(())
    series = columns([descriptor()]).names[0]
    assert set(LinkRoutes(archive).routes_of(series)) == {"one"}
