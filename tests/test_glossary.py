"""docs/glossary.md: every word once, in a sentence or two, and in use."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from tests.prose import program_texts, screen_texts
from tests.test_tidy import ROOT, tracked

TERMS_MIN = 60
SENTENCES_MAX = 2
TERM = re.compile(r"^### (.+)\n\n(.+)\n", re.MULTILINE)
OWN_TERMS = (
    "Watermark",
    "Day watermark",
    "Durability marker",
    "Derived database",
    "Rollup",
    "Checkpoint",
    "Quarantine",
    "Commit feed",
    "Event key",
    "Stream gap",
    "Conflation",
    "Principal",
    "Descriptor",
    "Timebase",
    "Lane",
    "Shard",
    "Outbox",
    "Command journal",
    "Shield",
    "Initial state",
    "Driver binding",
)
"""Terms that only NOVA has, or that have a meaning of their own here."""

GENERATED = {"api.md", "glossary.md", "requirements.md"}
PAGES = [
    page
    for page in tracked("docs/*.md")
    if page.parent.name == "docs" and page.name not in GENERATED
]
ENTRIES = dict(TERM.findall((ROOT / "docs" / "glossary.md").read_text()))


def prose(text: str) -> str:
    """A page without headings and code, whose links stay."""
    return re.sub(r"^```.*?^```|^#.*?$|`[^`\n]*`", " ", text, flags=re.MULTILINE | re.DOTALL)


def test_a_term_stands_once() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    assert len(ENTRIES) == page.count("\n### ") >= TERMS_MIN


def test_a_term_is_explained_in_two_sentences() -> None:
    """The rest belongs to the pages that the entry links to."""
    for term, text in ENTRIES.items():
        sentences = re.findall(r"[.)](?= |$)", re.sub(r"\(\[.*?\)\)|\(.*?\)", "", text))
        assert 1 <= len(sentences) <= SENTENCES_MAX, term


def words(term: str) -> re.Pattern[str]:
    """A term in a text, in the singular or plural."""
    return re.compile(rf"\b{re.escape(term)}s?\b".replace(r"\ ", r"[\s-]"), re.IGNORECASE)


def test_a_term_is_in_use() -> None:
    """On another page, on the screen, in an error or in help: else it is not a word of NOVA."""
    names = [path for path in tracked("*.md") if path.name != "glossary.md"]
    read = [path.read_text() for path in names]
    seen = [text for _, text in chain(screen_texts(), program_texts())]
    everything = "\n".join([*read, *seen])
    assert [term for term in ENTRIES if not words(term).search(everything)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_a_term_where_it_first_uses_it(page: Path) -> None:
    """Terms that only NOVA has; a reader of one page finds their meaning with one click."""
    text = prose(page.read_text())
    for term in OWN_TERMS:
        first = words(term).search(text)
        if first is not None:
            linked = text[text.rfind("[", 0, first.end()) :]
            assert re.match(r"\[[^]]*\]\(glossary\.md#[\w-]+\)", linked), term
