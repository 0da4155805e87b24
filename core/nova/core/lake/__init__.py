"""A lake: days that are over as Parquet, in a folder or an object store."""
