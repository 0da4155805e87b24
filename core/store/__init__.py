"""The truth store: byte layouts, the archive, series, rejects and the witness."""
