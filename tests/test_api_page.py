"""docs/api.md is what `make api` makes of the public API."""

from __future__ import annotations

from nova import sdk
from scripts.api_page import SECTIONS, page
from tests.test_tidy import ROOT


def test_the_page_is_current() -> None:
    """If not: `make api`."""
    assert (ROOT / "docs" / "api.md").read_text() == page()


def test_every_public_name_has_its_section() -> None:
    assert sorted(" ".join(SECTIONS.values()).split()) == sdk.__all__
