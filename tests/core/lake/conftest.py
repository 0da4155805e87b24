"""A running Core on an archive of three days that are over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.lake.lake_layout import LAKE
from nova.sdk.client.client import Client
from nova.sdk.settings import Settings
from tests.core.lake.lakes import make_days
from tests.core.running import Core, running_core


@pytest.fixture
async def days(data: Path) -> AsyncIterator[Core]:
    await make_days(data)
    async with running_core(Settings(data=str(data), mode="ground")) as core:
        yield core


@pytest.fixture
async def client(days: Core) -> AsyncIterator[Client]:
    async with await Client.to_core(days.data) as client:
        yield client


@pytest.fixture
def target(tmp_path: Path) -> FolderTarget:
    return FolderTarget(tmp_path / "it's a lake", use=LAKE)
