"""What is in effect at a time: the one answer for discovery, commands, drivers and files."""
