"""Card manifests: their structure, their files and the lint that a manifest has to pass."""
