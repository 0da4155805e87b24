"""Definitions of derived telemetry: their structure, their files and their rules."""
