"""Drivers: the writers of daily files and exports, found by the entry points `nova.drivers`."""
