"""The drivers that NOVA brings: raw bytes, positions, tables, lines, parquet, MCAP."""
