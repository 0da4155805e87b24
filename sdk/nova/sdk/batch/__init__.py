"""Parallel reads of a range: messages, workers, and the outputs of a batch replay."""
