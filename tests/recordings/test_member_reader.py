"""Files of exports are read in memory that does not grow with what they expand to."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from itertools import chain
from pathlib import Path

import pytest
import zstandard
from mcap.records import Chunk
from mcap.writer import CompressionType, Writer

from nova.recordings import member_reader
from nova.recordings.export_reader import ExportReader, batches, publishable_records
from nova.recordings.listed_manifest import MANIFEST_FILE, MANIFEST_MAX_BYTES
from nova.recordings.mcap_chunk import decompress
from nova.recordings.mcap_reader import McapDamage
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Record

MIB = 1024 * 1024
BOMB_MIB = 400
PEAK_MAX_MIB = 300


def bomb(path: Path, name: str, head: bytes = b"", block: bytes = b"x" * MIB) -> Path:
    """A small zip with one member that expands to very much."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        member.write(head)
        for _ in range(BOMB_MIB):
            member.write(block)
    assert path.stat().st_size < 4 * MIB
    return path


MEASURED = """
import atexit, pathlib, runpy, sys
def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
atexit.register(peak)
runpy.run_module("nova.cli", run_name="__main__")
"""
"""Prints its own peak: that of `wait4` includes the process that started it."""


def imported(path: Path, data: Path) -> tuple[int, str, float]:
    """What `nova import` ends with, says, and has needed at most, in MiB."""
    command = [sys.executable, "-c", MEASURED, "import", str(path), "--to", f"local://{data}"]
    done = subprocess.run(command, capture_output=True, check=False)
    return done.returncode, done.stderr.decode(), int(done.stdout.split()[-1]) / 1024


@pytest.mark.parametrize("name", ["a.jsonl", MANIFEST_FILE, "a.mcap"])
def test_a_small_zip_that_expands_takes_no_memory(tmp_path: Path, name: str) -> None:
    """A line, a manifest or a record without end is refused with what, where and the
    most that is read.
    """
    chunk = b"\x89MCAP0\r\n" + b"\x06" + (2**40).to_bytes(8, "little") + bytes(8)
    head = chunk if name.endswith(".mcap") else b""
    path = bomb(tmp_path / "bomb.zip", name, head)
    status, said, peak_mib = imported(path, tmp_path / "nowhere")
    assert status == 1 and name in said
    if not head:
        limit = MANIFEST_MAX_BYTES if name == MANIFEST_FILE else member_reader.RECORD_MAX_BYTES
        assert f"{limit:,} bytes" in said
    assert peak_mib < PEAK_MAX_MIB


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_that_are_not_expanded_bit_by_bit_are_not_read(tmp_path: Path, method: int) -> None:
    """Their readers expand a whole block at once; the error says what to do instead."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jsonl", b"{}\n", method)
    source = ExportReader(path)
    assert list(source.envelopes()) == []
    source.close()
    assert any("a.jsonl is compressed" in one and "unpack" in one for one in source.problems)


def test_lines_are_the_same_however_they_are_cut() -> None:
    """Empty ones are passed over, ends are left off, the last needs none."""
    text = b"one\r\n\n\r\ntwo\n three \r\r\nfour\n\nfive"
    expected = [line.rstrip(b"\r") for line in text.split(b"\n") if line.rstrip(b"\r")]
    for size in range(1, len(text) + 2):
        lines = member_reader.read_lines(io.BytesIO(text), "a", read_bytes=size)
        assert list(lines) == expected


def test_a_line_at_the_limit_is_read_and_one_beyond_is_named() -> None:
    """The error has file, line, rule and what it may mean."""
    text = b"a\n" + b"b" * 10 + b"\nc"
    assert len(list(member_reader.read_lines(io.BytesIO(text), "a.jsonl", 10))) == 3
    with pytest.raises(NovaError, match=r"a\.jsonl: line 2 exceeds 9 bytes.*not an export"):
        list(member_reader.read_lines(io.BytesIO(text), "a.jsonl", 9))


def recording(compression: CompressionType, messages: list[bytes]) -> bytes:
    """An MCAP file with these messages."""
    out = io.BytesIO()
    writer = Writer(out, compression=compression)
    writer.start(profile="nova")
    channel = writer.register_channel("topic", "json", 0)
    for number, data in enumerate(messages):
        writer.add_message(channel, number, data, number)
    writer.finish()  # type: ignore[no-untyped-call]
    return out.getvalue()


@pytest.mark.parametrize("compression", list(CompressionType))
def test_a_chunk_may_not_expand_beyond_the_limit(compression: CompressionType) -> None:
    """Whatever the chunk says of its size: what it expands to counts."""
    whole = [b"m" * 1_000, b"n" * 1_000]
    data = recording(compression, whole)
    assert list(member_reader.read_mcap(io.BytesIO(data), "a.mcap", McapDamage())) == whole
    damage = McapDamage()
    assert (
        len(list(member_reader.read_mcap(io.BytesIO(data), "a.mcap", damage, 1_500)))
        < len(whole) + 1
    )
    limited = compression is not CompressionType.NONE
    assert not limited or "exceeds 1,500 bytes" in damage.text()


def test_a_frame_that_lies_about_its_size_is_expanded_up_to_the_limit() -> None:
    """zstd allocates at once what a frame says, unless it is read as a stream."""
    data = zstandard.ZstdCompressor().compress(b"\0" * (400 * MIB))
    lie = Chunk("zstd", data, 0, 0, 0, 10)
    assert "exceeds 1,048,576 bytes" in decompress(lie, MIB)[1]


@pytest.mark.parametrize("cut", [0, 4, 12, 60, -1])
def test_a_cut_recording_is_said(cut: int) -> None:
    """Nothing of the library's own errors gets out."""
    data = recording(CompressionType.ZSTD, [b"m" * 1_000])
    damage = McapDamage()
    list(member_reader.read_mcap(io.BytesIO(data[:cut]), "a.mcap", damage))
    assert damage.text()


def test_damaged_zips_are_one_error(tmp_path: Path) -> None:
    """A flipped byte of a member, and a directory that is cut."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", os.urandom(5_000).hex() + "\n")
    good = path.read_bytes()
    path.write_bytes(good[:200] + bytes([good[200] ^ 0xFF]) + good[201:])
    source = ExportReader(path)
    list(source.envelopes())
    assert any(problem.startswith("a.jsonl: ") for problem in source.problems)
    source.close()


def test_records_come_in_parts_of_bounded_size() -> None:
    """By number and by bytes; a large one makes a part full by itself."""
    small, large = Record(None, b"s"), Record(None, b"l" * 100)
    found = list(batches([small] * 5 + [large] * 2 + [small], max_records=3, max_bytes=50))
    assert [len(part) for part in found] == [3, 3, 1, 1]
    assert list(chain.from_iterable(found)) == [small] * 5 + [large] * 2 + [small]


def test_every_envelope_is_a_record(tmp_path: Path) -> None:
    """What is no envelope is published too: the Core says what is wrong with it."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x\n[]\n")
    source = ExportReader(path)
    assert [record.value for record in publishable_records(source.envelopes())] == [b"x", b"[]"]
    source.close()
