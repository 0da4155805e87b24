"""One word per thing: what people read uses the words of docs/glossary.md, and no older ones."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain

from tests.prose import Text, pages, program_texts, screen_texts, source_texts
from tests.test_tidy import ROOT, SOURCES, tracked

OLD_WORDS = {
    r"witness": "durability marker",
    r"remarks?": "annotations",
    r"strays?": "orphan feedback",
    r"askers?": "principal",
    r"fence": "stream filter",
    r"submitters?": "submission client",
    r"coalesc(?:ed|es|ing)|shed|shedding": "conflate, drop",
    r"desks?": "submission handler, command router",
    r"couriers?": "dispatcher",
    r"carriers?": "link routes",
    r"outlets?|keepers?": "outbox, device runner",
    r"spool\w*": "outbox, outbox log",
    r"put aside": "quarantine",
    r"timeless": "undated",
    r"deriving": "derived database",
    r"openings": "initial states",
    r"entries of the commit|entry queue": "commit queue",
    r"told|tells?|brought|is none of|of more none|so many|who waits": "say it plainly",
    r"goes? on|went on|going on": "continue",
    r"given up|gives? up": "cancelled, end",
    r"chosen entity": "selected entity",
}
"""Words that NOVA used before, as patterns, and what it says now."""

ALLOWED = {
    r"\| who to whom \| carrier \|": "the carrier of a protocol, such as a WebSocket",
    r"stage IN \(": "values of a database's column",
    r"spooled|Spools a stream|cannot spool": "as a printer does, a pipe to a temporary file",
    r"carrier/<entity>": "a key on disk",
}
"""Contexts in which an old word means something else."""

IN_NAMES = r"(?:witness(?:ed)?|remarks?|strays?|askers?|submitters?|desks?|couriers?|keepers?)"
OLD_NAMES = re.compile(rf"(?:.*_)?{IN_NAMES}(?:_.*)?", re.IGNORECASE)
"""Identifiers of NOVA's own source that use one of these words."""

ANYWHERE = re.compile(IN_NAMES, re.IGNORECASE)

OLD = re.compile("|".join(rf"\b(?:{word})\b" for word in OLD_WORDS), re.IGNORECASE)
EXCUSED = re.compile("|".join(ALLOWED))


@cache
def scanned(scan: Callable[[], Iterator[Text]]) -> list[Text]:
    return list(scan())


def old_words(texts: list[Text]) -> list[str]:
    """Each old word with its place and surroundings."""
    found = ((place, text, match) for place, text in texts for match in OLD.finditer(text))
    around = ((p, m[0], t[max(0, m.start() - 40) : m.end() + 40]) for p, t, m in found)
    return [f"{p}: {word!r} in {text!r}" for p, word, text in around if not EXCUSED.search(text)]


def test_pages_use_no_old_word() -> None:
    texts = scanned(pages)
    assert len(texts) > 25, "the scan finds little"
    assert old_words(texts) == []


def test_the_screen_uses_no_old_word() -> None:
    texts = scanned(screen_texts)
    assert len(texts) > 300, "the scan finds little"
    assert old_words(texts) == []


def test_errors_logs_and_help_use_no_old_word() -> None:
    texts = scanned(program_texts)
    assert len(texts) > 1000, "the scan finds little"
    assert old_words(texts) == []


def test_comments_and_docstrings_use_no_old_word() -> None:
    texts = scanned(source_texts)
    assert len(texts) > 3000, "the scan finds little"
    assert old_words(texts) == []


def test_an_old_word_is_found() -> None:
    texts = [("a", "the witness is gone"), ("b", "it is spooled to a file"), ("c", "eyewitness")]
    assert len(old_words(texts)) == 1


def test_every_exception_is_needed() -> None:
    scans = (pages, screen_texts, program_texts, source_texts)
    texts = "\n".join(text for _, text in chain.from_iterable(map(scanned, scans)))
    assert [context for context in ALLOWED if not re.search(context, texts)] == []


def old_names(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each identifier that uses an old word."""
    if not ANYWHERE.search(source):
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME and OLD_NAMES.fullmatch(token.string):
            yield token.start[0], token.string


def test_no_identifier_uses_an_old_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in tracked(*SOURCES)
        for line, name in old_names(path.read_text())
    ]
    assert found == []
    assert list(old_names("x = 1\nfirst_witness = keeper")) == [(2, "first_witness"), (2, "keeper")]
