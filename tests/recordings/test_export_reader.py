"""Damaged exports: what can be read is, and what is missing is named."""

from __future__ import annotations

import io
import json
import random
import shutil
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from mcap.writer import CompressionType, Writer

from nova.recordings.export_proof import ExportProof, matches_event_id
from nova.recordings.export_reader import ExportReader, publishable_records
from nova.recordings.listed_manifest import MANIFEST_FILE
from nova.recordings.mcap_reader import McapDamage, read_events
from nova.sdk.drivers.registry import BINDING_TYPE
from nova.sdk.events.event import without_stamp
from nova.testkit.running_nova import nova_command
from tests.sdk.exported import changed, exported, unpacked

MIB = 1024 * 1024
DRIVERS = ("jsonl", "mcap", "")
MUTATED = 70
MUTATED_SLOW = 6_000


class Read(NamedTuple):
    """What an import would publish, and end with."""

    whole: set[bytes]
    status: int
    digest: str
    said: str


def read(path: Path) -> Read:
    """An import up to the transport; what is no event a Core refuses."""
    source = ExportReader(path)
    try:
        found = [record.value for record in publishable_records(source.envelopes())]
    finally:
        source.close()
    whole = {one for one in found if matches_event_id(one)}
    said = "\n".join(source.problems + source.notes)
    status = int(bool(source.problems) or len(whole) < len(set(found)))
    return Read(whole, status, source.digest, said)


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One export of each kind."""
    return {driver: exported(tmp_path_factory.mktemp("export"), driver) for driver in DRIVERS}


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_good_export_ends_with_its_digest(
    zips: dict[str, Path], driver: str, tmp_path: Path
) -> None:
    """As zip and as folder; not of one with files that cannot be read back, which are named."""
    for path in (zips[driver], unpacked(zips[driver], tmp_path / "folder")):
        got = read(path)
        assert (got.status, got.digest) == (0, "fits" if driver else "unchecked"), got.said
        assert ("raw.bin, with" in got.said) == (driver == "")


def test_the_digest_of_an_export_in_canonical_time_fits_too(tmp_path: Path) -> None:
    """Its order is another one."""
    got = read(exported(tmp_path, "jsonl", "canonical"))
    assert (got.status, got.digest) == (0, "fits"), got.said


@pytest.mark.parametrize("is_folder", [False, True])
def test_bindings_come_before_all_other_events(
    zips: dict[str, Path], tmp_path: Path, is_folder: bool
) -> None:
    """Those of each stream, also without `export.json`, and though files of other streams have
    names that sort before theirs: an archive binds a stream itself when its first event arrives.
    """
    path = changed(zips["jsonl"], tmp_path / "a.zip", {MANIFEST_FILE: None})
    source = ExportReader(unpacked(path, tmp_path / "folder") if is_folder else path)
    types = [json.loads(envelope).get("messageType") for envelope in source.envelopes()]
    source.close()
    bindings = types.count(BINDING_TYPE)
    assert 1 < bindings < len(types)
    assert types[:bindings] == [BINDING_TYPE] * bindings


@pytest.mark.parametrize("is_folder", [False, True])
def test_missing_and_cut_files_are_named_with_their_counts(
    zips: dict[str, Path], tmp_path: Path, is_folder: bool
) -> None:
    """One file is gone, another ends at the end of a line: both passed with status 0."""
    with zipfile.ZipFile(zips["jsonl"]) as archive:
        listed = json.loads(archive.read(MANIFEST_FILE))["files"]
        gone, cut = sorted(listed, key=lambda file: file["events"])[-2:]
        lines = archive.read(cut["path"]).splitlines(keepends=True)
    kept = b"".join(lines[:-2])
    path = changed(zips["jsonl"], tmp_path / "a.zip", {gone["path"]: None, cut["path"]: kept})
    got = read(unpacked(path, tmp_path / "folder") if is_folder else path)
    assert (got.status, got.digest) == (1, "differs")
    assert f"{gone['path']}: is missing, with {gone['events']:,} events" in got.said
    assert f"has {len(kept):,} bytes, {cut['bytes']:,} were exported" in got.said
    assert f"{cut['events'] - 2:,} of {cut['events']:,} events were read" in got.said
    assert len(got.whole) == len(read(zips["jsonl"]).whole) - gone["events"] - 2


@pytest.mark.parametrize("name", [MANIFEST_FILE, "raw.bin"])
def test_what_is_not_read_back_is_missed_too(
    zips: dict[str, Path], tmp_path: Path, name: str
) -> None:
    """The manifest itself, and a file of another driver; all else is imported."""
    with zipfile.ZipFile(zips[""]) as archive:
        (member,) = (one for one in archive.namelist() if one.endswith(name))
    got = read(changed(zips[""], tmp_path / "a.zip", {member: None}))
    assert got.status == 1 and f"{name} is missing" in got.said.replace(":", "")
    assert got.whole or name == "raw.bin"


def test_a_changed_event_does_not_pass(zips: dict[str, Path], tmp_path: Path) -> None:
    """Also over a broker, that takes anything: its content is not what its eventId says."""
    folder = unpacked(zips["jsonl"], tmp_path / "folder")
    path = next(path for path in folder.rglob("*.jsonl") if b'"n":3' in path.read_bytes())
    path.write_bytes(path.read_bytes().replace(b'"n":3', b'"n":4', 1))
    got = read(folder)
    assert "1 are not events, or do not match their eventIds" in got.said and got.status == 1


def test_a_cut_zip_is_read_by_its_own_headers(zips: dict[str, Path], tmp_path: Path) -> None:
    """Its directory stands at the end, and went first."""
    data = zips["jsonl"].read_bytes()
    path = tmp_path / "a.zip"
    path.write_bytes(data[: len(data) * 2 // 3])
    got = read(path)
    assert got.status == 1 and "cannot read the zip's directory" in got.said
    assert len(got.whole) > len(read(zips["jsonl"]).whole) // 3


def recording(profile: str, messages: list[bytes], chunk_size: int = 1_000) -> bytes:
    """An MCAP file of small chunks."""
    out = io.BytesIO()
    writer = Writer(out, chunk_size=chunk_size, compression=CompressionType.ZSTD)
    writer.start(profile=profile)
    channel = writer.register_channel("/b", "json", 0)
    for number, data in enumerate(messages):
        writer.add_message(channel, number * 10**9, data, number * 10**9)
    writer.finish()  # type: ignore[no-untyped-call]
    return out.getvalue()


def envelopes(count: int) -> list[bytes]:
    """As anybody writes them, without id or receive time."""
    return [
        json.dumps(
            {
                **{"scopeId": "m7", "lane": "parsed", "systemId": "a", "containerId": "b"},
                **{"uniqueId": "c", "sourceTruthTime": f"2026-01-01T00:00:{number:02}Z"},
                **{"messageType": "Battery", "schemaVersion": "1", "payload": {"volts": number}},
            }
        ).encode()
        for number in range(count)
    ]


def test_a_cut_recording_gives_its_whole_chunks() -> None:
    """As in 25-mcap/cut.mcap: 35 of 60, and what is missing is said."""
    whole = envelopes(60)
    data = recording("", whole)
    damage = McapDamage()
    found = list(read_events(io.BytesIO(data[: len(data) * 2 // 5]), "a.mcap", damage, MIB))
    assert 0 < len(found) < 60 and found == whole[: len(found)]
    assert "ends without an MCAP footer" in damage.text()


@pytest.mark.parametrize(
    ("name", "count", "said"),
    [
        ("cut", 35, "ends without an MCAP footer"),
        ("nova-unfinished", 39, "ends without an MCAP footer"),
        ("nova", 50, ""),
        ("foxglove-json", 0, "is not a NOVA recording"),
    ],
)
def test_the_recordings_of_others_come_out_right(
    recordings: Path, name: str, count: int, said: str
) -> None:
    """As their README says."""
    got = read(recordings / "faults" / "25-mcap" / f"{name}.mcap")
    assert len(got.whole) == count and said in got.said and got.status == bool(said)


@pytest.mark.parametrize("part", ["opcode", "length", "data", "index"])
def test_behind_a_damaged_chunk_reading_goes_on(part: str) -> None:
    """The others are all read, whatever of one is broken, and how many are missing is counted."""
    whole = envelopes(60)
    data = bytearray(recording("nova", whole))

    first = data.index(b"\x06", 17 + int.from_bytes(data[9:17], "little"))
    size = int.from_bytes(data[first + 1 : first + 9], "little")
    at = {"opcode": 0, "length": 2, "data": 9 + size // 2, "index": 9 + size + 1}[part]
    data[first + at] ^= 0x11
    damage = McapDamage()
    found = list(read_events(io.BytesIO(bytes(data)), "a.mcap", damage, MIB))
    lost = [one for one in whole if one not in found]
    assert lost == whole[: len(lost)] and len(lost) <= 6
    assert damage.text() and (not lost or f"{60 - len(lost)} of 60 messages" in damage.text())


@pytest.mark.parametrize("profile", ["ros2", ""])
def test_a_foreign_recording_is_refused_once(profile: str, tmp_path: Path) -> None:
    """By its profile, or because its messages are no envelopes; nothing of it is sent."""
    path = tmp_path / "a.mcap"
    path.write_bytes(recording(profile, [b'{"volts":28.0}'] * 50))
    source = ExportReader(path)
    assert list(source.envelopes()) == []
    (problem,) = source.problems
    assert "is not a NOVA recording" in problem and "refused" in problem
    source.close()
    done = nova_command("import", str(path), "--to", f"local://{tmp_path}", "--json")
    assert done.returncode == 1 and done.stderr.count(b"is not a NOVA recording") == 1
    counts = json.loads(done.stdout)
    assert (counts["sent"], counts["rejected"], counts["problems"]) == (0, 0, 1)


@pytest.mark.parametrize("timebase", ["source", "canonical"])
def test_a_proof_sorts_on_disk_as_in_memory(zips: dict[str, Path], timebase: str) -> None:
    """However few are sorted at once, and in whatever order they come."""
    with zipfile.ZipFile(zips["jsonl"]) as archive:
        lines = [
            line
            for name in archive.namelist()
            if name.endswith(".jsonl")
            for line in archive.read(name).splitlines()
        ]
    texts = set()
    for count in (3, 1_000):
        random.Random(count).shuffle(lines)
        proof = ExportProof(timebase, count)  # type: ignore[arg-type]  # one of the two
        assert sum(proof.add([line]) for line in lines) == len(lines)
        texts.add(proof.digest())
        proof.close()
    assert len(texts) == 1


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut, left out, put in or doubled."""
    at = chance.randrange(len(data))
    size = chance.choice((1, 4, 64, 1_000))
    match chance.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[at + size :]
        case 2:
            return data[:at] + chance.randbytes(size) + data[at:]
        case 3:
            return data[:at] + data[at : at + size] + data[at:]
        case 4:
            return data[:at] + bytes(size) + data[at + size :]
        case _:
            flipped = bytearray(data)
            for _ in range(chance.choice((1, 1, 8))):
                flipped[chance.randrange(len(data))] ^= chance.randrange(1, 256)
            return bytes(flipped)


