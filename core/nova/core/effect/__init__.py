"""Which descriptors and manifests are in effect at a moment, for discovery, commands and files."""
