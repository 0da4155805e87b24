"""Measurements behind every claim of speed: `make bench` prints them as one table."""
