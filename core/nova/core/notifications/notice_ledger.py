"""Notice ledger: what was and is to be sent, durable, so that nothing is sent twice.

A notice is one alarm for one target. When it is due it becomes part of a message, whose sending is
recorded before it begins, and its outcome after it. Beside the notices is the canonical time up to
which the transitions of alarms are read, in the same transactions.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from nova.core.notifications.notice import AlarmNotice, MessageContent, NoticeKind
from nova.sdk import private
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_PER_SECOND

LEDGER_FOLDER = "notifications"
LEDGER_FILE = "ledger.sqlite"
LAYOUT = 1
GROUP_MAX_NOTICES = 100
READ_MESSAGES = 100
KEEP_NS = 90 * 86_400 * NS_PER_SECOND
"""How long what is over stays."""

NoticeState = Literal["waiting", "shelved", "late", "ended", "grouped"]
"""`shelved` and `late` ones may come to wait; `ended`: the alarm was acknowledged before."""

Outcome = Literal["sent", "failed", "unknown"]
"""`unknown`: the process ended while it was sent, or the target did not reply in time."""

_SCHEMA = """
CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE notice (
  id TEXT PRIMARY KEY, alarm TEXT NOT NULL, raising TEXT NOT NULL, kind TEXT NOT NULL,
  scope TEXT NOT NULL, target TEXT NOT NULL, rule TEXT NOT NULL, state TEXT NOT NULL,
  created_ns INTEGER NOT NULL, ready_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL,
  message TEXT, content BLOB NOT NULL);
CREATE INDEX notice_open ON notice (state, alarm) WHERE state != 'grouped' AND state != 'ended';
CREATE TABLE message (
  id TEXT PRIMARY KEY, target TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  next_ns INTEGER NOT NULL, content BLOB NOT NULL, error TEXT, ended_ns INTEGER,
  is_recorded INTEGER NOT NULL DEFAULT 0);
