"""A row of a database: its key and its value."""

from __future__ import annotations

KeyValue = tuple[bytes, bytes]

Block = tuple[list[KeyValue], int]
"""Rows that were read together, and the total bytes of their values."""
