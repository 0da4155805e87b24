"""The Core: the one writer of truth and the readers that serve it."""
