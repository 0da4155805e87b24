"""Checkpoints of views: stored states, so that no state has to be folded from the first update."""
