"""Checkpoints of views: states at chosen moments, so that none has to be folded from the start."""
