"""Backups in an object store, with a real server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.core.backup.bucket_target import LOCK_NAME, BucketTarget
from nova.core.backup.generation import generation_names, read_generation
from nova.core.backup.piece_store import PIECES_FOLDER
from nova.core.backup.target_place import open_target
from nova.sdk.errors import NovaError
from tests.core.backup.backing_up import LivingArchive, backed_up, contents, restored
from tests.core.backup.object_store import BUCKET, object_store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """One server for all tests of this file."""
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def url() -> str:
    """A prefix for one test."""
    return f"s3://{BUCKET}/deep/{uuid.uuid4()}"


def test_backups_are_made_pruned_and_restored(
    living: LivingArchive, url: str, tmp_path: Path
) -> None:
    """A-299: as in a folder; nothing but generations and their pieces is left."""
    target = open_target(url)
    for _ in range(3):
        made = backed_up(living.data, target, keep=2)
        living.grow()
    assert made.copied_bytes < made.bytes
    names = generation_names(target)
    assert len(names) == 2
    needed = {piece for name in names for piece in read_generation(target, name).pieces()}
    assert {Path(name).name for name in target.sizes(PIECES_FOLDER)} == needed
    assert len(target.sizes("")) == len(names) + len(needed)
    restored(target, tmp_path / "back")
    living.close()
    assert contents(tmp_path / "back")[::2] == (2_200, {"s": 2_200})


def test_two_backups_exclude_one_another(living: LivingArchive, url: str) -> None:
    with open_target(url).lock(), pytest.raises(NovaError, match=r"another backup to .* is run"):
        backed_up(living.data, open_target(url))
    backed_up(living.data, open_target(url))
    assert LOCK_NAME not in open_target(url).sizes("")


def test_a_lock_that_was_not_renewed_is_taken_and_its_holder_notices(url: str) -> None:
    """The holder was killed, or suspended for longer than its lease; it changes nothing then."""
    slow = BucketTarget(url, renewal_s=0)
    with slow.lock() as held:
        held.require()
        held.require()
        with BucketTarget(url, lease_s=-1).lock() as taken:
            with pytest.raises(NovaError, match="no longer has the lock"):
                held.require()
            taken.require()
        with pytest.raises(NovaError, match="no longer has the lock"):
            held.require()


def test_what_is_wrong_is_one_line(url: str) -> None:
    with pytest.raises(NovaError, match="pieces/none is missing"):
        open_target(url).read("pieces/none")
    with pytest.raises(NovaError, match=r"^cannot list .*404 Not Found.*; check the bucket"):
        open_target("s3://no-such-bucket/nova").sizes(PIECES_FOLDER)
    with pytest.raises(NovaError, match="neither a folder nor s3"):
        open_target("ftp://elsewhere/nova")
