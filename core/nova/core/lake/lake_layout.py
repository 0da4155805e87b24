"""The names in a lake: `events/scope=SCOPE/day=YYYY-MM-DD/LANE.TYPE.parquet`, partitions as Hive
names them, in a folder of their own: readers of Parquet take all files of one.
"""

from __future__ import annotations

import re

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.target_use import TargetUse

LAKE_FILE = "lake.json"
VIEWS_FILE = "views.sql"
EVENTS_FOLDER = "events"
DAY_FILE = "_day.json"
"""Of a partition; readers of Parquet ignore names that begin with an underscore."""

PARQUET_ENDING = ".parquet"

_PARTITION = re.compile(EVENTS_FOLDER + r"/scope=[A-Za-z0-9_-]+/day=\d{4}-\d\d-\d\d/")


def partition_of(scope_id: str, day: str) -> str:
    """The folder of a scope's day. Scopes need no escape."""
    return f"{EVENTS_FOLDER}/scope={scope_id}/day={day}"


def _is_root_name(name: str) -> bool:
    return name in (LAKE_FILE, VIEWS_FILE, EVENTS_FOLDER)


def _is_own(name: str) -> bool:
    if name in (LAKE_FILE, VIEWS_FILE):
        return True
    return bool(_PARTITION.match(name)) and name.endswith((PARQUET_ENDING, f"/{DAY_FILE}"))


def _is_lake(target: BackupTarget) -> bool:
    return LAKE_FILE in target.sizes("")


LAKE = TargetUse("lake", "the files of the lake", _is_root_name, _is_own, _is_lake)
