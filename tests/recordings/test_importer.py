"""Importing: each record goes to its destination, and transient failures are retried."""

from __future__ import annotations

import msgspec
import pytest

from nova.recordings.importer import AdminAccess, Importer, is_reserved
from nova.sdk.errors import ConnectionLostError, NovaError, ProtocolError
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.protocol.submission import IMPORT_MAX_EVENTS, ImportAck, ImportEvents, ImportRefusal
from nova.sdk.transport.base import Record
from tests.sdk.events.test_reserved import METADATA, envelope
from tests.sdk.tape import Tape

AT_ONCE = Retry(first_delay_s=0.0, max_delay_s=0.0, deadline_s=5.0)


def own(number: int, size: int = 0) -> Record:
    """One that only a Core writes."""
    body: JsonObject = {"payload": {"n": number, "text": "x" * size}}
    return Record(None, envelope("AdminAction", body, scope="sat", system="bus"))


def other(number: int) -> Record:
    """One that a transport brings."""
    return Record(None, envelope("Note", {"payload": {"n": number}}, scope="sat", system="bus"))


class ImportingCore:
    """A Core's door that keeps what came, and fails as the test says."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.came: list[list[str]] = []
        self.connected = self.closed = 0

    async def connect(self) -> ImportingCore:
        """Somebody comes."""
        self.connected += 1
        return self

    async def import_events(self, message: ImportEvents) -> ImportAck:
        """All are new, but the second of each request, which is refused."""
        if self.failures:
            raise self.failures.pop(0)
        self.came.append(message.events)
        refused = [ImportRefusal(place=1, code="c", member="m", reason="r")]
        rejected = refused if len(message.events) > 1 else []
        return ImportAck(new=len(message.events) - len(rejected), duplicate=0, rejected=rejected)

    async def close(self) -> None:
        """Somebody goes."""
        self.closed += 1


def importer(core: ImportingCore | None, tape: Tape, max_bytes: int = 1_000_000) -> Importer:
    """One that brings to these."""
    door = None if core is None else AdminAccess(core.connect, max_bytes)  # type: ignore[arg-type]
    return Importer(Producer(tape, "sat", retry=AT_ONCE), door, AT_ONCE)


async def test_each_goes_to_its_place() -> None:
    """The receipt counts over all of them, by their places."""
    core, tape = ImportingCore(), Tape()
    records = [other(0), own(1), other(2), own(3), Record(None, b"no envelope")]
    receipt = await importer(core, tape).import_records(records)
    assert core.came == [[records[1].value.decode(), records[3].value.decode()]]
    assert [record.value for record in tape.records] == [records[n].value for n in (0, 2, 4)]
    assert (receipt.new, [one.place for one in receipt.rejected]) == (3, [3, 4])


async def test_without_a_door_all_go_over_the_transport() -> None:
    """A broker keeps them for a Core that may take them; it is counted, for it may not."""
    tape = Tape()
    alone = importer(None, tape)
    assert (await alone.import_records([own(0), other(1)])).new == 2
    assert alone.reserved_over_transport == 1


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionLostError("gone"),
        ProtocolError("rateLimited", "slower"),
        ProtocolError("writerAway", "starting"),
    ],
)
async def test_what_fails_for_a_moment_is_asked_again(failure: Exception) -> None:
    """The same events, on a new connection where the old one is gone."""
    core = ImportingCore(failure, failure)
    bringing = importer(core, Tape())
    assert (await bringing.import_records([own(1)])).new == 1
    assert core.connected == (3 if isinstance(failure, ConnectionLostError) else 1)
    await bringing.close()
    assert core.closed == core.connected


async def test_what_is_refused_for_good_ends_the_import() -> None:
    """Such as the wrong role."""
    with pytest.raises(ProtocolError, match="forbidden"):
        await importer(ImportingCore(ProtocolError("forbidden", "no")), Tape()).import_records(
            [own(1)]
        )


async def test_a_core_that_stays_away_is_given_up() -> None:
    """After the deadline, in words."""
    failures = [ConnectionLostError("gone")] * 100_000
    door = AdminAccess(ImportingCore(*failures).connect, 1_000_000)  # type: ignore[arg-type]
    retry = Retry(first_delay_s=0.01, deadline_s=0.05)
    with pytest.raises(NovaError, match="does not accept the import: gone"):
        await Importer(Producer(Tape(), "sat", retry=retry), door, retry).import_records([own(1)])


async def test_requests_keep_their_limits() -> None:
    """In events and in bytes as they travel; one that never fits is refused by its place."""
    core = ImportingCore()
    await importer(core, Tape()).import_records([own(n) for n in range(IMPORT_MAX_EVENTS + 1)])
    assert [len(came) for came in core.came] == [IMPORT_MAX_EVENTS, 1]
    core = ImportingCore()
    records = [own(n, size=1_000 if n % 2 else 10_000) for n in range(8)]
    receipt = await importer(core, Tape(), max_bytes=8_000).import_records(records)
    assert [one.place for one in receipt.rejected if one.code == "tooLarge"] == [0, 2, 4, 6]
    for came in core.came:
        request = ImportEvents(ref=2**31, events=came, timeline_mode="LIVE")
        assert len(msgspec.json.encode(request)) <= 8_000
    assert sum(map(len, core.came)) == 4


def test_kinds_are_told_from_envelopes() -> None:
    """Also where their scope is not known here."""
    for kind, body in METADATA:
        assert is_reserved(Record(None, envelope(kind, body, scope="any", system="bus")))
    assert not is_reserved(other(0))
    assert not is_reserved(Record(None, b"\xff"))
