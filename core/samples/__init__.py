"""The sampler process: makes numbers over time out of the archive, for plots."""
