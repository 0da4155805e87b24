"""The sampler process: aggregates the archive's numeric fields over time, for plots."""
