"""The principal: a client of an edge, or the user at the other end of the Core's own socket."""

from __future__ import annotations

import getpass
import os
import pwd
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from nova.core.server.principal import principal_of
from nova.core.submission_messages import Principal
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Query, QueryResponse
from nova.sdk.protocol.submission import SCOPES_HEADER, SCOPES_MAX, SubmitChat
from tests.core.edge_client import edge_client
from tests.core.running import Core
from tests.core.telling import START_NS, telling


def test_an_edge_says_who_its_client_is() -> None:
    """Whatever characters the name has, and whether its timeline is in replay."""
    headers = {"Nova-User": quote("Ännä / ops", safe=""), "Nova-Role": "operator"}
    request = make_mocked_request("GET", "/", {**headers, "Nova-Connection": "abc"})
    assert principal_of(request) == Principal("Ännä / ops", "operator", "abc")
    request = make_mocked_request("GET", "/", {**headers, "Nova-Replaying": "yes"})
    assert principal_of(request).is_replaying


@pytest.mark.parametrize("role", ["", "root", "Admin"])
def test_a_role_that_is_none_is_refused(role: str) -> None:
    """Nobody gets more by a slip."""
    request = make_mocked_request("GET", "/", {"Nova-User": "ann", "Nova-Role": role})
    with pytest.raises(web.HTTPBadRequest):
        principal_of(request)


def test_without_a_socket_it_is_the_user_of_this_process() -> None:
    """Systems differ in what they say of the other end."""
    asker = principal_of(make_mocked_request("GET", "/"))
    assert (asker.user, asker.role) == (getpass.getuser(), "admin")


async def test_somebody_on_this_machine_is_its_user(core: Core) -> None:
    """As the system says, not as the client does."""
    async with await Client.to_core(core.data) as client:
        said = SubmitChat(scope_id="ground", content="hello", timeline_mode="LIVE")
        ack = await client.submit_chat(said)
        (event,) = [one for one in await core.settled(client, 1) if ack.event_id.encode() in one]
    user = pwd.getpwuid(os.getuid()).pw_name
    assert f'"authorDisplayName":"{user}"'.encode() in event


async def test_the_longest_principal_that_can_be_added_is_served(core: Core) -> None:
    """1,000 scopes of 64 characters; a reader that refused the headers would seem to be away."""
    await core.publish([telling(START_NS, {"f": 1})])
    unknown = [f"{number:x<64}" for number in range(SCOPES_MAX)]
    for scopes, count in ((unknown, 0), (["sat", *unknown[1:]], 1)):
        async with edge_client(core.data, "page-1", **{SCOPES_HEADER: ",".join(scopes)}) as client:
            await client.send(Query(ref=1))
            (page,) = await client.until(QueryResponse)
        assert isinstance(page, QueryResponse) and len(page.events) == count
