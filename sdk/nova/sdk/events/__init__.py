"""Events: envelopes, their canonical bytes and ids, and the checks of every record."""
