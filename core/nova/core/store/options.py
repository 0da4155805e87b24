"""RocksDB's options, each with its reason; docs/performance.md has the measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rocksdict import (
    BlockBasedOptions,
    Cache,
    DBCompactionStyle,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    WriteBufferManager,
)

from nova.core.store.keys import FAMILIES

MIB = 1024 * 1024
MEMORY_BYTES = 512 * MIB
"""RocksDB's memory in one process, unless `memory_mib` is set."""

CACHE_SHARE = 5 / 8
"""The cache's share of the memory; it holds blocks, indexes, filters and write buffers. The rest is
for what RocksDB does not account: compactions, iterators, open files.
"""

WRITE_BUFFERS_SHARE = 1 / 4
WRITE_BUFFER_BYTES = 64 * MIB
WAL_MAX_BYTES = 512 * MIB
BLOCK_BYTES = 16 * 1024
SOURCE_BLOCK_BYTES = 8 * 1024
"""Of `source`, where dedupe looks up single rows anywhere: a block that is not in the cache takes a
third less CPU, and the family half a percent more disk, as eventIds do not compress.
"""

EVENTS_BLOCK_BYTES = 32 * 1024
"""Large: it saves a twentieth of the disk and makes scans a tenth faster."""

EVENTS_PER_RESTART = 4
BLOOM_BITS_PER_KEY = 10
MEMORY_BLOOM_RATIO = 0.05
BACKGROUND_JOBS = 2
SYNC_STEP_BYTES = 1 * MIB
INDEX_FAMILIES = ("source", "series_canonical", "series_source")
DERIVED_CACHE_BYTES = 32 * MIB
DERIVED_BUFFER_BYTES = 16 * MIB
UNIVERSAL_FAMILIES = ("series_canonical", "series_source")
FILES_PER_COMPACTION = 8
STALL_FILES = 40


class Tuning(NamedTuple):
    """The options of one database and its families, which share one cache."""

    database: Options
    families: Mapping[str, Options]


def tuning(memory_bytes: int = MEMORY_BYTES) -> Tuning:
    """Options that keep RocksDB's memory near `memory_bytes`. Readers need the write buffers too,
    because a secondary holds every row that is not in a file yet.
    """
    capacity = int(memory_bytes * CACHE_SHARE)
    # Lock-free: look-ups are a fifth faster than in the LRU cache.
    # It has room for as many blocks as fit in it of the smallest ones.
    cache = Cache.new_hyper_clock_cache(capacity, SOURCE_BLOCK_BYTES)
    buffers = WriteBufferManager.new_write_buffer_manager_with_cache(
        int(memory_bytes * WRITE_BUFFERS_SHARE), False, cache
    )
    return Tuning(_database(buffers), {name: _family(name, cache) for name in FAMILIES})


def derived_options() -> Options:
    """Options of a derived database, which is small and can be rebuilt."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache.new_hyper_clock_cache(DERIVED_CACHE_BYTES, BLOCK_BYTES))
    blocks.set_block_size(BLOCK_BYTES)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(DERIVED_BUFFER_BYTES)
    options.set_max_background_jobs(BACKGROUND_JOBS)
    options.set_max_open_files(-1)
    options.set_keep_log_file_num(4)
    options.set_compression_type(DBCompressionType.lz4())
    return options


def _database(buffers: WriteBufferManager) -> Options:
    options = Options(raw_mode=True)  # rocksdict's default is pickle
    options.create_if_missing(True)
    # All families exist from the first open: a family created later breaks open secondaries.
    options.create_missing_column_families(True)
    # A torn tail is consumed from the transport again; a flipped byte in the middle is refused.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_recycle_log_file_num(0)
    options.set_write_buffer_manager(buffers)
    options.set_max_total_wal_size(WAL_MAX_BYTES)
    options.set_max_background_jobs(BACKGROUND_JOBS)
    # Files are flushed to the disk as they grow, so that the log's own sync never waits for a
    # gigabyte of table files.
    options.set_bytes_per_sync(SYNC_STEP_BYTES)
    # Successive look-ups are near each other, so the kernel may read ahead: from a cold disk an
    # entity's events take two thirds of the time, and single seeks are no slower.
    options.set_advise_random_on_open(False)
    # A secondary must keep files open that the primary may delete.
    options.set_max_open_files(-1)
    options.set_keep_log_file_num(4)
    # For the hits of the cache. Ingest and scans take as long as without, bare seeks 2 % longer.
    options.enable_statistics()
    return options


def _family(name: str, cache: Cache) -> Options:
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(_blocks(name, cache))
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    # One compression on all levels, so that a file of `canonical` moves down without a rewrite.
    # ZSTD would take a quarter less disk, but replay would be a quarter slower; with ZSTD at the
    # bottom level only, each event is compressed twice, which is a third of the cost of ingest.
    options.set_compression_type(DBCompressionType.lz4())
    if name in INDEX_FAMILIES:
        # Every compaction rewrites rows of these, so it waits for more files than RocksDB's
        # default of four: a sixth less background work for ingest, and look-ups as fast.
        options.set_level_zero_file_num_compaction_trigger(FILES_PER_COMPACTION)
        options.set_level_zero_slowdown_writes_trigger(STALL_FILES)
        options.set_level_zero_stop_writes_trigger(2 * STALL_FILES)
    if name == "source":
        # New events are absent from the memtable too; its filter halves the look-up.
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(MEMORY_BLOOM_RATIO)
    if name in UNIVERSAL_FAMILIES:
        # Every file of these spans all series. Universal compaction rewrites a row less often than
        # levels do, and leaves fewer files to search.
        options.set_compaction_style(DBCompactionStyle.universal())
    return options


def _block_bytes(name: str) -> int:
    if name == "source":
        return SOURCE_BLOCK_BYTES
    return EVENTS_BLOCK_BYTES if name == "canonical" else BLOCK_BYTES


def _blocks(name: str, cache: Cache) -> BlockBasedOptions:
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_block_size(_block_bytes(name))
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
    if name == "canonical":
        # Keys are short compared with envelopes, so frequent restart points cost little.
        blocks.set_block_restart_interval(EVENTS_PER_RESTART)
    if name == "source":
        # Dedupe looks up every new event, which is absent from every file: the filter answers.
        blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    return blocks
