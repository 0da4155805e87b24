"""Replays and exports: worker processes that read a range and deliver it to an output."""
