"""Exports: worker processes that write a range to files through drivers and pack them."""
