"""A checker with its caches gives the same result for every record as the full check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.errors import EnvelopeError
from nova.sdk.events import event
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import Series, address_of, check
from tests.laws import law
from tests.sdk.manifests.test_manifest import MANIFEST

MAX_BYTES = 2_000
HEADER: dict[str, object] = {
    "scopeId": "sat",
    "systemId": "bus",
    "containerId": "eps",
    "uniqueId": "one",
    "sourceTruthTime": "2026-01-01T00:00:00.000000001Z",
}
PARSED = {**HEADER, "lane": "parsed", "messageType": "T", "schemaVersion": "1", "payload": {}}
RAW = {**HEADER, "lane": "raw", "bytes": "AAEC", "sequence": 7, "connectionId": "c"}
UI = {
    **HEADER,
    **{"lane": "ui", "messageType": "UiUpdate", "viewId": "v", "manifestId": "m"},
    **{"manifestVersion": "1", "data": {"a": 1.5}},
}
REQUEST = {
    **HEADER,
    **{"lane": "command", "messageType": "CommandRequest", "commandId": "c", "requestId": "r1"},
    **{"targetId": "t", "commandType": "go", "timelineMode": "LIVE", "payload": {}},
}
METADATA = {**HEADER, "lane": "metadata", "messageType": "M", "payload": {}}

ADDRESSES = (
    None,
    *(f"nova.sat.{lane}.bus.eps.one.v1" for lane in ("parsed", "raw", "ui", "metadata")),
    "nova.sat.parsed.v1",
    "nova.sat.parsed.bus.eps.two.v1",
    "nova.other.raw.bus.eps.one.v1",
    "nova.sat.command.request-1.v1",
    "nonsense",
)
TIMES = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.5Z",
    "2026-01-01T00:00:00.1234567890Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,123456789Z",
    "2026-01-01T00:00:00.123456789z",
    "2026-01-01T00:00:00.12345678:Z",
    "2026-01-01T00:00:00.+1Z",
    "2026-01-01T00:00:00.٣Z",
    "2026-01-01T00:00:00",
    "2026-01-01T00:00:00.5",
    "2026-01-01T00:00:00+01:00",
    "2026-01-01T00:00:00.25+01:00",
    "2026-01-01T00:00:0",
    "2262-04-11T23:47:16.854775807Z",
    "2262-04-11T23:47:16.854775808Z",
    "1677-09-21T00:12:43.145224192Z",
    "1677-09-21T00:12:43.145224191Z",
    "2026-13-01T00:00:00Z",
    "Z",
    "",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
CHANGES = st.one_of(
    st.tuples(st.just("sourceTruthTime"), st.sampled_from(TIMES)),
    st.tuples(st.sampled_from(("payload", "data")), st.dictionaries(st.text(max_size=3), JSON)),
    st.tuples(st.sampled_from(sorted(PARSED | RAW | UI)), st.none() | JSON),
    st.tuples(st.sampled_from(("uniqueId", "messageType", "viewId")), st.sampled_from("abc")),
    st.tuples(st.just("sequence"), st.sampled_from((-1, 0, 2**64 - 1, 2**64))),
    st.tuples(st.just("lane"), st.sampled_from(("raw", "parsed", "ui", "metadata", "x"))),
    st.tuples(st.just("eventId"), st.sampled_from(("own", "f" * 64, ""))),
    st.tuples(st.just("other"), JSON),
)


@st.composite
def records(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """A record that is plain, or unusual, or wrong in some way, and where it came in."""
    members = dict(draw(st.sampled_from((PARSED, RAW, UI, REQUEST, METADATA))))
    for name in draw(st.sets(st.sampled_from(sorted(HEADER.keys() - {"sourceTruthTime"})))):
        if draw(st.booleans()):
            del members[name]
    for name, value in draw(st.lists(CHANGES, max_size=2)):
        members[name] = value
    if members.get("eventId") == "own":
        members["eventId"] = own_id(members)
    record = encoded(members)
    if draw(st.integers(0, 9)) == 0:
        record = record[: draw(st.integers(0, len(record)))]
    return record, draw(st.sampled_from(ADDRESSES))


def encoded(members: dict[str, object]) -> bytes:
    """JSON, also of what has none in a strict encoder."""
    try:
        return msgspec.json.encode(members)
    except (OverflowError, UnicodeEncodeError):
        return b"{}"


def own_id(members: dict[str, object]) -> str:
    """The id that the content has, if it has one."""
    try:
        return check(encoded({k: v for k, v in members.items() if k != "eventId"})).event_id.hex()
    except EnvelopeError:
        return "none"


Arrived = tuple[str | None, bytes, str]
Outcome = tuple[bytes, int, Series, bytes, str | None] | tuple[str, str, str]
"""An event's id, time, series, body and requestId; or the code, member and reason of a refusal."""


