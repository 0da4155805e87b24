"""The query engine: bounded, ordered reads of the archive, for all processes."""
