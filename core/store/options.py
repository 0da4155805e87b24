"""How RocksDB is set up: every option in one place, with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Options

from core.store.keys import FAMILIES

MIB = 1024 * 1024
BLOCK_CACHE_BYTES = 256 * MIB
WRITE_BUFFERS_BYTES = 192 * MIB
WAL_MAX_BYTES = 512 * MIB
BLOCK_BYTES = 16 * 1024
BLOOM_BITS_PER_KEY = 10
BACKGROUND_JOBS = 2


def database_options() -> Options:
    """Options of the database as a whole; always raw mode, for rocksdict's default is pickle."""
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    # All families exist from the first open: one made later breaks secondaries that are open.
    options.create_missing_column_families(True)
    # A torn tail is healed from the transport; a flipped byte in the middle must be refused.
    options.set_wal_recovery_mode(DBRecoveryMode.tolerate_corrupted_tail_records())
    options.set_recycle_log_file_num(0)
    options.set_db_write_buffer_size(WRITE_BUFFERS_BYTES)
    options.set_max_total_wal_size(WAL_MAX_BYTES)
    options.set_max_background_jobs(BACKGROUND_JOBS)
    # A secondary must keep open what the primary may delete.
    options.set_max_open_files(-1)
    options.set_keep_log_file_num(4)
    return options


def family_options(cache: Cache) -> Mapping[str, Options]:
    """Options per family; all share one block cache, so its size is the memory that reads take."""
    return {name: _family(name, cache) for name in FAMILIES}


def _family(name: str, cache: Cache) -> Options:
    options = Options(raw_mode=True)
    blocks = BlockBasedOptions()
    blocks.set_block_cache(cache)
    blocks.set_block_size(BLOCK_BYTES)
    blocks.set_cache_index_and_filter_blocks(True)
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(True)
    if name == "source":
        # The dedupe look-up: a new event is absent from every file, and the filter says so.
        blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, False)
    options.set_block_based_table_factory(blocks)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_bottommost_compression_type(DBCompressionType.zstd())
    return options
