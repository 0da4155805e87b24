"""The table of roles in docs/access.md, tried by raw WebSocket and HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple, TypedDict, get_args

import pytest

from nova.edge.app import Edge
from nova.edge.login_throttle import LoginThrottle
from nova.edge.passwords import PasswordHashing
from nova.edge.request_limits import kind_of
from nova.edge.upstream import reader_client
from nova.edge.user_store import Role
from nova.sdk.display import Display, DisplayPage
from nova.sdk.protocol import (
    account,
    admin,
    alarm_messages,
    column_messages,
    displays,
    export,
    health,
    messages,
    note_messages,
    submission,
    tcp_streams,
    timeline,
    views,
)
from nova.sdk.protocol.edge import EdgeRequest
from nova.sdk.protocol.messages import Auth, Error, Message
from nova.sdk.request_limit import LimitKind
from tests.edge.peer import Peer
from tests.edge.server import CHEAP, RunningEdge

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
ROLES: tuple[Role, ...] = get_args(Role)
SPAN = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")


class Unit(TypedDict):
    """The ids of an entity."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str


UNIT = Unit(scope_id="s", system_id="a", container_id="b", unique_id="c")

REFUSED_DEFINITION = tcp_streams.TcpStreamDefinition(name="s", port=1, bind="nowhere")
OWN = (
    account.AccountRequest
    | admin.AdminRequest
    | tcp_streams.TcpStreamRequest
    | displays.DisplayRequest
)

SAMPLES: tuple[Message, ...] = (
    messages.Query(),
    messages.CancelStream(),
    messages.SetCursor(),
    messages.Discover(),
    messages.Latest(),
    views.GetUiState(),
    timeline.Summary(start_time=SPAN[0], stop_time=SPAN[1], buckets=2),
    timeline.Extent(),
    timeline.Sample(
        **UNIT,
        lane="ui",
        message_type="UiUpdate",
        start_time=SPAN[0],
        stop_time=SPAN[1],
        buckets=2,
        fields=["n"],
    ),
    timeline.Find(
        **UNIT, lane="ui", message_type="UiUpdate", field="n", condition="above", value=1
    ),
    timeline.FindText(text="x"),
    timeline.Recordings(),
    timeline.Fields(**UNIT, lane="ui"),
    column_messages.Columns(**UNIT, lane="ui", message_type="UiUpdate", fields=["n"]),
    timeline.Neighbour(time=SPAN[0], direction="next"),
    health.Status(),
    health.FollowStatus(),
    health.Links(),
    health.Metrics(),
    health.Rejects(),
    export.Drivers(),
    export.Export(),
    export.CancelExport(export_id="e" * 43),
    submission.SubmitCommand(
        scope_id="s",
        command_id="c",
        request_id="r",
        target_id="t",
        command_type="go",
        timeline_mode="LIVE",
    ),
    submission.SubmitChat(scope_id="s", content="hello", timeline_mode="LIVE"),
    note_messages.SubmitNote(scope_id="s", text="hello", timeline_mode="LIVE"),
    submission.AcknowledgeAlarm(
        **UNIT, view_id="v", key="k", severity="warning", since=SPAN[0], timeline_mode="LIVE"
    ),
    alarm_messages.Alarms(),
    alarm_messages.AlarmHistory(),
    alarm_messages.FollowAlarms(follow_id="f"),
    alarm_messages.UnfollowAlarms(),
    alarm_messages.ActOnAlarm(**UNIT, rule="r", action="enable", timeline_mode="LIVE"),
    submission.ImportEvents(events=["{}"], timeline_mode="LIVE"),
    # Behind the submissions, which would wait for its reply.
    messages.StartStream(playback_request_id="p", timeline_mode="LIVE"),
    account.ListSessions(),
    account.EndSession(session="x"),
    account.ChangePassword(password="wrong guess", new_password="short"),
    admin.ListUsers(),
    admin.AddUser(username="bob", role="viewer"),
    admin.ChangeUser(username="bob", role="viewer"),
    admin.ResetPassword(username="bob"),
    admin.ListUserSessions(username="bob"),
    admin.EndUserSession(username="bob", session="x"),
    admin.DeleteUser(username="bob"),
    admin.ListKeys(),
    admin.AddKey(name="probe", role="viewer"),
    admin.RevokeKey(name="probe"),
    admin.ListLimits(),
    admin.ReleaseAccount(username="admin"),
    tcp_streams.ListStreams(),
    tcp_streams.CreateTcpStream(
        definition=tcp_streams.TcpStreamDefinition(name="s", port=1, bind="nowhere")
    ),
    tcp_streams.EditTcpStream(stream_id="x", definition=REFUSED_DEFINITION),
    tcp_streams.StartTcpStream(stream_id="x"),
    tcp_streams.StopTcpStream(stream_id="x"),
    tcp_streams.DeleteTcpStream(stream_id="x"),
    tcp_streams.TieTcpStream(stream_id="x"),
    tcp_streams.UntieTcpStream(stream_id="x"),
    displays.ListDisplays(),
    displays.ReadDisplay(display_id="x"),
    displays.ListDisplayVersions(display_id="x"),
    displays.SaveDisplay(
        display=Display(name="x", pages=[DisplayPage(name="y", columns=[])]), display_id="x"
    ),
    displays.ShareDisplay(display_id="x"),
    displays.SetDefaultDisplay(display_id="x"),
    displays.DeleteDisplay(display_id="x", based_on=1),
    account.Logout(),
)


