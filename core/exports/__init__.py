"""Exports: the processes that bring a range to files by drivers, and pack them."""
