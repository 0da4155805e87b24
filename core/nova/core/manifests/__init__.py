"""The cards that NOVA ships, one `MANIFEST` per `*.manifest.py` file; see docs/manifests.md."""
