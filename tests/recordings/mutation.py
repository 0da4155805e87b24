"""Damaged files: truncated and mutated, each of which a reader must survive."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from nova.recordings.recording import RecordingError, Step
from nova.sdk.errors import NovaError
from tests.recordings.reading import everything

ReadSteps = Callable[[Path], Iterator[Step]]


def damaged(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Copies of a file: cut, with bytes changed, left out and added."""
    generator = random.Random(seed)
    for number in range(count):
        changed = bytearray(data)
        if number % 3 == 0:
            del changed[generator.randrange(len(changed)) :]
        for _ in range(number % 3 and generator.randint(1, 6)):
            place = generator.randrange(max(1, len(changed)))
            removed = generator.choice((0, 1, 1, 2, 40))
            changed[place : place + removed] = generator.randbytes(generator.randint(0, 3))
        yield bytes(changed)


def survive(path: Path, read: ReadSteps, count: int, seed: int = 1) -> int:
    """Read damaged copies of a file: events and problems, or one refusal; returns the refusals."""
    refused = 0
    copy = path.with_name(f"damaged-{path.name}")
    for data in damaged(path.read_bytes(), count, seed):
        copy.write_bytes(data)
        try:
            everything(read(copy))
        except RecordingError as error:
            refused += 1
            assert "\n" not in str(error)
        except NovaError as error:
            raise AssertionError(f"not a RecordingError: {error!r}") from error
    return refused
