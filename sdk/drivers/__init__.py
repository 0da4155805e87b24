"""Drivers: what turns events into files, for daily files and exports alike; found by entry points
(`nova.drivers`).
"""
