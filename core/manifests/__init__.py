"""The cards that NOVA ships: one `*.manifest.py` each, with one `MANIFEST` (docs/manifests.md)."""
