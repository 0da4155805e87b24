"""The queue of audit entries: with the change or not at all, in order, bounded, never silent."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from nova.edge.actor import INSTANCE, NOBODY, Actor
from nova.edge.audit_queue import AuditQueue, QueueLimits
from nova.edge.edge_database import FILE_NAME
from nova.edge.errors import LastAdminError
from nova.edge.key_store import KeyStore
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore
from nova.sdk.events.audit_entry import AuditKind
from nova.sdk.field_types import JsonObject

ANN = Actor("ann", "user")
ROOT = Actor("root", "user")


def waiting(folder: Path) -> list[tuple[AuditKind, str, JsonObject]]:
    """Kind, principal and details of the entries that wait."""
    queue = AuditQueue(folder)
    found = [(one.entry.kind, one.entry.principal, one.entry.details) for one in queue.first()]
    queue.close()
    return found


def test_changes_of_users_say_what_whom_and_from_what_to_what(tmp_path: Path) -> None:
    with UserStore(tmp_path) as users:
        users.add("root", "secret-hash", "admin")
        users.add("ann", "secret-hash", "viewer", scopes=["sat"], by=ROOT)
        users.change("ann", role="operator", scopes=None, by=ROOT)
        users.set_password("ann", "new-hash", action="changePassword", by=ANN)
        users.set_password("ann", "other-hash", must_change=True, by=ROOT)
        users.delete("ann", by=ROOT)
        assert not users.delete("ann", by=ROOT) and not users.change("ann", by=ROOT)
    found = waiting(tmp_path)
    assert [(who, details["action"]) for _, who, details in found] == [
        ("root", "addUser"),
        ("root", "changeUser"),
        ("ann", "changePassword"),
        ("root", "resetPassword"),
        ("root", "deleteUser"),
    ]
    assert found[1][2] == {
        "action": "changeUser",
        "target": "ann",
        "before": {"role": "viewer", "scopes": ["sat"]},
        "after": {"role": "operator", "scopes": None},
    }
    assert "hash" not in str(found)


def test_a_change_that_fails_leaves_no_entry(tmp_path: Path) -> None:
    with UserStore(tmp_path) as users:
        users.add("root", "hash", "admin")
        with pytest.raises(LastAdminError):
            users.delete("root", by=ROOT)
        assert not users.add("root", "hash", "admin", by=ROOT)
    assert waiting(tmp_path) == []


def test_keys_and_sessions_are_recorded_without_their_secrets(tmp_path: Path) -> None:
    with UserStore(tmp_path) as users, KeyStore(tmp_path) as keys:
        users.add("ann", "hash", "viewer")
        secret = keys.add("probe", "viewer", "ann", lanes=["ui"], by=ANN)
        assert keys.revoke("probe", by=ROOT) and not keys.revoke("probe", by=ROOT)
        user = users.get("ann")
        assert user is not None and secret is not None
    with SessionStore(tmp_path, per_user_max=2) as sessions:
        first, token = sessions.start(user, "192.0.2.1", "agent")
        second, _ = sessions.start(user)
        third, _ = sessions.start(user)
        sessions.end("ann", second.id, by=ANN)
        sessions.end("ann", third.id, by=ROOT)
    found = waiting(tmp_path)
    assert [(kind, who) for kind, who, _ in found] == [
        ("AdminAction", "ann"),
        ("AdminAction", "root"),
        ("UserLogin", "ann"),
        ("UserLogin", "ann"),
        ("UserLogin", "ann"),
        ("UserLogout", "ann"),
        ("UserLogout", "ann"),
        ("AdminAction", "root"),
    ]
    assert found[5][2] == {"session": first.id, "reason": "tooManySessions"}
    assert found[6][2] == {"session": second.id, "reason": "logout"}
    assert secret not in str(found) and token not in str(found)


def test_times_only_increase_and_are_removed_from_the_front(tmp_path: Path) -> None:
    """Two queues of one file are one."""
    one, other = AuditQueue(tmp_path), AuditQueue(tmp_path)
    for number in range(20):
        (one, other)[number % 2].append("AdminAction", ROOT, {"number": number})
    found = one.first()
    assert [entry.details["number"] for _, entry in found] == list(range(20))
    assert len({entry.time for _, entry in found}) == 20
    assert [entry.time for _, entry in found] == sorted(entry.time for _, entry in found)
    one.remove(found[9].number)
    assert [entry.details["number"] for _, entry in other.first()] == list(range(10, 20))
    one.close()
    other.close()


def test_what_has_no_room_is_counted_and_itself_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Failed logins, which anybody can cause, leave room for everything else."""
    queue = AuditQueue(tmp_path, QueueLimits(entries_max=5, failed_logins_max=2))
    with caplog.at_level(logging.ERROR):
        for _ in range(4):
            queue.append("UserLogin", NOBODY, {}, is_failed_login=True)
        for number in range(4):
            queue.append("AdminAction", ROOT, {"number": number})
    assert [record.message for record in caplog.records].count(
        "audit entries are dropped: too many wait for the Core, or it refuses them"
    ) == 1
    waiting_now = queue.first()
    assert [entry.kind for _, entry in waiting_now] == ["UserLogin"] * 2 + ["AdminAction"] * 3
    queue.remove(waiting_now[-1].number)
    ((number, gap),) = queue.first()
    assert (gap.kind, gap.principal, gap.details["dropped"]) == ("AuditGap", INSTANCE.name, 3)
    queue.remove(number)
    assert queue.first() == []
    queue.close()


def test_a_refused_entry_is_recorded_as_a_gap(tmp_path: Path) -> None:
    queue = AuditQueue(tmp_path)
    queue.append("AdminAction", ROOT, {})
    queue.remove(queue.first()[-1].number, refused=1)
    ((_, gap),) = queue.first()
    assert gap.kind == "AuditGap" and gap.details["dropped"] == 1
    queue.close()


def test_an_entry_is_durable_or_its_change_is_not_made(tmp_path: Path) -> None:
    """Without room in the database for the entry, the change does not happen either."""
    with UserStore(tmp_path) as users:
        users.add("root", "hash", "admin")
        db = sqlite3.connect(tmp_path / FILE_NAME)
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_queue"
            " BEGIN SELECT raise(ABORT, 'disk full'); END"
        )
        db.commit()
        db.close()
        with pytest.raises(sqlite3.IntegrityError, match="disk full"):
            users.add("ann", "hash", "viewer", by=ROOT)
        assert users.get("ann") is None
