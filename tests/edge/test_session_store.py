"""Sessions: refresh tokens are good once, and sessions end when they should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.edge.edge_database import FILE_NAME
from nova.edge.errors import AccessError
from nova.edge.session_store import SESSION_IDLE_S, SESSION_MAX_S, SessionStore
from nova.edge.user_store import User, UserStore
from tests.edge.stepped_clock import SteppedClock


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def users(tmp_path: Path) -> Iterator[UserStore]:
    with UserStore(tmp_path) as users:
        users.add("admin", "hash", "admin")
        users.add("ann", "hash", "operator")
        yield users


@pytest.fixture
def sessions(users: UserStore, tmp_path: Path, clock: SteppedClock) -> Iterator[SessionStore]:
    with SessionStore(tmp_path, clock, per_user_max=3) as sessions:
        yield sessions


def user(users: UserStore, name: str = "ann") -> User:
    found = users.get(name)
    assert found is not None
    return found


def test_each_refresh_token_leads_to_the_next(users: UserStore, sessions: SessionStore) -> None:
    """The session stays the same."""
    session, token = sessions.start(user(users), "192.0.2.1", "browser")
    assert user(users).last_login is not None
    assert (session.username, session.address, session.agent) == ("ann", "192.0.2.1", "browser")
    seen = {token}
    for _ in range(20):
        again, token = sessions.refresh(token)
        assert again.id == session.id and token not in seen
        seen.add(token)
    assert sessions.is_alive("ann", session.id) and not sessions.is_alive("admin", session.id)


def test_a_program_may_call_itself_anything(users: UserStore, sessions: SessionStore) -> None:
    """Bytes of a header that are no UTF-8 text arrive as lone surrogates."""
    sessions.start(user(users), "192.0.2.1", "caf\udce9 \udcff")
    (session,) = sessions.of_user("ann")
    assert session.agent == "caf? ?"


@pytest.mark.parametrize("age", [1, 2, 10])
def test_a_used_token_ends_the_session(users: UserStore, sessions: SessionStore, age: int) -> None:
    """Whether its thief or its owner comes first, the other one's tokens end too."""
    other, _ = sessions.start(user(users))
    session, token = sessions.start(user(users))
    tokens = [token]
    for _ in range(age):
        tokens.append(sessions.refresh(tokens[-1])[1])
    with pytest.raises(AccessError, match="used before"):
        sessions.refresh(tokens[0])
    for one in tokens:
        with pytest.raises(AccessError):
            sessions.refresh(one)
    assert not sessions.is_alive("ann", session.id)
    assert sessions.is_alive("ann", other.id)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\ud800", "a" * 10_000])
def test_what_is_no_token_is_refused_and_ends_nothing(
    users: UserStore, sessions: SessionStore, token: str
) -> None:
    session, _ = sessions.start(user(users))
    with pytest.raises(AccessError, match="unknown"):
        sessions.refresh(token)
    assert sessions.is_alive("ann", session.id)


def test_a_session_ends_when_it_is_not_used(
    users: UserStore, sessions: SessionStore, clock: SteppedClock
) -> None:
    session, token = sessions.start(user(users))
    clock.now += SESSION_IDLE_S - 1
    _, token = sessions.refresh(token)
    clock.now += SESSION_IDLE_S - 1
    assert sessions.is_alive("ann", session.id)
    clock.now += 2
    assert not sessions.is_alive("ann", session.id) and not sessions.of_user("ann")
    with pytest.raises(AccessError):
        sessions.refresh(token)


def test_a_session_ends_after_its_longest_time(
    users: UserStore, sessions: SessionStore, clock: SteppedClock
) -> None:
    """However often it is used."""
    session, token = sessions.start(user(users))
    ends = clock.now + SESSION_MAX_S
    while clock.now + SESSION_IDLE_S / 2 < ends:
        clock.now += SESSION_IDLE_S / 2
        _, token = sessions.refresh(token)
    clock.now = ends + 1
    assert not sessions.is_alive("ann", session.id)
    with pytest.raises(AccessError):
        sessions.refresh(token)


def test_a_viewers_session_stays_while_it_is_used(
    users: UserStore, sessions: SessionStore, clock: SteppedClock
) -> None:
    """A display on a wall is not logged out; one that is switched off is, as any other."""
    users.add("wall", "hash", "viewer")
    session, token = sessions.start(user(users, "wall"))
    assert session.ends("viewer") is None and session.ends("admin") == clock.now + SESSION_MAX_S
    for _ in range(20):
        clock.now += SESSION_IDLE_S - 1
        _, token = sessions.refresh(token)
    sessions.start(user(users))
    assert sessions.is_alive("wall", session.id)
    assert [one.id for one in sessions.of_user("wall")] == [session.id]
    clock.now += SESSION_IDLE_S
    assert not sessions.is_alive("wall", session.id)
    with pytest.raises(AccessError):
        sessions.refresh(token)


@pytest.mark.parametrize("change", ["password", "disable", "role", "delete"])
def test_a_changed_user_has_no_sessions(
    users: UserStore, sessions: SessionStore, change: str
) -> None:
    """Those of others stay."""
    session, token = sessions.start(user(users))
    other, _ = sessions.start(user(users, "admin"))
    users.has_changed()
    if change == "password":
        users.set_password("ann", "new")
    elif change == "disable":
        users.set_enabled("ann", False)
    elif change == "role":
        users.change("ann", role="viewer")
    else:
        users.delete("ann")
    assert users.has_changed()
    assert not sessions.is_alive("ann", session.id) and sessions.is_alive("admin", other.id)
    with pytest.raises(AccessError):
        sessions.refresh(token)


def test_no_session_starts_with_what_held_before_a_change(
    users: UserStore, sessions: SessionStore
) -> None:
    """The password was checked before the user was disabled."""
    before = user(users)
    users.set_enabled("ann", False)
    with pytest.raises(AccessError):
        sessions.start(before)
    users.set_enabled("ann", True)
    with pytest.raises(AccessError):
        sessions.start(before)


def test_the_sessions_of_a_user_are_bounded(
    users: UserStore, sessions: SessionStore, clock: SteppedClock
) -> None:
    """The one that was used longest ago ends."""
    made = []
    for _ in range(4):
        clock.now += 1
        made.append(sessions.start(user(users)))
    clock.now += 1
    sessions.refresh(made[1][1])
    clock.now += 1
    newest, _ = sessions.start(user(users))
    ids = [one.id for one in sessions.of_user("ann")]
    assert ids == [newest.id, made[1][0].id, made[3][0].id]


def test_a_session_is_ended_by_its_user_only(users: UserStore, sessions: SessionStore) -> None:
    """Other edges hear of it."""
    session, _ = sessions.start(user(users))
    assert not sessions.end("admin", session.id)
    users.has_changed()
    assert sessions.end("ann", session.id) and users.has_changed()
    assert not sessions.end("ann", session.id)


def test_the_file_holds_no_token(users: UserStore, sessions: SessionStore, tmp_path: Path) -> None:
    """Whoever reads a backup of it cannot log in."""
    _, token = sessions.start(user(users))
    sessions.close()
    users.close()
    held = b"".join(path.read_bytes() for path in tmp_path.glob(f"{FILE_NAME}*"))
    assert token.encode() not in held