class AccessRow(NamedTuple):
    """One name of a table and what the roles' columns say."""

    name: str
    allowed: dict[str, bool]


def rows(heading: str) -> list[AccessRow]:
    """The rows of the table under a heading of the page."""
    part = PAGE.read_text().split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    columns = [cell.strip() for cell in table[0][1:]]
    found = []
    for names, *cells in table[2:]:
        allowed = {role: cell.strip() == "yes" for role, cell in zip(columns, cells, strict=True)}
        found += [AccessRow(name, allowed) for name in re.findall(r"`([^`]+)`", names)]
    return found


def limit_rows() -> dict[str, str]:
    """The limit of each message and route, as the page has it."""
    part = PAGE.read_text().split("## Limits\n", 1)[1].split("\n## ", 1)[0]
    table = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {
        name: limit.strip() for names, limit in table for name in re.findall(r"`([^`]+)`", names)
    }


def tag(message: Message) -> str:
    return str(message.__struct_config__.tag)


def test_the_table_names_every_message_once() -> None:
    """A message that the table forgets could be anybody's."""
    named = [row.name for row in rows("Messages")]
    every = {str(kind.__struct_config__.tag) for kind in get_args(EdgeRequest) if kind is not Auth}
    assert sorted(named) == sorted(every) == sorted(map(tag, SAMPLES))


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_sends_every_message(edge: RunningEdge, peer: Peer, role: Role) -> None:
    """Allowed ones reach the Core or are answered by the edge; the others are forbidden."""
    table = {row.name: row.allowed[role] for row in rows("Messages")}
    edge.add_user("ann", role)
    async with edge.client("ann") as client:
        connection = await peer.connection(client)
        for sample in SAMPLES:
            sample.ref = tag(sample)
            await client.send(sample)
            is_own = isinstance(sample, OWN)
            if isinstance(sample, health.Status | health.Metrics):  # The peer answers these.
                assert not isinstance(await client.receive(), Error)
                continue
            if table[tag(sample)] and not is_own:
                assert tag(await connection.take()) == tag(sample)
                continue
            reply = await client.receive()
            assert reply.ref == sample.ref
            is_forbidden = isinstance(reply, Error) and reply.code == "forbidden"
            assert is_forbidden != table[tag(sample)], reply


@pytest.mark.parametrize("role", [*ROLES, "nobody"])
async def test_every_role_asks_for_every_route(oidc_edge: RunningEdge, role: str) -> None:
    """Forbidden is 403 to users and 401 to nobody; whatever is allowed is neither."""
    headers = {}
    if role != "nobody":
        oidc_edge.users.add("ann", _hash(oidc_edge), role)  # type: ignore[arg-type]
        headers["Authorization"] = f"Bearer {await oidc_edge.token('ann')}"
    for row in rows("Routes"):
        method, path = row.name.split()
        url = oidc_edge.url + path.replace("{id}", "a" * 43)
        async with oidc_edge.http.request(method, url, headers=headers) as reply:
            refused = 401 if role == "nobody" else 403
            assert (reply.status == refused) != row.allowed[role], (row.name, reply.status)


async def routes(edge: RunningEdge) -> set[str]:
    """The routes of an edge, which serves no built files here."""
    hashing = PasswordHashing(edge.config.limits, CHEAP)
    async with reader_client(edge.config.reader_socket) as reader:
        throttle = LoginThrottle(edge.stores.logins)
        app = Edge(edge.config, edge.stores, hashing, throttle, reader).application()
        hashing.close()
    resources = [(one.method, one.resource) for one in app.router.routes() if one.method != "HEAD"]
    return {f"{method} {one.canonical}" for method, one in resources if one is not None}


def _hash(edge: RunningEdge) -> str:
    found = edge.users.get("admin")
    assert found is not None
    return found.password_hash


async def test_every_message_and_route_has_a_limit_or_a_reason(oidc_edge: RunningEdge) -> None:
    """None of them is a door that the limits leave open."""
    table = limit_rows()
    for name, limit in table.items():
        assert limit in get_args(LimitKind) or limit.startswith("none: "), name
    messages_of_page = {name for name in table if " " not in name}
    assert messages_of_page == {str(kind.__struct_config__.tag) for kind in get_args(EdgeRequest)}
    assert {name for name in table if " " in name} == await routes(oidc_edge)
    for sample in (*SAMPLES, Auth(token="x")):
        is_submission = isinstance(sample, get_args(submission.Submission))
        kind = "submission" if is_submission else kind_of(sample)  # type: ignore[arg-type]
        expected = table[tag(sample)]
        assert kind == (None if expected.startswith("none: ") else expected), tag(sample)
