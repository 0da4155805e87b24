"""What may be read of an archive, by name: the one list that every door offers."""
