"""Whoever gives a text that breaks a pattern reads the rule in words."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import Id, Name
from nova.sdk.manifests.manifest import Version
from nova.sdk.pattern_words import READABLE_LEVELS, TOO_DEEP, in_words
from nova.sdk.protocol import edge
from nova.sdk.protocol.export import DriverName, ExportId
from nova.sdk.protocol.message import RequestId


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Id, "of 1 to 64 letters, digits, - and _"),
        (Name, "of 1 to 128 letters, digits, -, ., : and _"),
        (RequestId, "of letters, digits, - and _"),
        (ExportId, "of 43 letters, digits, - and _"),
        (DriverName, "of the form NAME or NAME@1.0.0"),
        (Version, "of the form MAJOR.MINOR.PATCH"),
    ],
)
def test_each_pattern_has_words(kind: object, words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="regex") as refused:
        msgspec.convert("a b!", kind)
    assert in_words(str(refused.value)) == f"Expected `str` {words}"


def test_other_messages_and_patterns_stay_as_they_are() -> None:
    with pytest.raises(msgspec.ValidationError, match="regex") as refused:
        msgspec.convert("b", Annotated[str, Meta(pattern="^a$")])
    for message in ("Expected `str`, got `int` - at `$.name`", str(refused.value)):
        assert in_words(message) == message


def test_requests_say_it() -> None:
    """With the member that is wrong."""
    request = b'{"type":"createTcpStream","definition":{"name":"a b","port":7001}}'
    with pytest.raises(ProtocolError, match=re.escape("`$.definition.name`")) as refused:
        edge.decode_edge_request(request)
    assert "1 to 64 letters" in refused.value.message and "regex" not in refused.value.message


def test_json_that_is_too_deep_is_refused_with_the_limit() -> None:
    """In a request and alone; JSON of the limit is read."""
    deep, deepest = ("[" * levels + "]" * levels for levels in (20_000, READABLE_LEVELS))
    panel = f'{{"id": "a", "kind": "text", "options": {{"x": {deep}}}}}'
    page = f'{{"name": "x", "columns": [{{"panels": [{panel}]}}]}}'
    display = f'{{"version": 1, "name": "x", "pages": [{page}]}}'
    with pytest.raises(ProtocolError, match=f"badRequest: {TOO_DEEP}"):
        edge.decode_edge_request(f'{{"type": "saveDisplay", "ref": "1", "display": {display}}}')
    with pytest.raises(RecursionError) as raised:
        msgspec.json.decode(deep)
    assert in_words(str(raised.value)) == TOO_DEEP
    assert msgspec.json.decode(deepest)
