"""What an archive proves: the check of all its events, rows and seals, and proofs of one event."""
