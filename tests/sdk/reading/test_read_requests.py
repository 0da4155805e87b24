"""Requests made of named texts: every one that only reads, and one error for anything else."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk.client.retry_policy import READS
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.column_messages import Columns
from nova.sdk.protocol.messages import Filters, Query, Request
from nova.sdk.protocol.submission import Submission
from nova.sdk.protocol.timeline import Find, Sample
from nova.sdk.reading.read_requests import (
    ITEMS,
    PAGED,
    READ_REQUESTS,
    parameters_of,
    read_request,
)
from nova.sdk.reading.reply_table import CellKind, table_of

SERIES = [
    *(("scopeId", "s"), ("systemId", "a"), ("containerId", "b"), ("uniqueId", "c")),
    *(("lane", "ui"), ("messageType", "T")),
]
NAMES = sorted({name for kind in READ_REQUESTS.values() for name in parameters_of(kind)})


def test_only_reads_are_among_them() -> None:
    """What records, streams or exports has no name here."""
    kinds = set(READ_REQUESTS.values())
    assert kinds <= set(get_args(Request)) & set(READS)
    assert not kinds & {*get_args(Submission), messages.StartStream, messages.SetCursor}
    assert set(ITEMS) <= kinds and set(PAGED) <= kinds
    for kind in PAGED:
        assert "afterKey" in parameters_of(kind)


@pytest.mark.parametrize("name", sorted(READ_REQUESTS))
def test_each_has_a_table(name: str) -> None:
    """Of distinct columns of known kinds; a series' columns are those that it is asked for."""
    kind = READ_REQUESTS[name]
    if kind is Columns:
        return
    required = [(one.name, "1") for one in parameters_of(kind).values() if one.required]
    given_texts = dict([*required, *SERIES]) | {
        "buckets": "2", "lane": "ui", "condition": "above", "direction": "next", "fields": "n"
    }  # fmt: skip
    texts = [(one, text) for one, text in given_texts.items() if one in parameters_of(kind)]
    columns = table_of(read_request(kind, texts)).columns
    assert len({column.name for column in columns}) == len(columns) > 0
    assert {column.kind for column in columns} <= set(get_args(CellKind))


def test_texts_become_members() -> None:
    """Filters stand beside the others, lists have commas or come again."""
    texts = [
        *(("lanes", "ui,raw"), ("lanes", "parsed"), ("scopeIds", ""), ("systemId", "a")),
        *(("limit", "7"), ("reverse", "true"), ("startTime", "1000")),
    ]
    assert read_request(Query, texts) == Query(
        start_time="1970-01-01T00:00:01.000000000Z",
        limit=7,
        reverse=True,
        filters=Filters(lanes=["ui", "raw", "parsed"], system_id="a"),
    )
    fields = read_request(Columns, [*SERIES, ("fields", r"a\,b,c")])
    assert isinstance(fields, Columns) and fields.fields == ["a,b", "c"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-0.5", -0.5), ("true", True), ("on", "on"), ('"5"', "5"), ("[1]", "[1]")],
)
def test_a_value_is_what_it_looks_like(text: str, value: object) -> None:
    """A number, a boolean, or a text, which quotes make of anything."""
    texts = [*SERIES, ("field", "n"), ("condition", "equal"), ("value", text)]
    found = read_request(Find, texts)
    assert isinstance(found, Find) and found.value == value
    assert isinstance(found.value, bool) == isinstance(value, bool)


def test_an_interval_says_how_wide_a_bucket_is() -> None:
    """At least; there are never more buckets than a request may have."""

    def buckets(interval: str, stop: str) -> int:
        span = [("startTime", "0"), ("stopTime", stop), ("fields", "n"), ("intervalMs", interval)]
        found = read_request(Sample, [*SERIES, *span])
        assert isinstance(found, Sample)
        return found.buckets

    assert [buckets(one, "60000") for one in ("1000", "7000", "90000")] == [60, 9, 1]
    assert buckets("0", "600000000") == 4_096
    for wrong in ("", "-1", "1.5", "x"):
        with pytest.raises(ProtocolError, match="intervalMs"):
            buckets(wrong, "60000")
    with pytest.raises(ProtocolError, match="give one"):
        read_request(Sample, [("buckets", "2"), ("intervalMs", "1")])


@given(
    st.sampled_from(sorted(READ_REQUESTS)),
    st.lists(
        st.tuples(
            st.sampled_from(NAMES) | st.text(max_size=12),
            st.text(max_size=40)
            | st.sampled_from(["now-15m", "0", "-1", "1e400", "true", "null", "NaN", "ui", "{}"])
            | st.integers().map(str),
        ),
        max_size=8,
    ),
)
def test_any_texts_are_a_request_or_one_error(name: str, texts: list[tuple[str, str]]) -> None:
    """Whatever a URL has (property): a message that encodes and decodes as itself, or an error."""
    kind = READ_REQUESTS[name]
    try:
        request = read_request(kind, texts)
    except ProtocolError as error:
        assert error.code in ("badRequest", "badTime") and error.message
        return
    assert messages.decode_request(messages.encode(request)) == request
