"""A flipped bit in any file of a closed archive: what is answered is right, or refused."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from nova.sdk.errors import NovaError
from tests.core.damaging import (
    DamageCorpus,
    Table,
    as_writer,
    asked,
    judge,
    refused,
)

ASKED_KINDS = 6
"""Kinds of answers that are asked for after each flip, of the two dozen."""


class ClosedArchive(DamageCorpus):
    """An archive whose writer has ended in order, with derived data, and what is right about it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.closed = folder / "live"
        self.files = sorted(path for path in self.closed.rglob("*") if path.is_file())
        self.flipped: set[Path] = set()
        """Files of which a bit was flipped."""

    def flip(self, table: Table, folder: Path, seed: int) -> list[str]:
        """Flip one bit of one file in a copy, and ask some kinds of readers; half the time a writer
        opens it first. Returns the answers that are silently wrong.
        """
        dice = random.Random(f"flip {seed}")
        data = folder / "copy"
        shutil.copytree(self.closed, data)
        done = self._flip_bit(data, dice)
        kinds = dice.sample(sorted(self.right_after_more), ASKED_KINDS)
        right = {kind: self.right_after_more[kind] for kind in kinds}
        try:
            if dice.random() < 0.5:
                done += as_writer(table, data)
            with asked(data, folder / "asked") as answerer:
                wrong = judge(table, answerer, right)
        except NovaError:
            refused(table, right)
            return []
        return [f"seed {seed}: {done}: {kind}" for kind in wrong]

    def _flip_bit(self, data: Path, dice: random.Random) -> str:
        source = dice.choice(self.files)
        path = data / source.relative_to(self.closed)
        content = bytearray(path.read_bytes())
        if not content:
            return f"{path.name} is empty"
        self.flipped.add(source)
        # Small parts decide much: footers, headers and the ends of logs.
        reach = dice.choice((len(content), len(content), 64, 512))
        at = dice.randrange(min(reach, len(content)))
        at = len(content) - 1 - at if dice.random() < 0.3 else at
        content[at] ^= 1 << dice.randrange(8)
        path.write_bytes(content)
        return f"{path.relative_to(data)}, bit of byte {at} of {len(content)}"
