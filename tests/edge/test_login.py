"""Logging in over HTTP (A-153, A-269…A-272, AMB-63, pitfalls 27)."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from pathlib import Path
from typing import Literal

import aiohttp
import msgspec
import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters

from nova.edge.edge_config import EdgeLimits
from nova.edge.login import LOGIN_MAX_BYTES, first_admin
from nova.edge.password_policy import PASSWORD_MAX_CHARS
from nova.edge.passwords import PasswordHashing
from nova.edge.session_reply import LoginReply
from nova.edge.session_store import SESSION_MAX_S
from nova.edge.tokens import TokenSigner, load_key
from nova.edge.user_store import UserStore
from nova.sdk import timestamps
from tests.edge.server import CHEAP, PASSWORD, RunningEdge, cookie_line, running_edge


async def test_a_good_password_gives_a_token_with_its_facts(edge: RunningEdge) -> None:
    """The token says what the reply says, and is nobody's to cache."""
    status, body, headers = await edge.post_login()
    reply = msgspec.json.decode(body, type=LoginReply)
    claims = TokenSigner(load_key(edge.config.folder), EdgeLimits().token_lifetime_s).verify(
        reply.token
    )
    assert status == 200
    assert (reply.user, reply.role) == ("admin", "admin") == (claims.sub, claims.role)
    assert reply.expires_at == timestamps.text(claims.exp * timestamps.NS_PER_SECOND)
    assert headers["Cache-Control"] == "no-store"
    facts = json.loads(body)
    assert 0 <= SESSION_MAX_S - facts.pop("sessionEndsInS") < SESSION_MAX_S / 2
    assert set(facts) == {"token", "user", "role", "expiresAt", "expiresInS"}


async def test_every_refusal_has_the_same_body(edge: RunningEdge) -> None:
    """Wrong password, unknown user and disabled user cannot be distinguished."""
    users = edge.users
    admin = users.get("admin")
    assert admin is not None
    users.add("off", admin.password_hash, "viewer")
    users.set_enabled("off", False)
    replies = {
        (await edge.post_login("admin", "wrong"))[:2],
        (await edge.post_login("nobody", PASSWORD))[:2],
        (await edge.post_login("off", PASSWORD))[:2],
        (await edge.post_login("ADMIN", PASSWORD))[:2],
    }
    assert [status for status, _ in replies] == [401]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "JSON"),
        (b"{", "truncated"),
        (b"[]", "object"),
        (b'{"username":"admin"}', "password"),
        (b'{"username":5,"password":"x"}', "username"),
        (b'{"username":"admin","password":"x","extra":1}', "extra"),
        (b'{"username":"\xff","password":"x"}', ""),
        (b'{"username":"","password":"x"}', "username"),
        (b'{"username":"a","password":"' + b"x" * 1_025 + b'"}', "password"),
        (b'{"username":"\\ud800","password":"x"}', ""),
    ],
    ids=lambda value: repr(value[:40]),
)
async def test_a_bad_body_is_named_and_is_no_guess(
    edge: RunningEdge, body: bytes, words: str
) -> None:
    """400 says which member is wrong; nothing crashes."""
    async with edge.http.post(f"{edge.url}/auth/login", data=body) as reply:
        answer = await reply.json()
        assert (reply.status, answer["code"]) == (400, "badRequest")
        assert words in answer["message"] or words == "JSON"


async def test_a_large_body_is_refused_before_it_is_read(edge: RunningEdge) -> None:
    """Nobody fills the memory through the login."""
    body = b" " * (LOGIN_MAX_BYTES + 1)
    async with edge.http.post(f"{edge.url}/auth/login", data=body) as reply:
        assert reply.status == 413
        assert (await reply.json())["code"] == "requestEntityTooLarge"


@pytest.mark.parametrize("ensure_ascii", [True, False])
async def test_the_longest_password_logs_in(edge: RunningEdge, ensure_ascii: bool) -> None:
    """Whatever its characters, and however the client writes them."""
    password = "\U0001f680" * PASSWORD_MAX_CHARS
    hashing = PasswordHashing(edge.config.limits, CHEAP)
    edge.users.set_password("admin", await hashing.hash(password))
    hashing.close()
    credentials = {"username": "admin", "password": password}
    body = json.dumps(credentials, ensure_ascii=ensure_ascii).encode()
    async with edge.http.post(f"{edge.url}/auth/login", data=body) as reply:
        assert reply.status == 200


