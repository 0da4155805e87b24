"""How RocksDB is set up: every option in one place, with its reason (measured:
docs/performance.md).
"""

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

from core.store.keys import FAMILIES

MIB = 1024 * 1024
MEMORY_BYTES = 512 * MIB
"""What RocksDB takes in one process, unless the setting says otherwise."""

CACHE_SHARE = 5 / 8
"""Of the memory; blocks, indexes, filters and write buffers live in it. What is left is for what
RocksDB does not count: compactions, iterators, open files.
"""

WRITE_BUFFERS_SHARE = 1 / 4
WRITE_BUFFER_BYTES = 64 * MIB
WAL_MAX_BYTES = 512 * MIB
BLOCK_BYTES = 16 * 1024
EVENTS_BLOCK_BYTES = 32 * 1024
"""Twice as much saves a twentieth of the disk and makes scans a tenth faster."""

EVENTS_PER_RESTART = 4
BLOOM_BITS_PER_KEY = 10
MEMORY_BLOOM_RATIO = 0.05
BACKGROUND_JOBS = 2
SYNC_STEP_BYTES = 1 * MIB
INDEX_FAMILIES = ("source", "series_canonical", "series_source")
DERIVED_CACHE_BYTES = 32 * MIB
DERIVED_BUFFER_BYTES = 16 * MIB
MERGED_FAMILIES = ("series_canonical", "series_source")
FILES_PER_MERGE = 8
STALL_FILES = 40


class Tuning(NamedTuple):
    """The options of one open database, which share their memory."""

    database: Options
    families: Mapping[str, Options]


def tuning(memory_bytes: int = MEMORY_BYTES) -> Tuning:
    """Options that keep what RocksDB takes near `memory_bytes`; readers pay for the write buffers
    too, for a secondary holds what is not in a file yet.
    """
    capacity = int(memory_bytes * CACHE_SHARE)
    # Without a lock around its list, it is a fifth faster to look blocks up in than the LRU cache.
    cache = Cache.new_hyper_clock_cache(capacity, BLOCK_BYTES)
    buffers = WriteBufferManager.new_write_buffer_manager_with_cache(
        int(memory_bytes * WRITE_BUFFERS_SHARE), False, cache
    )
    return Tuning(_database(buffers), {name: _family(name, cache) for name in FAMILIES})


def derived_options() -> Options:
    """Of a database of what is derived, which is small and can be made anew."""
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
    # All families exist from the first open: one made later breaks secondaries that are open.
    options.create_missing_column_families(True)
    # A torn tail is healed from the transport; a flipped byte in the middle must be refused.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_recycle_log_file_num(0)
    options.set_write_buffer_manager(buffers)
    options.set_max_total_wal_size(WAL_MAX_BYTES)
    options.set_max_background_jobs(BACKGROUND_JOBS)
    # Files are handed to the disk as they grow, so that the log's own sync never waits for a
    # gigabyte of somebody else's.
    options.set_bytes_per_sync(SYNC_STEP_BYTES)
    # What is looked up lies near what was looked up before, so the system may read ahead: from a
    # cold disk an entity's events come in two thirds of the time, and single seeks no later.
    options.set_advise_random_on_open(False)
    # A secondary must keep open what the primary may delete.
    options.set_max_open_files(-1)
    options.set_keep_log_file_num(4)
    return options


def _family(name: str, cache: Cache) -> Options:
    options = Options(raw_mode=True)
    options.set_block_based_table_factory(_blocks(name, cache))
    options.set_write_buffer_size(WRITE_BUFFER_BYTES)
    # One compression on all levels, so that a file of `canonical` is moved down and never written
    # again. ZSTD would take a quarter less disk, and replay from it is a quarter slower; where it
    # stands at the bottom only, each event is compressed twice, a third of all that ingest costs.
    options.set_compression_type(DBCompressionType.lz4())
    if name in INDEX_FAMILIES:
        # Rows of these are written again with every merge, so merges wait for more files than
        # RocksDB's four: a sixth less work behind ingest, and look-ups as fast.
        options.set_level_zero_file_num_compaction_trigger(FILES_PER_MERGE)
        options.set_level_zero_slowdown_writes_trigger(STALL_FILES)
        options.set_level_zero_stop_writes_trigger(2 * STALL_FILES)
    if name == "source":
        # New events are absent from memory too, and saying so halves the look-up.
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(MEMORY_BLOOM_RATIO)
    if name in MERGED_FAMILIES:
        # Every file of these spans all series. Merging runs of like size writes a row again less
        # often than levels do, and leaves fewer places to look.
        options.set_compaction_style(DBCompactionStyle.universal())
    return options


def _blocks(name: str, cache: Cache) -> BlockBasedOptions:
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_block_size(EVENTS_BLOCK_BYTES if name == "canonical" else BLOCK_BYTES)
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
    if name == "canonical":
        # Keys are short beside envelopes, so that steps may be small for look-ups.
        blocks.set_block_restart_interval(EVENTS_PER_RESTART)
    if name == "source":
        # The dedupe look-up: a new event is absent from every file, and the filter says so.
        blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    return blocks
