"""No answer is silently incomplete: seeded damage over every kind of reader."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.core.damaging import DamageCorpus, Table, at_rest, page, running

SEED = 14_006


@pytest.fixture
def corpus(tmp_path: Path) -> DamageCorpus:
    """An archive with derived data."""
    return DamageCorpus(tmp_path)


def damaged(corpus: DamageCorpus, folder: Path, seeds: range) -> None:
    """This many damages, every third under a running instance."""
    table, silent = Table(), []
    for seed in seeds:
        ways = running if seed % 3 == 0 else at_rest
        own = folder / str(seed)
        silent += [f"{seed}: {one}" for one in ways(table, corpus, own, SEED + seed)]
        shutil.rmtree(own)
    print(page(table))
    assert silent == []
    faults = {outcome for _, outcome in table if outcome.startswith("fault")}
    assert faults == set()


def test_some_damages(corpus: DamageCorpus, tmp_path: Path) -> None:
    """Right, loud or refused; bits, cuts, missing and swapped files, at rest and while it runs."""
    damaged(corpus, tmp_path, range(12))


@pytest.mark.slow
def test_two_thousand_damages(corpus: DamageCorpus, tmp_path: Path) -> None:
    """The same for long."""
    damaged(corpus, tmp_path, range(2_000))
