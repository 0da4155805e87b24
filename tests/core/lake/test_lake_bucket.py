"""A lake in an object store, with a real server and a reader that shares no code with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.fs
import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.target_place import open_target
from nova.core.lake.lake_layout import LAKE, VIEWS_FILE
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError
from tests.core.backup.object_store import BUCKET, object_store
from tests.core.lake.lakes import contents, queried, written

pytestmark = pytest.mark.slow

PLACE = f"s3://{BUCKET}/deep/lake"


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with object_store() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield


async def test_a_bucket_has_the_files_of_a_folder(client: Client, target: FolderTarget) -> None:
    """Each by its bytes, and Arrow reads the partitions from the store itself."""
    bucket = open_target(PLACE, use=LAKE)
    first = await written(client, bucket)
    await written(client, target)
    folder = contents(Path(str(target)))
    assert bucket.sizes("").keys() == folder.keys()
    for name in folder.keys() - {VIEWS_FILE}:
        assert bucket.read(name) == folder[name]
    assert f"'{PLACE}/events/scope=*/day=*/*.parquet'" in bucket.read(VIEWS_FILE).decode()
    again = await written(client, bucket)
    assert (again.written, again.unchanged) == (0, first.written)
    store = pyarrow.fs.S3FileSystem(
        endpoint_override=os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"), scheme="http"
    )
    rows = (
        ds.dataset(
            f"{PLACE}/events".removeprefix("s3://"),
            filesystem=store,
            format="parquet",
            partitioning="hive",
        )
        .to_table(columns=["eventId", "canonicalTruthTime"])
        .sort_by("canonicalTruthTime")
    )
    stored = [
        event[len('{"eventId":"') :][:64].decode() for event in await queried(client, "canonical")
    ]
    assert rows["eventId"].to_pylist() == stored


async def test_a_place_of_something_else_is_refused(client: Client) -> None:
    place = f"s3://{BUCKET}/other"
    open_target(place).write("thesis.txt", b"all I have")
    with pytest.raises(NovaError, match=r"has thesis\.txt and is no lake"):
        await written(client, open_target(place, use=LAKE))
