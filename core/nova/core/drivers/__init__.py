"""The drivers that NOVA ships: raw binary, position CSV, CSV, JSON lines, Parquet, MCAP."""
