"""`export.json` is read in memory that does not grow with what it claims to hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import msgspec
import pytest

from nova.recordings.listed_manifest import (
    BINDING_MAX_BYTES,
    MANIFEST_FILE,
    MANIFEST_MAX_BYTES,
    decode,
)
from nova.sdk.errors import NovaError
from tests.recordings.test_member_reader import PEAK_MAX_MIB, imported

HEAD = (
    b'{"format":1,"query":{"timebase":"source"},"events":0,"digest":"","files":[],"failures":[],'
    b'"bindings":['
)
SMALLEST = msgspec.json.encode(
    {
        "messageType": "DriverBinding",
        **dict.fromkeys(
            ("targetId", "targetLane", "streamType", "driverId", "driverVersion"), "xy"
        ),
    }
)


def test_bindings_are_kept_as_they_are() -> None:
    """Members that NOVA does not know included."""
    one = SMALLEST[:-1] + b',"n":[1.50,{}]}'
    manifest = decode(HEAD + one + b"," + SMALLEST + b"]}")
    assert [bytes(binding) for binding in manifest.bindings] == [one, SMALLEST]


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        (b"1", "got `int` - at `$.bindings[0]`"),
        (b"[{},{}]", "got `array` - at `$.bindings[0]`"),
        (SMALLEST + b",{}", "`messageType` - at `$.bindings[1]`"),
        (SMALLEST.replace(b"DriverBinding", b"IngestGap"), "IngestGap"),
        (SMALLEST[:-1] + b',"x":"' + b"x" * BINDING_MAX_BYTES + b'"}', "binding 0 has 65,"),
    ],
)
def test_what_is_no_binding_is_named(bindings: bytes, words: str) -> None:
    """The error has the file, the place and the rule."""
    with pytest.raises(NovaError) as raised:
        decode(HEAD + bindings + b"]}")
    assert MANIFEST_FILE in str(raised.value) and words in str(raised.value)


@pytest.mark.parametrize(
    ("first", "item", "last"),
    [
        (b"1", b",1", b""),
        (b"[{}", b",{}", b"]"),
        (SMALLEST[:-1] + b',"x":[{}', b",{}", b"]}"),
        (b"{}", b"," + SMALLEST, b""),
    ],
)
def test_a_manifest_as_large_as_allowed_takes_no_memory(
    tmp_path: Path, first: bytes, item: bytes, last: bytes
) -> None:
    """Whatever it holds; nothing of it is published."""
    path = tmp_path / "bomb.zip"
    head, tail = HEAD + first, last + b"]}"
    room = MANIFEST_MAX_BYTES - len(head) - len(tail)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST_FILE, head + item * (room // len(item)) + tail)
        archive.writestr("a.jsonl", b"")
    status, said, peak_mib = imported(path, tmp_path / "nowhere")
    assert status == 1 and f"{MANIFEST_FILE}: {MANIFEST_FILE}" in said
    assert peak_mib < PEAK_MAX_MIB
