"""What an edge does while its database is locked by another program or cannot be written."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nova.edge.database_turn import DatabaseTurn
from nova.edge.edge_database import FILE_NAME
from nova.edge.login_store import FILE_NAME as LOGINS_FILE
from nova.sdk.protocol.account import ListSessions, SessionsResponse
from nova.sdk.protocol.admin import (
    AddUser,
    DeleteUser,
    ListUsers,
    RevokeKey,
    UserChanged,
    UsersResponse,
)
from nova.sdk.protocol.messages import Auth, Authenticated, Query
from tests.edge.peer import Peer
from tests.edge.server import PASSWORD, RunningEdge


@contextmanager
def other_program(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as db:
        yield db


async def test_it_waits_for_another_program_but_not_for_ever(tmp_path: Path) -> None:
    """And not at all if nobody else writes."""
    with DatabaseTurn(tmp_path, wait_s=0.05, poll_s=0.001) as turn, other_program(tmp_path) as db:
        await turn.wait()
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await turn.wait()
        asyncio.get_running_loop().call_later(0.01, db.execute, "COMMIT")
        await turn.wait()


async def test_an_edge_serves_others_while_a_login_waits_for_the_lock(edge: RunningEdge) -> None:
    """The login continues when the other program has finished."""
    async with edge.client() as admin:
        with other_program(edge.config.folder) as db:
            db.execute("BEGIN IMMEDIATE")
            waiting = [
                asyncio.create_task(edge.post_login(name, password))
                for name, password in (("admin", "wrong"), ("x", "wrong"), ("admin", "wrong too"))
            ]
            adding = asyncio.create_task(
                admin.request(AddUser(username="ann", role="viewer"), UserChanged)
            )
            for _ in range(20):
                async with edge.http.get(f"{edge.url}/healthz") as reply:
                    assert reply.status == 200
            assert not any(task.done() for task in (*waiting, adding))
            db.execute("COMMIT")
        await adding
        assert [(await task)[0] for task in waiting] == [401, 401, 401]
    assert edge.users.get("ann") is not None


async def test_a_change_holds_even_if_the_failed_logins_cannot_be_forgotten(
    edge: RunningEdge,
) -> None:
    """They are in a file of their own; the admin must not read that nothing was done."""
    edge.add_user("ann")
    async with edge.client() as admin:
        with closing(sqlite3.connect(edge.config.folder / LOGINS_FILE)) as logins:
            logins.execute("BEGIN IMMEDIATE")
            await admin.request(DeleteUser(username="ann"), UserChanged)
    assert edge.users.get("ann") is None


def fill(edge: RunningEdge) -> None:
    """Let every further change fail, as on a full disk."""
    with other_program(edge.config.folder) as db:
        for number, change in enumerate(
            (
                "INSERT ON audit_queue",
                "INSERT ON sessions",
                "UPDATE ON users",
                "UPDATE ON api_keys",
                "DELETE ON api_keys",
            )
        ):
            db.execute(
                f"CREATE TRIGGER full_{number} BEFORE {change} "
                "BEGIN SELECT raise(ABORT, 'database or disk is full'); END"
            )


async def test_what_cannot_be_recorded_is_not_done_and_reading_goes_on(
    edge: RunningEdge, peer: Peer
) -> None:
    """Tokens and keys still open connections, and a refused request closes none."""
    key = edge.stores.keys.add("probe", "operator", "admin")
    assert key is not None
    token = await edge.token()
    fill(edge)
    for password in (PASSWORD, "wrong"):
        status, body, headers = await edge.post_login("admin", password)
        assert (status, json.loads(body)["code"]) == (503, "storageUnavailable")
        assert "Retry-After" in headers
    for secret in (token, key):
        async with edge.socket() as client:
            await client.request(Auth(token=secret), Authenticated)
            reader = await peer.connection(client)
            await client.send(Query(ref=1))
            assert (await reader.take()).ref == 1
            if secret == token:
                for change in (AddUser(username="ann", role="viewer"), RevokeKey(name="probe")):
                    assert await client.refusal(change) == "storageUnavailable"
                await client.request(ListUsers(), UsersResponse)
                await client.request(ListSessions(), SessionsResponse)
    assert edge.users.get("ann") is None and edge.stores.keys.get("probe") is not None
