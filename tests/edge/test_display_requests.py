"""Displays over requests: who sees, changes and shares which, and what nobody learns."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.edge.access import Access
from nova.edge.display_folder import load_folder
from nova.edge.display_requests import DisplayRequests
from nova.edge.display_store import DisplayLimits, DisplayStore
from nova.sdk.display import Display, DisplayColumn, DisplayPage, DisplayPanel, content_of
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import Role
from nova.sdk.protocol import messages
from nova.sdk.protocol.displays import (
    DeleteDisplay,
    DisplayChanged,
    DisplayInfo,
    DisplayRequest,
    DisplayResponse,
    DisplaysResponse,
    DisplayVersionsResponse,
    EditorRole,
    ListDisplays,
    ListDisplayVersions,
    ReadDisplay,
    SaveDisplay,
    SetDefaultDisplay,
    ShareDisplay,
)
from tests.edge.server import running_edge
from tests.laws import law

FOREVER = float("inf")


def user(name: str, role: Role, *scopes: str) -> Access:
    return Access(name, "user", role, FOREVER, scopes=scopes or None, user_id=f"id-{name}")


ADA = user("ada", "admin")
OLGA = user("olga", "operator")
OTTO = user("otto", "operator", "sat1")
VERA = user("vera", "viewer")
VICTOR = user("victor", "viewer", "sat2")
ALMA = user("alma", "admin", "sat1")
KEY = Access("olga", "key", "operator", FOREVER, key_id="digest")
EVERYBODY = (ADA, OLGA, OTTO, VERA, VICTOR, ALMA, KEY)


def display(name: str, *scopes: str, lane: str = "parsed") -> Display:
    fields = [{"series": {"scopeId": scope, "lane": lane}, "field": "v"} for scope in scopes]
    panel = DisplayPanel(id="a", kind="gauge", options={"fields": fields})
    return Display(
        name=name, pages=[DisplayPage(name="One", columns=[DisplayColumn(panels=[panel])])]
    )


class DisplayDoor:
    """The requests of one store."""

    def __init__(self, folder: Path, shipped: Path | None = None) -> None:
        self.store = DisplayStore(folder, limits=DisplayLimits(list_max_bytes=100_000))
        files = {} if shipped is None else load_folder(shipped)
        self.requests = DisplayRequests(self.store, files)

    def save(self, access: Access, of: Display) -> DisplayInfo:
        return self.info(access, SaveDisplay(display=of))

    def info(self, access: Access, request: DisplayRequest) -> DisplayInfo:
        reply = self.requests.reply(access, request)
        assert isinstance(reply, DisplayChanged)
        assert reply.info is not None
        return reply.info

    def listed(self, access: Access) -> DisplaysResponse:
        reply = self.requests.reply(access, ListDisplays())
        assert isinstance(reply, DisplaysResponse)
        return reply

    def names(self, access: Access) -> list[str]:
        return [one.name for one in self.listed(access).displays]

    def refusal(self, access: Access, request: DisplayRequest) -> str:
        with pytest.raises(ProtocolError) as raised:
            self.requests.reply(access, request)
        return raised.value.code


@pytest.fixture
def door(tmp_path: Path) -> DisplayDoor:
    return DisplayDoor(tmp_path)


def test_a_display_is_its_owners_until_it_is_shared(door: DisplayDoor) -> None:
    """Others see nothing of it; then those with the role, of whom some may change it."""
    mine = door.save(OLGA, display("Power", "sat1"))
    assert (mine.own, mine.may_change, mine.may_share, mine.version) == (True, True, True, 1)
    assert [name.name for name in EVERYBODY if door.names(name)] == ["ada", "olga"]
    door.info(OLGA, ShareDisplay(display_id=mine.display_id, shared_with="operator"))
    assert [one.name for one in EVERYBODY if door.names(one)] == [
        "ada",
        "olga",
        "otto",
        "alma",
        "olga",  # The key of that name.
    ]
    change = SaveDisplay(display=display("Otto's"), display_id=mine.display_id, based_on=1)
    assert door.refusal(OTTO, change) == "forbidden"
    door.info(
        OLGA,
        ShareDisplay(display_id=mine.display_id, shared_with="viewer", editable_by="operator"),
    )
    assert door.info(OTTO, change).version == 2
    assert door.refusal(VERA, msgspec.structs.replace(change, based_on=2)) == "forbidden"
    assert door.names(VERA) == ["Otto's"]


def test_a_save_of_an_older_version_is_told(door: DisplayDoor) -> None:
    mine = door.save(OLGA, display("Power"))
    change = SaveDisplay(display=display("Power 2"), display_id=mine.display_id, based_on=1)
    door.info(ADA, change)
    assert door.refusal(OLGA, change) == "conflict"
    assert (
        door.refusal(OLGA, SaveDisplay(display=display("x"), display_id=mine.display_id))
        == "badRequest"
    )
    assert door.names(OLGA) == ["Power 2"]


def test_what_names_hidden_scopes_or_lanes_is_not_shared_with_the_limited(
    door: DisplayDoor,
) -> None:
    """Neither by its newest version nor by a former one."""
    mine = door.save(OLGA, display("Both", "sat1", "sat2"))
    door.info(
        OLGA, ShareDisplay(display_id=mine.display_id, shared_with="viewer", editable_by="operator")
    )
    assert [one.name for one in EVERYBODY if door.names(one)] == ["ada", "olga", "vera", "olga"]
    assert door.refusal(VICTOR, ReadDisplay(display_id=mine.display_id)) == "notFound"
    door.info(
        OLGA, SaveDisplay(display=display("Two", "sat2"), display_id=mine.display_id, based_on=1)
    )
    assert door.names(VICTOR) == ["Two"]
    former = ReadDisplay(display_id=mine.display_id, version=1)
    versions = ListDisplayVersions(display_id=mine.display_id)
    assert [door.refusal(VICTOR, one) for one in (former, versions)] == ["forbidden"] * 2
    parsed_only = replace(VICTOR, lanes=("ui",))
    assert door.names(parsed_only) == []


def test_former_versions_are_read_by_those_who_change_it(door: DisplayDoor) -> None:
    mine = door.save(OLGA, display("One"))
    door.info(OLGA, SaveDisplay(display=display("Two"), display_id=mine.display_id, based_on=1))
    former = door.requests.reply(OLGA, ReadDisplay(display_id=mine.display_id, version=1))
    assert isinstance(former, DisplayResponse)
    assert (former.display.name, former.version, former.info.version) == ("One", 1, 2)
    versions = door.requests.reply(OLGA, ListDisplayVersions(display_id=mine.display_id))
    assert isinstance(versions, DisplayVersionsResponse)
    assert [one.version for one in versions.versions] == [2, 1]
    assert door.refusal(OLGA, ReadDisplay(display_id=mine.display_id, version=9)) == "notFound"


def test_the_default_of_a_scope_is_set_by_its_admins(door: DisplayDoor) -> None:
    """It has to be shared with all who open it, and is one of those that they may see."""
    mine = door.save(OLGA, display("Power", "sat1"))
    default = SetDefaultDisplay(scope_id="sat1", display_id=mine.display_id)
    assert door.refusal(OLGA, default) == "forbidden"
    assert door.refusal(ADA, default) == "conflict"
    door.info(OLGA, ShareDisplay(display_id=mine.display_id, shared_with="viewer"))
    assert door.info(ALMA, default).default_of == ["sat1"]
    assert door.refusal(ALMA, msgspec.structs.replace(default, scope_id="sat2")) == "forbidden"
    assert door.refusal(ALMA, msgspec.structs.replace(default, scope_id=None)) == "forbidden"
    found = [(one.name, door.listed(one).default_id) for one in (OTTO, VERA, VICTOR)]
    assert found == [("otto", mine.display_id), ("vera", mine.display_id), ("victor", None)]
    general = door.save(ADA, display("General"))
    door.info(ADA, ShareDisplay(display_id=general.display_id, shared_with="viewer"))
    door.info(ADA, SetDefaultDisplay(display_id=general.display_id))
    found = [(one.name, door.listed(one).default_id) for one in (OTTO, VERA, VICTOR)]
    assert found == [
        ("otto", mine.display_id),
        ("vera", general.display_id),
        ("victor", general.display_id),
    ]
    door.requests.reply(ADA, SetDefaultDisplay(scope_id="sat1"))
    assert door.listed(OTTO).default_id == general.display_id


def test_only_its_owner_shares_and_deletes(door: DisplayDoor) -> None:
    """And an admin of all; a viewer keeps displays and shares none."""
    mine = door.save(OLGA, display("Power"))
    share = ShareDisplay(display_id=mine.display_id, shared_with="viewer", editable_by="operator")
    door.info(OLGA, share)
    delete = DeleteDisplay(display_id=mine.display_id, based_on=1)
    assert {
        door.refusal(one, request) for one in (OTTO, ALMA, KEY) for request in (share, delete)
    } == {"forbidden"}
    own = door.save(VERA, display("Vera's"))
    assert (
        door.refusal(VERA, ShareDisplay(display_id=own.display_id, shared_with="viewer"))
        == "forbidden"
    )
    door.requests.reply(ADA, delete)
    assert door.refusal(OLGA, ReadDisplay(display_id=mine.display_id)) == "notFound"


def test_displays_of_a_folder_are_read_by_those_who_see_their_scopes(tmp_path: Path) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "power.json").write_bytes(content_of(display("Shipped", "sat1")))
    (shipped / "notes.txt").write_text("none")
    door = DisplayDoor(tmp_path, shipped)
    assert (door.names(OTTO), door.names(VICTOR)) == (["Shipped"], [])
    (info,) = door.listed(OTTO).displays
    assert (info.display_id, info.origin, info.may_change) == ("folder:power", "folder", False)
    read = door.requests.reply(OTTO, ReadDisplay(display_id="folder:power"))
    assert isinstance(read, DisplayResponse)
    assert read.display == display("Shipped", "sat1")
    save = SaveDisplay(display=display("x"), display_id="folder:power", based_on=1)
    assert (
        door.refusal(ADA, save),
        door.refusal(VICTOR, ReadDisplay(display_id="folder:power")),
    ) == (
        "forbidden",
        "forbidden",
    )
    assert door.info(
        ALMA, SetDefaultDisplay(scope_id="sat1", display_id="folder:power")
    ).default_of == ["sat1"]


MARKS = re.compile(rb"mark-\d+-\d+")
ROLES: tuple[Role | None, ...] = (None, "viewer", "operator", "admin")
EDITORS: tuple[EditorRole | None, ...] = (None, "operator", "admin")
scopes_named = st.sampled_from([(), ("sat1",), ("sat2",), ("sat1", "sat2")])
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "save", "save", "share", "share", "share", "default"]),
        st.integers(0, len(EVERYBODY) - 1),
        st.integers(0, 3),
        scopes_named,
        st.sampled_from(ROLES),
        st.sampled_from(EDITORS),
    ),
    min_size=3,
    max_size=14,
)


class ExpectedDisplay:
    """What the test knows of one display: whose it is, with whom it is shared, what it names."""

    def __init__(self, number: int, owner: Access, scopes: tuple[str, ...]) -> None:
        self.number, self.owner = number, owner
        self.shared: Role | None = None
        self.editors: EditorRole | None = None
        self.versions = [scopes]
        self.authors = [owner]

    def readers(self, version: int) -> list[Access]:
        """Those who may get anything of a version (from 1 on), without the edge's own words."""
        order = ["viewer", "operator", "admin"]
        found = []
        for one in EVERYBODY:
            is_owner = one is self.owner
            has_saved = is_owner and self.authors[version - 1] is one
            sees_now = one.scopes is None or set(self.versions[-1]) <= set(one.scopes)
            rank = order.index(one.role)
            reads = sees_now and self.shared is not None and rank >= order.index(self.shared)
            changes = reads and self.editors is not None and rank >= order.index(self.editors)
            sees = one.scopes is None or set(self.versions[version - 1]) <= set(one.scopes)
            is_newest = version == len(self.versions)
            if one is ADA or has_saved or (sees and (is_owner or changes or (reads and is_newest))):
                found.append(one)
        return found


