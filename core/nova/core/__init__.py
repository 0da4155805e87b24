"""The Core: the writer of the archive and the processes that read it."""
