"""Derived telemetry: values computed from the fields of events, and published as events."""
