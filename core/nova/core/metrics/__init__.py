"""Metrics of the Core's processes, on their way to the reader, which serves them."""
