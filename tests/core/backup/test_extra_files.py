"""Users and settings go along on demand, without sessions."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from nova.core.backup.backup_run import BackupRequest, make_backup
from nova.core.backup.folder_target import FolderTarget
from nova.edge.session_store import SessionStore
from nova.edge.user_store import UserStore
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, backed_up, restored, unheard


def test_users_travel_and_their_sessions_do_not(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """While an edge has its database open, with changes in the write-ahead log alone. Without the
    option nothing of it is in a backup.
    """
    edge = living.data / "edge"
    users, sessions = UserStore(edge), SessionStore(edge)
    users.add("ada", "hash-of-a-password", "operator")
    user = users.get("ada")
    assert user is not None
    _, token = sessions.start(user)
    name = backed_up(living.data, target).generation
    restored(target, tmp_path / "without", name)
    assert not (tmp_path / "without" / "edge").exists()
    make_backup(BackupRequest(living.data, with_users=True), target, unheard)
    assert sessions.refresh(token)
    users.close()
    sessions.close()
    assert restored(target, tmp_path / "back").has_users
    back = tmp_path / "back" / "edge"
    assert [path.name for path in back.iterdir()] == ["users.db"]
    with closing(sqlite3.connect(back / "users.db")) as db:
        assert db.execute("SELECT username, role FROM users").fetchall() == [("ada", "operator")]
        for table in ("sessions", "refresh_tokens", "pending_logins"):
            assert db.execute(f"SELECT * FROM {table}").fetchall() == []
    again = UserStore(back)
    assert again.get("ada") is not None
    again.close()


def test_a_damaged_database_of_users_is_refused(
    living: LivingArchive, target: FolderTarget
) -> None:
    edge = living.data / "edge"
    UserStore(edge).close()
    (edge / "users.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(NovaError, match=r"cannot copy .*users\.db"):
        make_backup(BackupRequest(living.data, with_users=True), target, unheard)


def test_settings_travel_with_the_files_that_they_name(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    cards = tmp_path / "etc" / "cards"
    (cards / "deep").mkdir(parents=True)
    (cards / "deep" / "one.json").write_text("{}")
    (tmp_path / "etc" / "view.json").write_text("[]")
    config = tmp_path / "etc" / "nova.toml"
    config.write_text(f"manifests = '{cards}'\ndefault_view = '{tmp_path}/etc/view.json'\n")
    make_backup(BackupRequest(living.data, config=config), target, unheard)
    assert restored(target, tmp_path / "back").has_settings
    settings = tmp_path / "back" / "settings"
    assert (settings / "nova.toml").read_text() == config.read_text()
    assert (settings / "manifests" / "cards" / "deep" / "one.json").read_text() == "{}"
    assert (settings / "default_view" / "view.json").read_text() == "[]"