async def test_a_foreign_page_cannot_log_in(edge: RunningEdge) -> None:
    """Origin must be the Host that was asked."""
    status, _, _ = await edge.post_login(headers={"Origin": "https://evil.example"})
    assert status == 403
    status, _, _ = await edge.post_login(headers={"Origin": edge.url})
    assert status == 200


async def test_guessing_is_refused_with_the_time_to_come_back(edge: RunningEdge) -> None:
    """The account that is guessed at; a name that is nobody's is refused in the same words."""
    refusals = set()
    for name in ("admin", "nobody"):
        statuses = [(await edge.post_login(name, "wrong"))[0] for _ in range(8)]
        assert statuses == sorted(statuses) and set(statuses) == {401, 429}
        status, body, headers = await edge.post_login(name, "wrong")
        answer = json.loads(body)
        assert (status, answer["code"]) == (429, "tooManyRequests")
        assert 1 <= int(headers["Retry-After"]) <= 3_600
        refusals.add((statuses.count(401), re.sub(r"\d+", "N", answer["message"])))
    assert len(refusals) == 1


async def test_guessing_locks_nobody_else_out(edge: RunningEdge) -> None:
    """Ten others who log in from the guesser's address meanwhile, as behind one proxy."""
    admin = edge.users.get("admin")
    assert admin is not None
    for name in ("admin", "nobody", *(f"made-up-{number}" for number in range(9))):
        for _ in range(3):
            await edge.post_login(name, "wrong")
    for number in range(10):
        edge.users.add(f"user-{number}", admin.password_hash, "viewer")
        assert (await edge.post_login(f"user-{number}"))[0] == 200


async def test_many_that_wait_for_their_answers_keep_nobody_out(
    tmp_path: Path, reader_socket: Path
) -> None:
    """Sixty connections of one address guess without a pause while forty others log in."""
    trusted = ("127.0.0.1",)
    async with running_edge(tmp_path, reader_socket, trusted_proxies=trusted) as edge:
        admin = edge.users.get("admin")
        assert admin is not None
        for number in range(40):
            edge.users.add(f"user-{number}", admin.password_hash, "viewer")

        async def guess(number: int) -> None:
            for count in itertools.count():
                name = f"made-up-{number}-{count}"
                await edge.post_login(name, "wrong", headers={"X-Forwarded-For": "192.0.2.1"})

        guessers = [asyncio.create_task(guess(number)) for number in range(60)]
        await asyncio.sleep(0.5)
        logins = (
            edge.post_login(f"user-{n}", headers={"X-Forwarded-For": f"198.51.{n}.1"})
            for n in range(40)
        )
        statuses = [status for status, _, _ in await asyncio.gather(*logins)]
        for task in guessers:
            task.cancel()
        await asyncio.wait(guessers)
        assert statuses == [200] * 40


async def test_a_browser_that_has_logged_in_shows_it_by_a_cookie(edge: RunningEdge) -> None:
    """For logging in alone, hidden from pages, one for all accounts of the browser, and none that
    somebody made up.
    """
    made_up = "a" * 43
    _, _, headers = await edge.post_login(headers={"Cookie": f"{edge.cookies.device}={made_up}"})
    cookie = cookie_line(headers)
    found = re.match(rf"{edge.cookies.device}=([A-Za-z0-9_-]{{43}});", cookie)
    assert found and found[1] != made_up
    for word in ("HttpOnly", "Path=/auth/login", "SameSite=Strict", "Max-Age="):
        assert word in cookie
    assert "Secure" not in cookie
    _, _, headers = await edge.post_login(headers={"Cookie": f"{edge.cookies.device}={found[1]}"})
    assert found[1] in cookie_line(headers)
    _, _, headers = await edge.post_login(password="wrong")
    assert "Set-Cookie" not in headers


async def test_the_cookie_opens_while_the_address_is_refused(edge: RunningEdge) -> None:
    """Who guesses behind the owner's proxy spends what that address has, not the browser's own."""
    _, _, headers = await edge.post_login()
    cookie = cookie_line(headers).partition(";")[0]
    while (await edge.post_login(password="wrong"))[0] == 401:
        pass
    assert (await edge.post_login())[0] == 429
    assert (await edge.post_login(headers={"Cookie": cookie}))[0] == 200


