"""The writer process: consume, check, dedupe, stamp, commit, publish."""