def alone(record: Arrived) -> Outcome:
    """What the whole check says of a record."""
    address, value, _ = record
    try:
        found = check(value, address_of(address), scope_id="sat", max_bytes=MAX_BYTES)
    except EnvelopeError as error:
        return error.code, error.member, error.reason
    request_id = getattr(found.envelope, "request_id", None)
    return found.event_id, found.source_ns, found.series, found.body[:-1], request_id


def outcomes(judge: Checker, batch: Sequence[Arrived]) -> list[Outcome]:
    """What a checker says of each record of a batch."""
    checked = judge.check_all(batch)
    requests = dict(checked.requests)
    columns = zip(checked.ids, checked.times_ns, checked.series, checked.bodies, strict=True)
    events: Iterator[Outcome] = iter(
        (event_id, ns, checked.names[number], body, requests.get(place))
        for place, (event_id, ns, number, body) in enumerate(columns)
    )
    refused: dict[int, Outcome] = {one.place: one[1:] for one in checked.refusals}
    assert len(checked.ids) + len(refused) == len(batch)
    return [refused[place] if place in refused else next(events) for place in range(len(batch))]


@law(examples=80)
@given(st.lists(records(), max_size=40))
def test_memory_and_neighbours_change_nothing(found: list[tuple[bytes, str | None]]) -> None:
    """A-070…A-079: whatever came before and beside, each record is judged by itself."""
    judge = Checker("sat", MAX_BYTES)
    plain = [
        (encoded(members), address)
        for members in (PARSED, RAW, UI, REQUEST)
        for address in ADDRESSES
    ]
    batch = [(address, record, "") for record, address in [*plain, *found, *plain, *found]]
    assert outcomes(judge, batch) == [alone(record) for record in batch]
    assert outcomes(judge, batch) == [alone(record) for record in batch]


def test_what_is_plain_is_not_checked_whole_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is used at all: for the three lanes with most events, with and without address."""
    judge = Checker()
    seen = [
        (address, encoded(members), "")
        for members in (PARSED, RAW, UI)
        for address in (None, f"nova.sat.{members['lane']}.v1")
    ]
    first = judge.check_all(seen)
    monkeypatch.setattr(event, "check", None)
    assert judge.check_all(seen) == first


@pytest.mark.parametrize("value", [1e-7, 1e21, -0.0, 28.0, 2**53, "😀", "a 5e3 b", "x.0,y"])
def test_a_doubtful_number_costs_no_whole_check(
    value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 8785: what the fast printer may print otherwise is printed again, beside what it does
    not.
    """
    judge = Checker("sat", MAX_BYTES)
    batch = [
        (None, encoded({**PARSED, "payload": {"number": number, "a": '\\ " é'}}), "")
        for number in (1.5, value, 2, 7.0)
    ]
    expected = [alone(record) for record in batch]
    judge.check_all(batch[:1])
    monkeypatch.setattr(event, "check", None)
    if value == 2**53:
        with pytest.raises(TypeError):  # it is asked what is wrong
            judge.check_all(batch)
    else:
        assert outcomes(judge, batch) == expected


def test_the_memory_is_bounded() -> None:
    """However many units a producer makes up, what is remembered of them stays small."""
    judge = Checker("sat", MAX_BYTES, cache_max=10)
    for number in range(35):
        record = encoded({**PARSED, "uniqueId": f"u{number}"})
        batch = [(None, record, ""), (f"nova.sat.parsed.bus.eps.u{number}.v1", record, "")]
        for _ in range(2):
            assert outcomes(judge, batch) == [alone(one) for one in batch]


def pump(data: dict[str, object], version: str = "1.2.0") -> bytes:
    """An update of a pump, whose manifest is known."""
    names = {"manifestId": "pump", "manifestVersion": version, "viewId": "telemetry.pump"}
    return msgspec.json.encode({**UI, **names, "data": data})


@pytest.mark.parametrize("address", [None, "nova.sat.ui.bus.eps.one.v1"])
def test_what_a_known_manifest_does_not_allow_is_refused(address: str | None) -> None:
    """A-218, AMB-48: also among updates that are allowed, and where the neighbours are known."""
    checking = Checker("sat", manifests=[MANIFEST])
    good, bad = pump({"flow": 1, "on": True}), pump({"flow": 11})
    unknown = pump({"flow": 11, "whatever": {}}, "9.0.0")
    found = checking.check_all([(address, one, "") for one in (good, bad, good, unknown, bad)])
    assert len(found.ids) == 3
    assert [(refused.place, refused.code, refused.member) for refused in found.refusals] == [
        (1, "notAllowed", "data.flow"),
        (4, "notAllowed", "data.flow"),
    ]
    assert found.refusals[0].reason == (
        "data.flow is 11, above the maximum 10 (manifest pump 1.2.0)"
    )


def test_without_manifests_every_update_is_taken() -> None:
    """AMB-48: a ground that does not know a payload's manifest takes what comes."""
    found = Checker("sat").check_all([(None, pump({"anything": 1}), "")])
    assert (len(found.ids), found.refusals) == (1, [])
