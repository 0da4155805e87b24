"""docs/glossary.md: every word once, in a sentence or two, and in use."""

from __future__ import annotations

import re

from tests.test_tidy import ROOT, tracked

TERMS_MIN = 60
SENTENCES_MAX = 2
TERM = re.compile(r"^### (.+)\n\n(.+)\n", re.MULTILINE)
ENTRIES = dict(TERM.findall((ROOT / "docs" / "glossary.md").read_text()))


def test_a_term_stands_once() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text()
    assert len(ENTRIES) == page.count("\n### ") >= TERMS_MIN


def test_a_term_is_explained_in_two_sentences() -> None:
    """The rest belongs to the pages that the entry links to."""
    for term, text in ENTRIES.items():
        sentences = re.findall(r"[.)](?= |$)", re.sub(r"\(\[.*?\)\)|\(.*?\)", "", text))
        assert 1 <= len(sentences) <= SENTENCES_MAX, term


def test_a_term_is_in_use() -> None:
    """In the code, or on another page: a word that only the glossary has is none of NOVA's."""
    files = tracked("*.md", "*.py", "web/src/*.ts", "web/src/*.tsx")
    own = {"glossary.md", "test_glossary.py"}
    used = "\n".join(path.read_text().lower() for path in files if path.name not in own)
    used = re.sub(r"[\s_-]+", "", used)
    missing = [term for term in ENTRIES if term.lower().replace(" ", "") not in used]
    assert missing == []
