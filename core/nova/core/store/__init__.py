"""The archive and its derived databases in RocksDB: byte layouts, access, completeness."""
