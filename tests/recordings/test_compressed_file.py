"""A compressed file reads as the one that it was, up to where it is damaged."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nova.recordings import member_reader
from nova.recordings.compressed_file import CompressedFile
from nova.recordings.export_reader import ExportReader
from nova.sdk.errors import NovaError
from tests.laws import law

NAME = "parsed.Count.jsonl.zst"
LINE_MAX_BYTES = 1024 * 1024


def packed(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def read(data: bytes, size: int) -> tuple[bytes, str]:
    """What can be read in pieces of this size, and why no more."""
    file, found = CompressedFile(io.BytesIO(data), NAME), list[bytes]()
    try:
        while part := file.read(size):
            assert len(part) <= size
            found.append(part)
    except NovaError as error:
        return b"".join(found), str(error)
    return b"".join(found), ""


@law(examples=60)
@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=3), st.integers(1, 100_000))
def test_it_reads_what_was_compressed(sizes: list[int], size: int) -> None:
    """In one frame, or in several, as `zstd` joins files."""
    draw = random.Random(size)
    frames = [bytes(draw.choices(b"abcdef\n", k=count)) for count in sizes]
    assert read(b"".join(map(packed, frames)), size) == (b"".join(frames), "")


def test_a_file_that_is_cut_gives_what_is_before_and_says_so() -> None:
    data = random.Random(5).randbytes(300_000)
    whole = packed(data)
    for length in (0, 1, 8, 1_000, 150_000, len(whole) - 5, len(whole) - 1):
        found, wrong = read(whole[:length], 4_096)
        assert data.startswith(found) and wrong.startswith(f"{NAME}: is cut")
    assert found == data


@pytest.mark.parametrize("at", [0, 2_000, -1])
def test_a_changed_byte_is_noticed(at: int) -> None:
    whole = bytearray(packed(random.Random(6).randbytes(300_000)))
    whole[at] ^= 1
    assert f"{NAME}: cannot be decompressed" in read(bytes(whole), 4_096)[1]


def test_what_expands_without_end_is_read_in_bounded_pieces() -> None:
    """A line as large as that is refused."""
    bomb = CompressedFile(io.BytesIO(packed(bytes(256 * LINE_MAX_BYTES))), NAME)
    with pytest.raises(NovaError, match="line 1 exceeds"):
        list(member_reader.read_lines(bomb, NAME, LINE_MAX_BYTES))


def test_a_folder_of_compressed_files_is_read_like_one_of_others(tmp_path: Path) -> None:
    """Bindings first; files of other drivers are named."""
    lines = [b'{"n":%d}' % number for number in range(4)]
    names = ("a/ui.View.jsonl", "b/metadata.DriverBinding.jsonl", "c/parsed.Count.csv")
    for folder in ("plain", "packed"):
        for number, name in enumerate(names):
            path = tmp_path / folder / (name + (".zst" if folder == "packed" else ""))
            path.parent.mkdir(parents=True)
            text = lines[number] + b"\n"
            path.write_bytes(packed(text) if folder == "packed" else text)
    found = {}
    for folder in ("plain", "packed"):
        export = ExportReader(tmp_path / folder)
        found[folder] = list(export.envelopes())
        assert [note.removesuffix(".zst") for note in export.notes] == [f"not read: {names[2]}"]
        export.close()
    assert found["packed"] == found["plain"] == [lines[1], lines[0]]
