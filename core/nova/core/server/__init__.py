"""The reader process: queries, playback, live streams, discovery and exports."""
