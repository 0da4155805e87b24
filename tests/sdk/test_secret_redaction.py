"""What looks like a secret does not get into a line, and other text stays as it is."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode

import msgspec
import pytest

from nova.sdk.secret_redaction import REDACTED, redact

SECRET = urlsafe_b64encode(hashlib.sha256(b"any").digest()).decode().rstrip("=")
"""The same in each process of a run, which compares the names of the tests."""


@pytest.mark.parametrize(
    "text",
    [
        f"GET /x?token={SECRET}&ref=7 failed",
        f"https://login/callback?code={SECRET}&state={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"key nova_{SECRET} is unknown",
        f"eyJhbGciOi.eyJzdWIi{SECRET}.{SECRET}",
        f"nats://core:{SECRET}@broker:4222 refused",
        f"sasl.password={SECRET}",
        f"{{'client_secret': '{SECRET}', 'n': 1}}",
        f'{{"refresh_token": "{SECRET}"}}',
        f"nova_refresh_token={SECRET}; Path=/",
        "seed SU" + "AB2" * 18 + "AB",
    ],
)
def test_a_secret_is_replaced_in_any_form(text: str) -> None:
    """Also within a text that is encoded as JSON, whose other members stay."""
    line = msgspec.json.encode({"message": text, "n": 1}).decode()
    found = redact(line)
    assert SECRET not in found and "AB2AB2" not in found and REDACTED in found
    assert msgspec.json.decode(found.encode(), type=dict[str, object])["n"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "kafka://broker:9092 is away: Connection refused",
        "link=nats://a:4222,b:4222 state=up code=busy",
        "a token has expired",
        "http://127.0.0.1:8800/ answers 404 to user@host",
        "nova_data=/srv/nova",
        '{"scope":"sat1","series":"basic values of all sensors"}',
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redact(text) == text
