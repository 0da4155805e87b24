"""The gateway of Open MCT: its page, and the reads and live values of an edge with one API key."""
