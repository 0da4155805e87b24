"""Batch replay by several processes: messages, merge, sinks."""
