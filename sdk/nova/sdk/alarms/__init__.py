"""Alarm rules: what they may contain, their checks, and the files that hold them."""
