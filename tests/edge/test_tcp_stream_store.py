"""The definitions of TCP streams on disk: kept, unique, shared, and each change recorded."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nova.edge.actor import Actor
from nova.edge.audit_queue import AuditQueue
from nova.edge.edge_database import FILE_NAME
from nova.edge.tcp_stream_store import TcpStreamStore
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.tcp_streams import TcpStreamDefinition
from tests.edge.stepped_clock import SteppedClock

ANN = Actor("ann", "user")
DEFINITION = TcpStreamDefinition(
    name="downlink",
    port=7001,
    filters=Filters(lanes=["raw"], system_id="radio", container_id="rx", unique_id="a"),
    format="payloadOnly",
    framing="length4",
    timebase="canonical",
    backpressure="disconnect",
    visibility="public",
)


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[TcpStreamStore]:
    with TcpStreamStore(tmp_path, SteppedClock()) as streams:
        yield streams


def actions(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    """Who did what, of every entry that waits for the Core."""
    with AuditQueue(folder) as queue:
        entries = [queued.entry for queued in queue.first()]
    assert {one.kind for one in entries} <= {"AdminAction"}
    return [(one.principal, one.details) for one in entries]


def test_a_definition_survives_as_it_was(streams: TcpStreamStore, tmp_path: Path) -> None:
    """Every member, with who created it, for every edge of the folder."""
    stream = streams.add(DEFINITION, ANN, enabled=True)
    assert (stream.definition, stream.created_by, stream.creator_kind) == (
        DEFINITION,
        "ann",
        "user",
    )
    streams.close()
    with TcpStreamStore(tmp_path) as again:
        assert again.list_streams() == [stream] == [again.get(stream.id)]
        assert again.get("0") is None


def test_every_change_is_one_audit_entry(streams: TcpStreamStore, tmp_path: Path) -> None:
    """With what was changed, and from what to what."""
    bob = Actor("bob", "key")
    stream = streams.add(DEFINITION, ANN, enabled=False)
    streams.set_enabled(stream.id, True, bob)
    edited = TcpStreamDefinition(name="uplink", port=7002)
    changed = streams.replace(stream.id, edited, bob)
    assert changed is not None and (changed.definition, changed.enabled) == (edited, True)
    assert changed.created_by == "ann"
    streams.record_tie(changed, ANN, tied=True)
    streams.record_tie(changed, ANN, tied=False)
    streams.set_enabled(stream.id, False, bob)
    assert streams.delete(stream.id, ANN) and streams.list_streams() == []
    found = actions(tmp_path)
    assert [(who, details["action"], details["target"]) for who, details in found] == [
        ("ann", "createTcpStream", "downlink"),
        ("bob", "startTcpStream", "downlink"),
        ("bob", "editTcpStream", "downlink"),
        ("ann", "tieTcpStream", "uplink"),
        ("ann", "untieTcpStream", "uplink"),
        ("bob", "stopTcpStream", "uplink"),
        ("ann", "deleteTcpStream", "uplink"),
    ]
    details = [details for _, details in found]
    assert details[0]["after"]["filters"]["systemId"] == "radio" and "before" not in details[0]
    assert details[1]["before"] == {"enabled": False} and details[1]["after"] == {"enabled": True}
    assert details[2]["before"]["port"] == 7001 and details[2]["after"]["port"] == 7002
    assert "bind" not in details[2]["after"], "it is the same as before"
    assert details[6]["before"]["name"] == "uplink" and "after" not in details[6]


@pytest.mark.parametrize(
    ("other", "code", "names"),
    [
        (TcpStreamDefinition(name="downlink", port=7002), "nameTaken", "downlink"),
        (TcpStreamDefinition(name="uplink", port=7001), "portTaken", "'downlink'"),
        (DEFINITION, "nameTaken", "downlink"),
    ],
    ids=["name", "port", "both"],
)
def test_name_and_port_are_of_one_stream(
    streams: TcpStreamStore, tmp_path: Path, other: TcpStreamDefinition, code: str, names: str
) -> None:
    """Whether it is created or edited, and whether that stream runs; nothing is recorded."""
    streams.add(DEFINITION, ANN, enabled=False)
    second = streams.add(TcpStreamDefinition(name="b", port=7003), ANN, enabled=True)
    before = streams.list_streams(), len(actions(tmp_path))
    with pytest.raises(ProtocolError, match=names) as refused:
        streams.add(other, ANN, enabled=True)
    assert refused.value.code == code
    with pytest.raises(ProtocolError, match=names) as refused:
        streams.replace(second.id, other, ANN)
    assert refused.value.code == code
    assert (streams.list_streams(), len(actions(tmp_path))) == before
    assert streams.replace(second.id, second.definition, ANN) == second


def test_what_is_not_there_cannot_be_changed(streams: TcpStreamStore, tmp_path: Path) -> None:
    assert streams.replace("x", DEFINITION, ANN) is None
    assert streams.set_enabled("x", True, ANN) is None
    assert not streams.delete("x", ANN) and actions(tmp_path) == []


def test_a_definition_of_a_newer_program_is_left_out(
    streams: TcpStreamStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are served; the log says so once, and its name and port stay taken until it is
    deleted.
    """
    theirs = streams.add(DEFINITION, ANN, enabled=True)
    mine = streams.add(TcpStreamDefinition(name="b", port=7003), ANN, enabled=True)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as db:
        changed = "json_set(definition, '$.colour', 'red')"
        db.execute(f"UPDATE streams SET definition = {changed} WHERE id = ?", (theirs.id,))
    for _ in range(2):
        assert streams.list_streams() == [mine] and streams.get(theirs.id) is None
    assert [record.message for record in caplog.records] == ["TCP stream left out: upgrade NOVA"]
    with pytest.raises(ProtocolError, match="downlink"):
        streams.add(DEFINITION, ANN, enabled=True)
    assert streams.id_of("downlink") == theirs.id and streams.delete(theirs.id, ANN)
    assert actions(tmp_path)[-1][1] == {"action": "deleteTcpStream", "target": "downlink"}
    assert streams.add(DEFINITION, ANN, enabled=True).id == streams.id_of("downlink")
