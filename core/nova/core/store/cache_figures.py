"""What RocksDB says of its block cache."""

from __future__ import annotations

import re
from typing import NamedTuple

from rocksdict import Options, Rdict

_TICKER = re.compile(r"^rocksdb\.block\.cache\.(hit|miss) COUNT : (\d+)$", re.MULTILINE)
USED_BYTES = "rocksdb.block-cache-usage"


class CacheFigures(NamedTuple):
    """Blocks that were found in the cache and read from files since the process started, and the
    memory that it uses, with the write buffers.
    """

    hits: int
    misses: int
    used_bytes: int


def cache_figures(options: Options, family: Rdict) -> CacheFigures:
    """The figures of a database that was opened with these options, and with statistics. The
    cache is that of `family`, which it may share with others.
    """
    found = {name: int(count) for name, count in _TICKER.findall(options.get_statistics() or "")}
    used = family.property_int_value(USED_BYTES)
    return CacheFigures(found.get("hit", 0), found.get("miss", 0), used or 0)
