"""`nova command`: parsing of KEY=VALUE arguments."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from nova.cli.command import parse_payload
from nova.cli.main import nova

NOT_SAID = ("1e400", "-1e400", "nan", "NaN", "Infinity", "-Infinity", "inf", "[1, NaN]")


@pytest.mark.parametrize("text", NOT_SAID)
def test_a_number_that_json_cannot_say_is_refused(text: str) -> None:
    """It was recorded as text, silently."""
    with pytest.raises(click.BadParameter, match=r"payload\.a(\[1\])? is not a finite number"):
        parse_payload((f"a={text}",))


def test_the_member_is_named_and_nothing_is_sent() -> None:
    """However deep it lies; exit status 2 is that of a wrong argument."""
    done = CliRunner().invoke(
        nova, ["command", "heater", "set", 'a={"b":[{"c":1e400}]}', "--scope", "sat"]
    )
    assert done.exit_code == 2 and "payload.a.b[0].c is not a finite number" in done.output


def test_what_is_no_number_is_text_or_json_as_before() -> None:
    """Also a number's name in quotes, and words that only look like it."""
    texts = ("a=1e3", 'b="nan"', "c=dusk", "d={x", 'e={"y":[1]}', "f=nano", "g=", "h=1_000", "i=.5")
    assert parse_payload(texts) == {
        **{"a": 1e3, "b": "nan", "c": "dusk", "d": "{x", "e": {"y": [1]}, "f": "nano", "g": ""},
        **{"h": "1_000", "i": ".5"},
    }
