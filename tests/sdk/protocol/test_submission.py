"""Payloads of commands: values that no envelope can hold are named before anything is built."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core import submission_messages as handed_over
from nova.core.submission_messages import Principal, SubmissionRequest
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.message import NUMBER_MAX
from nova.sdk.protocol.submission import SubmitCommand, check_numbers, check_payload


def frame(payload: str) -> bytes:
    """A command with a payload as somebody wrote it."""
    ids = '"scopeId":"s","commandId":"c","requestId":"r","targetId":"t","commandType":"x"'
    return f'{{"type":"submitCommand",{ids},"timelineMode":"LIVE","payload":{payload}}}'.encode()


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ('{"a":18446744073709551616}', "payload.a "),
        ('{"a":-9223372036854775809}', "payload.a "),
        ('{"a":9007199254740992}', "payload.a "),
        ('{"a":[1,{"b":[0,36893488147419103232]}]}', "payload.a[1].b[1] "),
        ('{"a":' + "[" * 400 + "]" * 400 + "}", "payload is nested too deeply"),
    ],
)
def test_what_no_envelope_holds_is_named(payload: str, where: str) -> None:
    """The writer asks so of what is new to it."""
    with pytest.raises(ProtocolError) as refusal:
        check_payload(msgspec.json.decode(payload))
    assert refusal.value.code == "badArguments"
    assert refusal.value.message.startswith(where)


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_what_no_process_could_hand_over_is_a_refusal(number: int) -> None:
    """An integer that MessagePack cannot carry is the client's error, not an `internal` one."""
    with pytest.raises(ProtocolError) as refusal:
        messages.decode_request(frame(f'{{"a":{{"b":[{number}]}}}}'))
    assert refusal.value.code == "badArguments"
    assert refusal.value.message.startswith("payload.a.b[0] ")
    messages.decode_request(frame(f'{{"a":[{2**64 - 1},{-(2**63)}]}}'))


@pytest.mark.parametrize("payload", ['{"a":1e400}', '{"a":' + "1" * 5_000 + "}"])
def test_what_no_number_holds_is_a_bad_request(payload: str) -> None:
    """It does not come as far as a payload."""
    with pytest.raises(ProtocolError) as refusal:
        messages.decode_request(frame(payload))
    assert refusal.value.code == "badRequest"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_what_passes_reaches_the_writer(payload: dict[str, Any]) -> None:
    """A property: a payload is refused, or can be handed over and comes out as it was."""
    try:
        check_numbers(payload)
    except ProtocolError as refusal:
        assert refusal.code == "badArguments"
        return
    request = SubmitCommand(
        scope_id="s",
        command_id="c",
        request_id="r",
        target_id="t",
        command_type="x",
        payload=payload,
        timeline_mode="LIVE",
    )
    given = handed_over.REQUESTS.encode(
        SubmissionRequest(1, Principal("ann", "admin"), request, 0.0)
    )
    assert handed_over.REQUESTS.decode(given).submission == request
    assert msgspec.json.decode(messages.encode(request)).get("payload", {}) == payload


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_json_has_no_form_for_is_refused(number: float) -> None:
    """It would be sent as null."""
    for check in (check_numbers, check_payload):
        with pytest.raises(ProtocolError, match=r"payload\.a "):
            check({"a": number})


def test_the_largest_integers_pass() -> None:
    """Those that JSON's readers agree on."""
    check_payload({"a": [NUMBER_MAX, -NUMBER_MAX, True, 1e300, 2.0**70]})