async def test_behind_tls_the_cookie_is_for_tls_alone(tmp_path: Path, reader_socket: Path) -> None:
    """A trusted proxy says so."""
    trusted = ("127.0.0.1",)
    async with running_edge(tmp_path, reader_socket, trusted_proxies=trusted) as edge:
        _, _, headers = await edge.post_login(headers={"X-Forwarded-Proto": "https"})
        assert "Secure" in cookie_line(headers)


async def test_a_flood_of_logins_is_answered_and_bounded(
    tmp_path: Path, reader_socket: Path
) -> None:
    """What finds no place gets 429 at once; the rest is answered."""
    limits = EdgeLimits(hash_workers=1, hash_queue_max=2)
    strong = PasswordHasher()
    async with running_edge(tmp_path, reader_socket, limits=limits, hasher=strong) as edge:
        replies = await asyncio.gather(*(edge.post_login() for _ in range(20)))
        statuses = [status for status, _, _ in replies]
        assert set(statuses) == {200, 429}
        assert (await edge.post_login())[0] == 200


async def test_a_login_stores_a_stronger_hash_where_the_old_one_is_weak(edge: RunningEdge) -> None:
    """Old parameters disappear by themselves, and tokens given before stay good."""
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("pw")
    edge.users.add("ann", weak, "viewer")
    assert (await edge.post_login("ann", "pw"))[0] == 200
    ann = edge.users.get("ann")
    assert ann is not None and ann.password_hash != weak and ann.version == 1
    assert (await edge.post_login("ann", "pw"))[0] == 200


async def test_neither_password_nor_token_is_logged(
    edge: RunningEdge, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says who came from where, and nothing that opens a door."""
    caplog.set_level(logging.DEBUG)
    token = await edge.token()
    await edge.post_login(password="a wrong guess")
    logged = "\n".join(repr(vars(record)) for record in caplog.records)
    assert "login failed" in logged and "127.0.0.1" in logged
    for secret in (token, token.rsplit(".", 1)[1], PASSWORD, "a wrong guess"):
        assert secret not in logged


async def test_get_is_not_a_login(edge: RunningEdge) -> None:
    """So a password cannot end up in an address."""
    async with edge.http.get(f"{edge.url}/auth/login?username=a&password=b") as reply:
        assert reply.status == 405
        assert reply.headers["Allow"] == "POST"
        assert (await reply.json())["code"] == "methodNotAllowed"


async def test_the_first_admin_is_made_only_where_there_are_no_users(tmp_path: Path) -> None:
    """A later password in the environment cannot take over an installation."""
    users = UserStore(tmp_path)
    passwords = PasswordHashing(EdgeLimits())
    made = [
        await first_admin(users, passwords, password)
        for password in ("the first of two", "the second")
    ]
    admin = users.get("admin")
    assert admin is not None
    assert made == [True, False]
    assert admin.role == "admin"
    assert await passwords.verify(admin.password_hash, "the first of two")
    passwords.close()
    users.close()


async def test_half_a_request_is_no_login(edge: RunningEdge) -> None:
    """A client that leaves in the middle of its body changes nothing for the next."""
    host = edge.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    writer.write(
        f"POST /auth/login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n{{".encode()
    )
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert (await edge.post_login())[0] == 200
    assert isinstance(edge.http, aiohttp.ClientSession)


class RecordingHasher(PasswordHasher):
    """Records the parameters of each hash that a password is checked against."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.checked: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.checked.append(extract_parameters(str(hash)))
        return super().verify(hash, password)


async def test_each_refusal_costs_the_same_hash(tmp_path: Path, reader_socket: Path) -> None:
    """Whether the user exists, is disabled, or nobody has the name: so time does not say it."""
    hasher = RecordingHasher()
    async with running_edge(tmp_path, reader_socket, hasher=hasher) as edge:
        edge.add_user("ann")
        edge.add_user("off")
        edge.users.set_enabled("off", False)
        costs, refusals = {}, set()
        for name in ("ann", "off", "nobody"):
            hasher.checked.clear()
            status, body, _ = await edge.post_login(name, "wrong password")
            refusals.add((status, body))
            costs[name] = list(hasher.checked)
    assert len(refusals) == 1
    assert costs["ann"] == costs["off"] == costs["nobody"] and len(costs["ann"]) == 1
