"""The writer process: consumes records, checks, dedupes, stamps and commits them, and publishes."""
