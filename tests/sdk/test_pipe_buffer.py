"""A pipe holds more once it is enlarged, and one that cannot be is left as it is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.sdk import pipe_buffer


@pytest.fixture
def pipe() -> Iterator[int]:
    """The writing end of a pipe."""
    reading, writing = os.pipe()
    yield writing
    os.close(reading)
    os.close(writing)


def test_a_pipe_takes_a_whole_message_without_a_reader(pipe: int) -> None:
    """A mebibyte, where a fresh pipe takes 64 KiB."""
    os.set_blocking(pipe, False)
    pipe_buffer.enlarge(pipe)
    assert fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) == pipe_buffer.PIPE_BYTES
    assert os.write(pipe, bytes(pipe_buffer.PIPE_BYTES)) == pipe_buffer.PIPE_BYTES


def test_what_is_no_pipe_is_left_as_it_is() -> None:
    """The system refuses, and that is no error."""
    with Path(os.devnull).open("wb") as no_pipe:
        pipe_buffer.enlarge(no_pipe)
        assert no_pipe.write(b"?") == 1