CREATE INDEX message_open ON message (state) WHERE is_recorded = 0;
"""

_notice_decoder = msgspec.json.Decoder(AlarmNotice)
_content_decoder = msgspec.json.Decoder(MessageContent)


class Notice(NamedTuple):
    """A notice before it is entered. `alarm` and `raising` are ids; it may be sent from `ready_ns`
    on and goes with those of its group at `due_ns`.
    """

    alarm: str
    raising: str
    kind: NoticeKind
    target: str
    rule: str
    ready_ns: int
    due_ns: int
    content: AlarmNotice
    state: NoticeState = "waiting"

    @property
    def id(self) -> str:
        return f"{self.raising}/{self.kind}/{self.target}"


class NoticeGroup(NamedTuple):
    """Notices that become one message."""

    target: str
    rule: str
    kind: NoticeKind
    alarms: list[AlarmNotice]
    ids: list[str]


class StoredMessage(NamedTuple):
    """A message that is not over, or whose outcome is not recorded as an event yet."""

    content: MessageContent
    state: str
    attempts: int
    next_ns: int
    error: str | None
    ended_ns: int | None


class NoticeLedger:
    """The ledger of a data folder, of one process."""

    def __init__(self, data: Path) -> None:
        self.path = data / LEDGER_FOLDER / LEDGER_FILE
        private.make_folder(self.path.parent)
        private.make_file(self.path)
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            with self.transaction():
                self._prepare()
        except sqlite3.Error as error:
            raise NovaError(
                f"cannot use {self.path}, which holds what was sent to whom: {error}. If another "
                "process notifies, stop it; a damaged file can be moved away, and notifications "
                "then begin with the alarms of that moment"
            ) from None

    def _prepare(self) -> None:
        layout = self._db.execute("PRAGMA user_version").fetchone()[0]
        if layout == 0:
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {LAYOUT}")
        elif layout != LAYOUT:
            raise sqlite3.DatabaseError(f"its layout is {layout}, of another version of NOVA")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block as one durable transaction."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @property
    def cursor_ns(self) -> int | None:
        """The canonical time up to which transitions are read; None: none has been read."""
        row = self._db.execute("SELECT value FROM state WHERE name = 'cursor'").fetchone()
        return None if row is None else int(row[0])

    def set_cursor(self, cursor_ns: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES ('cursor', ?)", (cursor_ns,))

    # --- notices ----------------------------------------------------------------------------------

    def add(self, notice: Notice, now_ns: int) -> bool:
        """Enter a notice; returns whether it is new. One that waits already is moved forward, if
        the alarm has become worse.
        """
        content = msgspec.json.encode(notice.content)
        times = (notice.ready_ns, notice.due_ns)
        group = (notice.content.scope_id, notice.target, notice.rule, notice.state)
        entered = self._db.execute(
            "INSERT INTO notice VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?) "
            "ON CONFLICT (id) DO NOTHING",
            (notice.id, notice.alarm, notice.raising, notice.kind, *group, now_ns, *times, content),
        )
        if entered.rowcount:
            return True
        if notice.state == "waiting":
            self._db.execute(
                "UPDATE notice SET ready_ns = ?, due_ns = ?, content = ?, state = 'waiting' "
                "WHERE id = ? AND (state = 'late' OR state = 'waiting' AND ready_ns > ?)",
                (*times, content, notice.id, notice.ready_ns),
            )
        return False

    def move(self, alarm: str, states: Sequence[NoticeState], state: NoticeState) -> None:
        """Move the notices of an alarm that are in one of some states to another one."""
        marks = ",".join("?" * len(states))
        self._db.execute(
            f"UPDATE notice SET state = ? WHERE alarm = ? AND state IN ({marks})",
            (state, alarm, *states),
        )

    def unshelve(self, alarm: str, now_ns: int) -> None:
        """Let the shelved notices of an alarm wait again; escalations wait from now on."""
        self._db.execute(
            "UPDATE notice SET state = 'waiting', created_ns = :now, "
            "due_ns = max(ready_ns, :now) - ready_ns + due_ns, ready_ns = max(ready_ns, :now) "
            "WHERE alarm = :alarm AND state = 'shelved' AND kind = 'raised'",
            {"now": now_ns, "alarm": alarm},
        )
        self._db.execute(
            "UPDATE notice SET state = 'waiting', created_ns = :now, "
            "due_ns = due_ns - created_ns + :now, ready_ns = ready_ns - created_ns + :now "
            "WHERE alarm = :alarm AND state = 'shelved'",
            {"now": now_ns, "alarm": alarm},
        )

    def renew(self, alarm: str, state: NoticeState, now_ns: int) -> None:
        """Let the late notices of an alarm wait as if they were new."""
        self._db.execute(
            "UPDATE notice SET state = :state, created_ns = :now, "
            "due_ns = due_ns - created_ns + :now, ready_ns = ready_ns - created_ns + :now "
            "WHERE alarm = :alarm AND state = 'late'",
            {"state": state, "now": now_ns, "alarm": alarm},
        )

    def open_alarms(self) -> set[str]:
        """The alarms with notices that wait, are shelved or late."""
        rows = self._db.execute(
            "SELECT DISTINCT alarm FROM notice WHERE state IN ('waiting', 'shelved', 'late')"
        )
        return {row[0] for row in rows}

    def late_alarms(self) -> set[str]:
        """The alarms with notices that were late."""
        rows = self._db.execute("SELECT DISTINCT alarm FROM notice WHERE state = 'late'")
        return {row[0] for row in rows}

    def due_groups(self, now_ns: int, escalate_ns: int | None = None) -> list[NoticeGroup]:
        """The groups of which a notice is due, each with its notices that are ready. Escalations
        are due up to `escalate_ns`, or up to now.
        """
        until_ns = now_ns if escalate_ns is None else min(now_ns, escalate_ns)
        due = self._db.execute(
            "SELECT DISTINCT scope, target, rule, kind FROM notice WHERE state = 'waiting' "
            "AND due_ns <= CASE kind WHEN 'escalated' THEN ? ELSE ? END",
            (until_ns, now_ns),
        ).fetchall()
        return [self._group(key, until_ns if key[3] == "escalated" else now_ns) for key in due]

    def _group(self, key: tuple[str, str, str, NoticeKind], until_ns: int) -> NoticeGroup:
        rows = self._db.execute(
            "SELECT id, content FROM notice WHERE state = 'waiting' AND scope = ? AND target = ? "
            "AND rule = ? AND kind = ? AND ready_ns <= ? ORDER BY due_ns, rowid LIMIT ?",
            (*key, until_ns, GROUP_MAX_NOTICES),
        ).fetchall()
        alarms = [_notice_decoder.decode(content) for _, content in rows]
        _, target, rule, kind = key
        return NoticeGroup(target, rule, kind, alarms, [row[0] for row in rows])

    # --- messages ---------------------------------------------------------------------------------

    def add_message(self, content: MessageContent, ids: Sequence[str], now_ns: int) -> None:
        """Make a message of notices."""
        self._db.execute(
            "INSERT INTO message VALUES (?, ?, 'ready', 0, ?, ?, NULL, NULL, 0)",
            (content.message_id, content.target, now_ns, msgspec.json.encode(content)),
        )
        self._db.executemany(
            "UPDATE notice SET state = 'grouped', message = ? WHERE id = ?",
            [(content.message_id, one) for one in ids],
        )

    def next_message(self, target: str, now_ns: int) -> StoredMessage | None:
        """The first message to a target that may be sent now."""
        found = self._messages("state = 'ready' AND target = ? AND next_ns <= ?", target, now_ns)
        return found[0] if found else None

    def interrupted(self) -> list[StoredMessage]:
        """The messages that were being sent when the process before ended."""
        return self._messages("state = 'sending'")

    def waiting_targets(self) -> set[str]:
        """The targets of messages that are to be sent."""
        rows = self._db.execute(
            "SELECT DISTINCT target FROM message WHERE is_recorded = 0 AND state = 'ready'"
        )
        return {row[0] for row in rows}

    def waiting_counts(self) -> list[tuple[str, int]]:
        """How many messages to each target are to be sent."""
        return self._db.execute(
            "SELECT target, count(*) FROM message "
            "WHERE is_recorded = 0 AND state IN ('ready', 'sending') GROUP BY target"
        ).fetchall()

    def unrecorded(self) -> list[StoredMessage]:
        """Messages that are over, and are not recorded as events."""
        return self._messages("state NOT IN ('ready', 'sending')")

    def newest_ended(self, limit: int) -> list[StoredMessage]:
        """The messages that ended last, the newest first."""
        rows = self._db.execute(
            "SELECT content, state, attempts, next_ns, error, ended_ns FROM message "
            "WHERE ended_ns IS NOT NULL ORDER BY ended_ns DESC LIMIT ?",
            (limit,),
        ).fetchall()
        return [StoredMessage(_content_decoder.decode(row[0]), *row[1:]) for row in rows]

    def _messages(self, condition: str, *values: object) -> list[StoredMessage]:
        rows = self._db.execute(
            "SELECT content, state, attempts, next_ns, error, ended_ns FROM message "
            f"WHERE is_recorded = 0 AND {condition} ORDER BY rowid LIMIT {READ_MESSAGES}",
            values,
        )
        return [StoredMessage(_content_decoder.decode(row[0]), *row[1:]) for row in rows]

    def begin(self, message_id: str) -> None:
        """Record that an attempt to send a message begins."""
        self._change(message_id, "state = 'sending', attempts = attempts + 1")

    def retry(self, message_id: str, next_ns: int, error: str | None) -> None:
        """Record that a message is to be sent again, not before a time."""
        self._change(message_id, "state = 'ready', next_ns = ?, error = ?", next_ns, error)

    def end(self, message_id: str, outcome: Outcome, ended_ns: int, error: str | None) -> None:
        """Record the outcome of a message."""
        self._change(message_id, "state = ?, ended_ns = ?, error = ?", outcome, ended_ns, error)

    def set_recorded(self, message_id: str) -> None:
        self._change(message_id, "is_recorded = 1")

    def _change(self, message_id: str, change: str, *values: object) -> None:
        self._db.execute(f"UPDATE message SET {change} WHERE id = ?", (*values, message_id))

    def forget(self, before_ns: int) -> None:
        """Forget what is over since before a time."""
        with self.transaction():
            self._db.execute(
                "DELETE FROM message WHERE is_recorded = 1 AND ended_ns < ?", (before_ns,)
            )
            self._db.execute(
                "DELETE FROM notice WHERE state IN ('grouped', 'ended', 'late') AND created_ns < ? "
                "AND (message IS NULL OR message NOT IN (SELECT id FROM message))",
                (before_ns,),
            )