def check_mutated(zips: dict[str, Path], folder: Path, begin: int, count: int) -> None:
    """Nothing but words, and never status 0 where an event is missing."""
    good = {driver: read(path).whole for driver, path in zips.items()}
    contents = {}
    for driver, path in zips.items():
        with zipfile.ZipFile(path) as archive:
            contents[driver] = {name: archive.read(name) for name in archive.namelist()}
    root = folder
    for seed in range(begin, begin + count):
        shutil.rmtree(root / str(seed - 1), ignore_errors=True)
        folder = root / str(seed)
        folder.mkdir()
        chance = random.Random(seed)
        driver = chance.choice(DRIVERS)
        expected = good[driver]
        kind = chance.choice(("zip", "member", "folder", "file"))
        files = dict(contents[driver])
        name = chance.choice(sorted(files))
        if kind == "zip":
            path = folder / f"{seed}.zip"
            path.write_bytes(mutated(zips[driver].read_bytes(), chance))
        elif kind == "file":
            # One line that is left out of a file that nothing vouches for, nobody can miss.
            driver = "mcap"
            (name,) = (one for one in contents[driver] if one.endswith(".mcap"))
            path = folder / f"{seed}.mcap"
            path.write_bytes(mutated(contents[driver][name], chance))
            lines = contents["mcap"][name]
            whole = read_events(io.BytesIO(lines), name, McapDamage(), 64 * MIB)
            expected = {without_stamp(one) for one in whole}
        else:
            path = folder / str(seed)
            if chance.randrange(8) == 0:
                del files[name]
            else:
                files[name] = mutated(files[name], chance)
            if MANIFEST_FILE not in files:
                continue
            for one, data in files.items():
                (path / one).parent.mkdir(parents=True, exist_ok=True)
                (path / one).write_bytes(data)
            if kind == "member":
                target = folder / f"{seed}.zip"
                with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                    for one, data in files.items():
                        archive.writestr(one, data)
                path = target
        got = read(path)
        assert got.status == 1 or expected <= got.whole, (seed, kind, driver, got.said)
        assert got.status == 0 or got.said, (seed, kind, driver)


def test_mutated_exports_end_in_words(zips: dict[str, Path], tmp_path: Path) -> None:
    """1,974 of 6,000 ended in a traceback."""
    check_mutated(zips, tmp_path, 0, MUTATED)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_mutated_exports_end_in_words(zips: dict[str, Path], tmp_path: Path) -> None:
    """All of them."""
    check_mutated(zips, tmp_path, MUTATED, MUTATED_SLOW)
