"""A simulated satellite whose telemetry feeds the demo."""
