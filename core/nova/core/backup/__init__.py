"""Backups of an archive: made while NOVA runs, kept as generations in one target, restored."""
