"""Names that are shown: what they must not have."""

from __future__ import annotations

import pytest

from nova.sdk.shown_text import name_fault


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a\x1b]0;x\x07", "U+001B"),
        ("a\x07", "U+0007"),
        ("a\x00", "U+0000"),
        ("a\nb", "U+000A"),
        ("a\x9b2J", "U+009B"),
        ("a\u202egnp", "U+202E"),
        ("a\u2028b", "U+2028"),
        ("  ", "is blank"),
        ("\u200b\u00a0", "is blank"),
    ],
    ids=["osc", "bel", "nul", "newline", "csi", "direction", "line", "blanks", "unseen"],
)
def test_a_name_that_cannot_be_shown_is_refused_with_the_rule(name: str, words: str) -> None:
    assert words in (name_fault(name) or "")


@pytest.mark.parametrize("name", ["Power", "Größe 2", "می\u200cخواهم", "👩\u200d🚀"])
def test_names_of_all_languages_are_shown(name: str) -> None:
    """Also those whose characters are joined by a character that cannot be seen."""
    assert name_fault(name) is None