class SharedDisplays:
    """A store with what the test knows of its displays."""

    def __init__(self, folder: Path) -> None:
        self.door, self.kept = DisplayDoor(folder), dict[str, ExpectedDisplay]()

    def take(
        self,
        what: str,
        access: Access,
        display_id: str,
        scopes: tuple[str, ...],
        shared: Role | None,
        editors: EditorRole | None,
    ) -> None:
        """One change, which may be refused; a save is always of the newest version."""
        known = self.kept.get(display_id)
        if what == "add" or known is None:
            number = len(self.kept)
            info = self.door.save(access, display(f"mark-{number}-1", *scopes))
            self.kept[info.display_id] = ExpectedDisplay(number, access, scopes)
            return
        if EVERYBODY.index(access) % 2:  # Else few changes would be carried out.
            access = known.owner
        requests: dict[str, DisplayRequest] = {
            "save": SaveDisplay(
                display=display(f"mark-{known.number}-{len(known.versions) + 1}", *scopes),
                display_id=display_id,
                based_on=len(known.versions),
            ),
            "share": ShareDisplay(display_id=display_id, shared_with=shared, editable_by=editors),
            "default": SetDefaultDisplay(scope_id="sat1", display_id=display_id),
        }
        if self.ask(access, requests[what]) and what == "save":
            known.versions.append(scopes)
            known.authors.append(access)
        elif what == "share":
            stored = self.door.store.get(display_id)
            assert stored is not None
            known.shared, known.editors = stored.shared_with, stored.editable_by

    def ask(self, access: Access, request: DisplayRequest) -> bool:
        """Send a request; whether it was carried out. What the answer has must be theirs."""
        try:
            reply = self.door.requests.reply(access, request)
            text, done = messages.encode(reply), True
        except ProtocolError as error:
            text, done = str(error).encode(), False
        for mark in MARKS.findall(text):
            _, number, version = mark.decode().split("-")
            (found,) = (one for one in self.kept.values() if one.number == int(number))
            if int(version) <= len(found.versions):
                assert access in found.readers(int(version)), (access.name, request, text)
        return done

    def ask_all(self) -> None:
        """Everybody asks for everything; each version is read by all who may."""
        for access in EVERYBODY:
            self.ask(access, ListDisplays())
            for display_id, known in self.kept.items():
                self.ask(access, ReadDisplay(display_id=display_id))
                self.ask(access, ListDisplayVersions(display_id=display_id))
                self.ask(access, DeleteDisplay(display_id=display_id, based_on=99))
                for version in range(1, len(known.versions) + 1):
                    former = ReadDisplay(display_id=display_id, version=version)
                    assert self.ask(access, former) == (access in known.readers(version))


@law(100)
@given(steps)
def test_nobody_gets_anything_of_a_display_that_is_not_theirs(
    taken: list[tuple[str, int, int, tuple[str, ...], Role | None, EditorRole | None]],
) -> None:
    """After whatever changes: of all replies and refusals to everybody, none has a mark of a
    version that its reader may not see. At last all displays are shared, in versions that name
    nothing: the former ones stay hidden.
    """
    with TemporaryDirectory() as folder:
        world = SharedDisplays(Path(folder))
        for what, who, which, scopes, shared, editors in taken:
            ids = list(world.kept)
            display_id = ids[which % len(ids)] if ids else "none"
            world.take(what, EVERYBODY[who], display_id, scopes, shared, editors)
        world.ask_all()
        for display_id, known in world.kept.items():
            world.take("share", known.owner, display_id, (), "viewer", "operator")
            world.take("save", known.owner, display_id, (), None, None)
        world.ask_all()
        world.door.store.close()


async def test_displays_are_saved_and_read_over_an_edge(tmp_path: Path) -> None:
    """As a client does it, with its own limit of requests, and refused with the member's place."""
    async with running_edge(tmp_path, tmp_path / "none.sock") as edge, edge.client() as client:
        saved = await client.request(SaveDisplay(display=display("Power")), DisplayChanged)
        assert saved.info is not None
        assert (saved.info.owner, saved.info.own) == ("admin", True)
        read = await client.request(ReadDisplay(display_id=saved.info.display_id), DisplayResponse)
        assert read.display == display("Power")
        await client.send_text(
            '{"type": "saveDisplay", "ref": "7", "display": '
            '{"version": 1, "name": "x", "pages": [{"name": "y", "columns": [{"panels": 1}]}]}}'
        )
        assert await client.error() == ("badRequest", "7")
        assert await client.refusal(ReadDisplay(display_id="none")) == "notFound"
